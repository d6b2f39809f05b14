"""Machine code, and where it is kept."""

import shutil
import subprocess
import sys

from numba.core import caching

from evaluators.compiled import HERE, compiled


def test_a_function_is_compiled_where_no_cache_can_be_written(monkeypatch):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @compiled
    def twice(number):
        return 2 * number

    assert twice(4) == 8


CALLER = """
from pipelines.callee import inner
from evaluators.compiled import compiled

@compiled
def outer(number):
    return 10 * inner(number)

print(outer(1), sum(outer.stats.cache_hits.values()))
"""
CALLEE = "from evaluators.compiled import compiled\n\n@compiled\ndef inner(number):\n    return number + {}\n"


def test_machine_code_is_kept_until_a_function_that_it_calls_in_another_file_changes(tmp_path):
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "__init__.py").touch()
    shutil.copytree(HERE, tmp_path / "evaluators", ignore=lambda _, names: set(names) - {"__init__.py", "compiled.py"})
    (folder / "caller.py").write_text(CALLER, encoding="utf-8")

    def said(added: int) -> str:
        (folder / "callee.py").write_text(CALLEE.format(added), encoding="utf-8")
        words = [sys.executable, "-c", "import pipelines.caller"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert [said(1), said(1), said(2)] == ["20 0", "20 1", "30 0"]
    assert len(list((tmp_path / "evaluators" / "__pycache__").glob("machine-code-*"))) == 1
