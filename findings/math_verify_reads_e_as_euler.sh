#!/usr/bin/env bash
# The guess: Math-Verify, made for the outputs of models and programs, reads 1.5e3 as Python prints it.
# What happens: inside dollars `e` is Euler's number, so 1.5e3 is 1.5 * e * 3 (about 12.2) and not equal to 1500. An
# answer that a program printed and a model copied into its box is wrong.
# math-verify 0.9.0; source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install "math-verify[antlr4_13_2]==0.9.0" 2>/dev/null
"$folder/v/bin/python" - <<'PY'
from importlib.metadata import version
from math_verify import parse, verify

print("math-verify", version("math-verify"))
for text in ("$1.5e3$", r"$\boxed{1.5e3}$", "$1500$"):
    print(f"{text:<18} -> {parse(text)[0]!r}")
assert not verify(parse("$1500$"), parse("$1.5e3$"))
assert abs(float(parse("$1.5e3$")[0]) - 1.5 * 2.718281828 * 3) < 1e-6
PY
