"""The only place where model-written code runs: a warm fork server whose sessions can reach nothing and hang nobody.

`run_code` and `run_many` for scripts, `Sandbox` for event loops; `protocols` for how a model is shown the results.
"""

from evaluators.sandbox.protocols import PROTOCOLS, Protocol
from evaluators.sandbox.records import ExecutorFault, Result, SandboxError, SandboxSettings, Tier, TierRefused
from evaluators.sandbox.sandbox import Sandbox, Session, run_code, run_many

__all__ = [
    "PROTOCOLS",
    "ExecutorFault",
    "Protocol",
    "Result",
    "Sandbox",
    "SandboxError",
    "SandboxSettings",
    "Session",
    "Tier",
    "TierRefused",
    "run_code",
    "run_many",
]
