"""Lists and tables of Markdown as plain lines: `- **Ann**: 5` is `Ann: 5`, a table of two rows one line a column."""

from __future__ import annotations

from evaluators.answers.patterns import lazy_pattern

_BULLET = lazy_pattern(r"(?m:^)[ \t]*(?:[-*+•][ \t]+|>[ \t]*|#{1,6}[ \t]+)")
_RULE = lazy_pattern(r"[\s|:-]+")
_ROW = lazy_pattern(r"\s*\|(?P<cells>.+)\|\s*")
MAX_CELLS = 40


def in_plain_lines(text: str) -> str:
    """The text without bullets and bold type; a table of names and values as one line for each."""
    lines = text.replace("**", "").replace("__", "").split("\n")
    if any(_ROW.fullmatch(line) for line in lines):
        lines = _without_table(lines)
    return _BULLET.sub("", "\n".join(lines))


def _without_table(lines: list[str]) -> list[str]:
    """Of a header and one row a line for each column, of two columns a line for each row; other tables as they are."""
    rows = [_ROW.fullmatch(line) for line in lines if line.strip() and not _RULE.fullmatch(line)]
    cells = [[cell.strip() for cell in row["cells"].split("|")] for row in rows if row is not None]
    if len(cells) != len(rows) or len({len(row) for row in cells}) != 1 or sum(map(len, cells)) > MAX_CELLS:
        return lines
    if len(cells) == 2 and len(cells[0]) >= 2 and not any(cell[-1:].isdigit() for cell in cells[0]):
        return [f"{name}: {value}" for name, value in zip(*cells, strict=True)]
    if len(cells[0]) == 2:
        header = not any(character.isdigit() for character in cells[0][1])
        return [f"{name}: {value}" for name, value in cells[header:]]
    return lines
