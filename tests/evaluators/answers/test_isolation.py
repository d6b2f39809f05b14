"""The last stage in its own process: it answers, it is killed, and nothing it met reaches the next question."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from evaluators.answers import check
from evaluators.answers.comparing.isolation import Keeper, symbolic_equal
from evaluators.answers.values import INFINITY, Node, num

X = Node("sym", (), "x")
ENDLESS = Node("int", (Node("pow", (X, Node("pow", (X, Node("pow", (X, X)))))), num(0), INFINITY), "x")
SQUARE = Node("int", (Node("pow", (X, num(2))), num(0), num(1)), "x")


def one_check(_: int) -> str:
    """Asked again after a timeout: a machine with other work may not import sympy within the two seconds of a check."""
    verdicts = (check(r"\frac{1}{3}", r"\int_0^1 x^2 dx").verdict for _ in range(10))
    return next((verdict for verdict in verdicts if verdict != "timeout"), "timeout")


def asked_until_answered(keeper: Keeper, question: list[object]) -> bool | None:
    """A keeper that is still importing sympy, on a loaded machine, has no answer in its two seconds."""
    return next((answer for _ in range(10) if (answer := keeper.ask(question)) is not None), None)


def test_sympy_decides_what_balls_cannot() -> None:
    verdict = check("1", r"\sum_{n=1}^{\infty} \frac{1}{n(n+1)}")
    assert (verdict.verdict, verdict.stage) == ("correct", "symbolic")


def test_a_question_that_never_ends_is_killed_and_the_next_one_is_answered() -> None:
    assert symbolic_equal(ENDLESS, num(1)) is None
    assert symbolic_equal(SQUARE, Node("div", (num(1), num(3)))) is True
    assert symbolic_equal(SQUARE, num(1)) is False


def test_an_endless_integral_is_a_timeout_not_a_wrong_answer() -> None:
    assert check("7", r"\int_0^{\infty} x^{x^{x^x}} dx").verdict in ("timeout", "incorrect")


def test_threads_share_one_keeper() -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one_check, range(8))) == ["correct"] * 8


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_any_process_pool_may_check(method: str) -> None:
    one_check(0)  # so that a forked child inherits a keeper that is not its own
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(one_check, range(4))) == ["correct"] * 4


def test_a_killed_keeper_is_replaced() -> None:
    keeper = Keeper()
    try:
        question: list[object] = [["num", "1", []], ["num", "1", []]]
        assert asked_until_answered(keeper, question) is True
        assert keeper.process is not None
        keeper.process.kill()
        keeper.process.wait()
        assert asked_until_answered(keeper, question) is True
    finally:
        keeper.close()


def test_no_code_in_an_answer_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for payload in (
        '__import__("os").system("touch pwned")',
        "exec(\"open('pwned', 'w')\")",
        "open('pwned','w')",
        r"\int_0^1 __import__('os').system('touch pwned') dx",
        r"\write18{touch pwned}",
        "Symbol(\"__import__('os').system('touch pwned')\")",
    ):
        for pair in ((payload, "5"), ("5", payload), (payload, payload + " ")):
            check(*pair)
            check(*pair, profile="reward")
            check(*pair, profile="deepseek")
    assert list(tmp_path.iterdir()) == []


def test_checks_in_many_threads_agree_with_one() -> None:
    pairs = [
        (r"\sqrt{12}", r"2\sqrt{3}"),
        (r"\pi", "3.14"),
        ("x^2-1", "(x-1)(x+1)"),
        (r"\sin 2x", r"2\sin x\cos x"),
    ] * 25
    alone = [check(r, p).verdict for r, p in pairs]
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append([check(r, p).verdict for r, p in pairs])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 4
