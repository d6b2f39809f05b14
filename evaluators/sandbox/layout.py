"""What of this interpreter a session needs: its standard library and packages, and no checkout beside them."""

from __future__ import annotations

import importlib.util
import site
import sysconfig
from collections.abc import Iterable
from pathlib import Path


def library_folders(preload: Iterable[str]) -> list[str]:
    """Folders to import from, in the order of sys.path: the standard library, then packages.

    Taken from the installation scheme, not from sys.path: that holds what .pth files add, such as the checkout of an
    editable install, and the caller's own folder. The folder of a preloaded package counts wherever it lies.
    """
    paths = sysconfig.get_paths()
    standard = [
        paths["stdlib"],
        str(Path(paths["stdlib"], "lib-dynload")),
        sysconfig.get_config_var("DESTSHARED") or "",
    ]
    packages = [*site.getsitepackages(), paths["purelib"], paths["platlib"]]
    for name in preload:
        found = importlib.util.find_spec(name.partition(".")[0])
        if found is not None and found.origin not in (None, "built-in", "frozen"):
            origin = Path(str(found.origin))
            packages.append(str(origin.parent.parent if found.submodule_search_locations else origin.parent))
    return [path for path in dict.fromkeys([*standard, *packages]) if path and Path(path).is_dir()]
