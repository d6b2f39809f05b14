"""HTML to text that keeps the mathematics.

>>> html_to_text("<p>Euler: <i>e</i><sup>i&pi;</sup> = &minus;1</p>")
'Euler: $e^{i\\\\pi} = -1$'

No state is kept between pages: a page's text depends on its HTML alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.extraction.page import Extracted, extract, html_to_text

__all__ = ["Extracted", "extract", "html_to_text"]


def __getattr__(name: str) -> Any:
    """Only when one is asked for: their machine code takes a second to load, and a recipe needs none of it (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipelines.extraction import page

    return getattr(page, name)
