"""The judge as a service: one server for every trainer and harness, its clients, and the same calls without a server.

    mathsieve serve                                     # http://127.0.0.1:8517

    with Client("http://127.0.0.1:8517") as judge:      # or `with LocalJudge() as judge:`
        judge.check("1/2", "0.5").correct
        judge.run("print(6 * 7)").shown

docs/serve.md has every endpoint and adapter.
"""

from evaluators.service.client import Client
from evaluators.service.errors import ServiceError
from evaluators.service.judge import Judge, LocalJudge
from evaluators.service.records import (
    ExecutedAnswer,
    Limits,
    Output,
    Pair,
    ProgramRun,
    ReplayedProgram,
    TrajectoryVerdict,
)

__all__ = [
    "Client",
    "ExecutedAnswer",
    "Judge",
    "Limits",
    "LocalJudge",
    "Output",
    "Pair",
    "ProgramRun",
    "ReplayedProgram",
    "ServiceError",
    "TrajectoryVerdict",
]
