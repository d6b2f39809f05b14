"""Text of the embedded crawl: a small grammar in YAML files, expanded with a seeded generator.

    sentence: "A train leaves <city> at <6-11> o'clock and needs <h=2-5> hours, so <h> tickets are ..."

`<name>` is one of the alternatives of that symbol, `<2-9>` a number, `<h=2-9>` or `<who=name>` binds what was drawn so
that `<h>` repeats it within the same expansion. `$...$` is a formula in the TeX of planted_formulas.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import yaml

SLOT = re.compile(r"<(?:([a-z]\w*)=)?(?:(\d+)-(\d+)|([a-z]\w*))>")


class Grammar:
    """The symbols of one YAML file."""

    def __init__(self, symbols: Mapping[str, Sequence[str]]) -> None:
        self.symbols = symbols

    def expand(self, symbol: str, draw: random.Random, bound: dict[str, str] | None = None) -> str:
        """One expansion. Raises KeyError where a symbol is neither bound nor in the grammar."""
        known = {} if bound is None else bound
        return self.fill(draw.choice(self.symbols[symbol]), draw, known)

    def fill(self, text: str, draw: random.Random, bound: dict[str, str]) -> str:
        """`text` with its slots filled."""

        def slot(found: re.Match[str]) -> str:
            name, low, high, symbol = found.groups()
            if low is not None:
                value = str(draw.randint(int(low), int(high)))
            elif name is None and symbol in bound:
                return bound[symbol]
            else:
                value = self.expand(symbol, draw, bound)
            if name is not None:
                bound[name] = value
            return value

        return SLOT.sub(slot, text)

    def several(self, symbol: str, draw: random.Random, count: int) -> list[str]:
        """`count` expansions from different alternatives, as long as there are that many."""
        alternatives = list(self.symbols[symbol])
        draw.shuffle(alternatives)
        chosen = [alternatives[index % len(alternatives)] for index in range(count)]
        return [self.fill(text, draw, {}) for text in chosen]

    def under(self, prefix: str) -> list[str]:
        """The symbols whose names begin with `prefix`, sorted."""
        return sorted(name for name in self.symbols if name.startswith(prefix))


@cache
def grammar(name: str) -> Grammar:
    """The grammar `planted_grammar/<name>.yaml`."""
    text = files("pipelines.crawl").joinpath("planted_grammar", f"{name}.yaml").read_text(encoding="utf-8")
    content = yaml.safe_load(text)
    return Grammar(
        {key: [value] if isinstance(value, str) else [str(v) for v in value] for key, value in content.items()}
    )
