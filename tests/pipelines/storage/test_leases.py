"""One writer at a time, under either kind of root: whoever dies, stands still or sets a clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.storage import Store
from pipelines.storage.leases import EXPIRY, Holder, Lease, Pace, _start_of, leased
from pipelines.storage.roots import Root, root_at


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += 1


def of_another_machine(root: Root, *, number: int = 1, beat: int = 0) -> Holder:
    """A lease that a process elsewhere holds."""
    holder = replace(Holder.here(), host="elsewhere", boot="another", beat=beat)
    root.replace(f"x/1.lease/{number:05d}.json", holder.as_bytes())
    return holder


def held(root: Root) -> list[str]:
    return sorted(root.sizes("x/1.lease"))


def test_a_lease_is_held_by_one_and_gone_after_it(root: str) -> None:
    place = root_at(root)
    with leased(place, "x/1") as lease:
        assert lease.is_ours()
        assert held(place) == ["00001.json"]
    assert held(place) == []


def test_a_silent_holder_of_another_machine_is_waited_for_as_long_as_promised(root: str) -> None:
    place, clock = root_at(root), Clock()
    of_another_machine(place)
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep, poll=10.0)) as lease:
        assert clock.now == EXPIRY
        assert lease.is_ours()
    assert held(place) == []


def test_a_holder_of_another_machine_that_shows_life_is_waited_for(root: str) -> None:
    place, clock = root_at(root), Clock()
    of_another_machine(place)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.slept < 50:
            of_another_machine(place, beat=clock.slept)
        if clock.slept == 60:
            place.remove(["x/1.lease/00001.json"])  # it has finished

    with leased(place, "x/1", Pace(clock=clock, sleep=sleep, poll=10.0)):
        assert clock.now == 600.0  # five times the expiry


def test_a_dead_process_of_this_machine_is_not_waited_for(root: str) -> None:
    place, clock = root_at(root), Clock()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    place.replace("x/1.lease/00001.json", replace(Holder.here(), pid=ended.pid, started="1").as_bytes())
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep)):
        assert clock.slept == 0


def test_a_process_number_that_was_given_again_is_not_taken_for_the_holder(root: str) -> None:
    place, clock = root_at(root), Clock()
    place.replace("x/1.lease/00001.json", replace(Holder.here(), started="1").as_bytes())
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep)):
        assert clock.slept == 0


def test_a_living_process_of_this_machine_that_stands_still_is_waited_for_as_long_as_promised(root: str) -> None:
    place, clock = root_at(root), Clock()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as still:
        holder = replace(Holder.here(), pid=still.pid, started=_start_of(still.pid) or "")
        place.replace("x/1.lease/00001.json", holder.as_bytes())
        with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep, poll=10.0)):
            assert clock.now == EXPIRY
        still.communicate(b"")


def test_a_lease_that_this_process_could_not_release_is_not_waited_for(root: str) -> None:
    place, clock = root_at(root), Clock()
    place.replace("x/1.lease/00001.json", Holder.here().as_bytes())
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep)):
        assert clock.slept == 0


def test_a_lease_that_cannot_be_read_expires(root: str) -> None:
    place, clock = root_at(root), Clock()
    place.replace("x/1.lease/00001.json", b"{half")
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep, poll=10.0)):
        assert clock.now == EXPIRY


def test_whoever_stood_still_for_too_long_finds_that_the_lease_is_lost(root: str) -> None:
    place = root_at(root)
    holder = Holder.here()
    assert place.create("x/1.lease/00001.json", holder.as_bytes())
    slow = Lease(place, "x/1", 1, holder)
    assert slow.renew()
    of_another_machine(place, number=2)
    assert not slow.is_ours()
    assert not slow.renew()
    slow.release()
    assert held(place) == ["00002.json"]


def test_a_set_clock_changes_nothing(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, clock = root_at(root), Clock()
    of_another_machine(place)
    jumps = iter([0.0, 1e10, -1e10] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    with leased(place, "x/1", Pace(clock=clock, sleep=clock.sleep, poll=10.0)):
        assert clock.now == EXPIRY


def test_five_that_break_one_lease_do_so_one_after_the_other(root: str) -> None:
    place = root_at(root)
    place.replace("x/1.lease/00001.json", replace(Holder.here(), pid=2**22 + 1).as_bytes())
    inside, most, order = [], [], []

    def hold(number: int) -> None:
        with leased(root_at(root), "x/1", Pace(poll=0.01)):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)
            order.append(number)

    threads = [threading.Thread(target=hold, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert sorted(order) == list(range(5))
    assert held(place) == []


MAKER = """
import sys, time
from pathlib import Path
from pipelines.storage import Store
from pipelines.storage.leases import Pace
def write(folder):
    print("made", flush=True)
    time.sleep(1.0)
    (folder / "a.txt").write_text("x")
    return {"rows": 1}
artifact = Store(sys.argv[1], pace=Pace(poll=0.05)).build({"name": "x"}, write)
print(artifact.content, flush=True)
"""


def test_of_two_runs_at_once_one_makes_and_the_other_finds(root: str) -> None:
    pair = [
        subprocess.Popen([sys.executable, "-c", MAKER, root], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in pair]
    assert sorted(out.count("made") for out, _ in said) == [0, 1]
    assert len({out.split()[-1] for out, _ in said}) == 1
    assert sum("is making it; waiting" in err for _, err in said) <= 1


def test_who_lost_the_lease_while_it_wrote_publishes_nothing_over_the_others_work(root: str) -> None:
    store = Store(root, pace=Pace(poll=0.01))
    attempts: list[str] = []

    def write(folder: Path) -> dict[str, int]:
        attempts.append("slow")
        if len(attempts) == 1:  # another machine takes the lease for expired, makes the artifact and is done
            lease = next(key for key in store.root.sizes() if ".lease/" in key)
            other = replace(Holder.here(), host="elsewhere", boot="another", token="other")
            store.root.create(lease.replace("00001", "00002"), other.as_bytes())
            _publish_elsewhere(root, lease.partition(".lease")[0])
            store.root.remove([lease.replace("00001", "00002")])
        (folder / "a.txt").write_text("slow")
        return {"rows": 1}

    artifact = store.build({"name": "x"}, write)
    assert artifact.file("a.txt").read_text() == "quick"
    assert attempts == ["slow"]


def _publish_elsewhere(root: str, key: str) -> None:
    """As a store of another machine would, whose scratch and cache are elsewhere."""
    from pipelines.storage.manifests import manifest_of

    place = root_at(root)
    scratch = Path(os.environ.get("MATHSIEVE_CACHE", root) + "-elsewhere")
    scratch.mkdir(parents=True)
    (scratch / "a.txt").write_text("quick")
    manifest = manifest_of(scratch, {"name": "x"}, {"rows": 1})
    place.replace(f"{key}/a.txt", b"quick")
    assert place.create(f"{key}/manifest.json", manifest.as_bytes())
    assert json.loads(place.read(f"{key}/manifest.json"))["facts"] == {"rows": 1}
