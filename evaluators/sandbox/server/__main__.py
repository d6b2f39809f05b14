"""Entry of the server process, run as `python -I -S -B <this folder>` so that nothing of the caller comes along.

`-S` keeps `site` out: no .pth file, so no editable checkout, on `sys.path`. The two parents of this package are
therefore built here by hand, without running their `__init__` files (which import pydantic and more).
"""

import sys
import types
from pathlib import Path

_here = Path(__file__).resolve().parent
for _name, _folder in (("evaluators", _here.parent.parent), ("evaluators.sandbox", _here.parent)):
    _package = types.ModuleType(_name)
    _package.__path__ = [str(_folder)]
    sys.modules[_name] = _package

from evaluators.sandbox.server import main  # noqa: E402 - the packages it lies in are made above

main.main(sys.argv[1:])
