"""Watches over the versions of stages.

python -m evaluators.stages check                    fails where a stage's code moved and neither its version nor the record did
python -m evaluators.stages same-output [STAGE ...]  records that the code as it is gives the same results; without names, for all
python -m evaluators.stages closure STAGE            lists what a stage's result depends on
"""

from __future__ import annotations

import argparse
import sys

from evaluators.stages.closure import Sources
from evaluators.stages.record import ROOT, moved_stages, said_of, write_record


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m evaluators.stages", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("check", "same-output", "closure"))
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    arguments = parser.parse_args()
    known = [stage.name for stage in Sources(ROOT).stages()]
    if unknown := [name for name in arguments.stages if name not in known]:
        print(f"expected names of stages; found {', '.join(unknown)}. There are: {', '.join(known)}", file=sys.stderr)
        return 2
    if arguments.action == "closure":
        return _show(arguments.stages or known)
    if arguments.action == "same-output":
        for name in write_record(ROOT, arguments.stages):
            print(f"recorded {name}")
        return 0
    moved = moved_stages(ROOT)
    for one in moved:
        print(said_of(one, ROOT), file=sys.stderr)
    return 1 if moved else 0


def _show(names: list[str]) -> int:
    sources = Sources(ROOT)
    for stage in sources.stages():
        if stage.name in names:
            print(f"{stage.name} {stage.version}")
            for unit in sorted(sources.closure(stage)):
                print(f"  {unit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
