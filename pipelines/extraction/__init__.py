"""HTML to text that keeps the mathematics.

>>> html_to_text("<p>Euler: <i>e</i><sup>i&pi;</sup> = &minus;1</p>")
'Euler: $e^{i\\\\pi} = -1$'

No state is kept between pages: a page's text depends on its HTML alone.
"""

from __future__ import annotations

from pipelines.extraction.page import Extracted, extract, html_to_text

__all__ = ["Extracted", "extract", "html_to_text"]
