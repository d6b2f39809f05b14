"""What every test may count on, however the suite was started."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Signals as in a foreground shell: a job in the background starts with SIGINT ignored, Dagster then copies that to
    SIGTERM, and worker processes that a test tells to end never would."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
