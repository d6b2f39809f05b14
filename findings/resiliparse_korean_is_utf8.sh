#!/usr/bin/env bash
# The guess: resiliparse's encoding detector, which tells GBK, Big5, Shift JIS, EUC-JP and KOI8-R from their bytes, tells
# EUC-KR as well.
# What happens: Korean in EUC-KR is called utf-8, whatever its length, although its bytes are no valid UTF-8. A page decoded
# so is all replacement characters.
# resiliparse 2.0.1, resiliparse.parse.encoding.detect_encoding; source: run here on five encodings.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install resiliparse==2.0.1 2>/dev/null
"$folder/v/bin/python" - <<'PY'
from importlib.metadata import version
from resiliparse.parse.encoding import detect_encoding

texts = {
    "gbk": "计算三角形的面积，并求出方程的解。",
    "big5": "請證明下列的定理並計算三角形的面積。",
    "shift_jis": "この方程式を解きなさい。",
    "koi8-r": "Решите уравнение и найдите площадь. ",
    "euc-kr": "직각삼각형의 둘레가 주어졌을 때 넓이를 구하시오. ",
}
print("resiliparse", version("resiliparse"))
found = {}
for name, text in texts.items():
    for times in (1, 40):
        found[name, times] = detect_encoding((text * times).encode(name), from_html_meta=False)
        print(f"{name:<10} x{times:<3} -> {found[name, times]}")
assert {found["euc-kr", times] for times in (1, 40)} == {"utf-8"}
assert all("utf-8" != found[name, 40] for name in texts if name != "euc-kr")
PY
