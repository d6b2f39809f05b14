#!/usr/bin/env bash
# The guess: \dfrac and \tfrac are \frac in another size, so a converter to text that writes \frac{3}{2} as 3/2 writes them so.
# What happens: \frac has a rule of its own, the two others have none: the bar is gone and 3/2 becomes the number 32. The degree
# of a root goes the same way (the cube root of 8 is written as a square root), and \binom{5}{2} becomes 52. Nothing is said in
# any mode. Who compares answers by such text takes \dfrac{3}{2} and 32 for equal.
# pylatexenc 2.11; source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install pylatexenc==2.11 2>/dev/null
cd "$folder"; v/bin/python - <<'PY'
from importlib.metadata import version

from pylatexenc.latex2text import LatexNodes2Text

seen = {}
for formula in (r"\frac{3}{2}", r"\dfrac{3}{2}", r"\tfrac{3}{2}", r"\sqrt[3]{8}", r"\sqrt{8}", r"\binom{5}{2}"):
    seen[formula] = LatexNodes2Text().latex_to_text(f"${formula}$")
print("pylatexenc", version("pylatexenc"), seen)
assert list(seen.values()) == ["3/2", "32", "32", "√(8)", "√(8)", "52"]
PY
