"""What /metrics tells Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from evaluators.answers import Outcome
from evaluators.service.workers import Pool

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one server. Names follow Prometheus' conventions: base units, `_total` for counters."""

    def __init__(self, pools: Mapping[str, Pool], open_sessions: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("mathsieve_requests", "Answered requests.", ("route", "status"), registry=self.registry)
        self.seconds = Histogram(
            "mathsieve_request_seconds",
            "From the last byte of a request to its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        verdicts = Counter("mathsieve_verdicts", "Verdicts given.", ("outcome",), registry=self.registry)
        self.verdicts = {outcome: verdicts.labels(outcome) for outcome in get_args(Outcome)}
        self.replayed = Counter(
            "mathsieve_replayed_replies", "Replies given again to an idempotency key.", registry=self.registry
        )
        self.registry.register(_Gauges(pools, open_sessions))

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Gauges(Collector):
    """What is read off when somebody asks."""

    def __init__(self, pools: Mapping[str, Pool], open_sessions: Callable[[], int]) -> None:
        self._pools = pools
        self._open_sessions = open_sessions

    def collect(self) -> Iterator[GaugeMetricFamily]:
        kinds: Iterable[tuple[str, str, Callable[[Pool], float]]] = (
            ("mathsieve_waiting_tasks", "Tasks that wait for a worker.", lambda pool: pool.waiting),
            ("mathsieve_tasks_in_flight", "Tasks that workers have.", lambda pool: pool.in_flight),
            ("mathsieve_workers", "Workers that are up.", lambda pool: len(pool.workers)),
            ("mathsieve_worker_restarts", "Workers replaced since the start.", lambda pool: pool.restarts),
        )
        for name, meaning, value in kinds:
            family = GaugeMetricFamily(name, meaning, labels=("kind",))
            for kind, pool in self._pools.items():
                family.add_metric((kind,), value(pool))
            yield family
        yield GaugeMetricFamily("mathsieve_open_sessions", "Sessions that callers hold.", self._open_sessions())
