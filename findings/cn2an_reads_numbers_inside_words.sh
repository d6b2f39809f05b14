#!/usr/bin/env bash
# The guess: cn2an.transform turns the numerals of a Chinese sentence into digits, so that texts can be compared number by number,
# and leaves words alone that hold a character which is also a numeral.
# What happens: it replaces every such character: a triangle (三角形) becomes 3角形, a quadrilateral (四边形) 4边形, five degrees
# below zero (零下五度) 0下5度. A school problem about triangles gains a number that nobody wrote. Words as common as 万一
# ("in case") give a warning for each.
# cn2an 0.5.24; source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install cn2an==0.5.24 2>/dev/null
cd "$folder"; v/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import cn2an

seen = {text: cn2an.transform(text, "cn2an") for text in ("他有一百五十元", "三角形", "四边形", "零下五度")}
print("cn2an", version("cn2an"), seen)
assert list(seen.values()) == ["他有150元", "3角形", "4边形", "0下5度"]
PY
