"""One element of a Slurm array: `python -m evaluators.executors FOLDER FIRST ELEMENT`."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from evaluators.executors.outcomes import attempt
from evaluators.executors.slurm import OUTCOME, WORK
from evaluators.tables import atomic_file


def main() -> int:
    folder, place = Path(sys.argv[1]), int(sys.argv[2]) + int(sys.argv[3])
    work, shards = pickle.loads((folder / WORK).read_bytes())
    outcome = attempt(work, shards[place])
    print(outcome.trace, file=sys.stderr, end="")
    with atomic_file(folder / f"{place}{OUTCOME}") as temporary:
        temporary.write_bytes(pickle.dumps(outcome))
    return outcome.kind != "finished"


if __name__ == "__main__":
    sys.exit(main())
