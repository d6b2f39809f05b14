#!/usr/bin/env bash
# The guess: a Python interpreter prints a float as CPython does, the shortest digits that give it back.
# What happens: where two shortest spellings lie equally near, CPython takes the even last digit and pydantic-monty the
# higher one. Both read back as the same number, so arithmetic agrees and only what is printed differs.
# pydantic-monty 1.4.0; source: run here beside CPython.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"; "$folder/v/bin/pip" -q --disable-pip-version-check install pydantic-monty==1.4.0 2>/dev/null
"$folder/v/bin/python" - <<'PY'
from importlib.metadata import version
import pydantic_monty

print("pydantic-monty", version("pydantic-monty"))


def printed(number):
    said = pydantic_monty.CollectStreams()
    with pydantic_monty.Monty() as monty, monty.checkout() as session:
        session.feed_run(f"print({number!r})", print_callback=said)
    return "".join(text for _, text in said.output).strip()


found = {number: printed(number) for number in (820899281892914.25, 0.1 + 0.2, 2.5e-7)}
for number, text in found.items():
    print(f"CPython {number!r:<22} monty {text}")
assert found[820899281892914.25] == "820899281892914.3" and repr(820899281892914.25) == "820899281892914.2"
assert found[0.1 + 0.2] == repr(0.1 + 0.2)
PY
