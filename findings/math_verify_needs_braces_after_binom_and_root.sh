#!/usr/bin/env bash
# The guess: TeX takes the next token where an argument has no braces, and Math-Verify, which reads \frac12, knows that.
# What happens: it repairs \frac12 and \sqrt2 alone. \binom52, \sqrt[3]8 and \dbinom nk are kept as texts, equal only to the
# same characters: \binom52 is not 10 and \sqrt[3]8 is not 2.
# math-verify 0.9.0; source: run here; TeX's rule is in The TeXbook, chapter 20 (undelimited parameters).
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install "math-verify[antlr4_13_2]==0.9.0" 2>/dev/null
"$folder/v/bin/python" - <<'PY'
from importlib.metadata import version
from math_verify import parse, verify

print("math-verify", version("math-verify"))
pairs = {r"\frac12": "0.5", r"\sqrt4": "2", r"\binom52": "10", r"\binom{5}{2}": "10", r"\sqrt[3]8": "2", r"\sqrt[3]{8}": "2"}
found = {tex: verify(parse(f"${value}$"), parse(f"${tex}$")) for tex, value in pairs.items()}
for tex, value in pairs.items():
    print(f"{tex:<14} is {value:<4}: {found[tex]}")
assert [found[tex] for tex in pairs] == [True, True, False, True, False, True]
PY
