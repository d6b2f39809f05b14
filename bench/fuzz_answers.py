"""Fuzzes the answer checker with coverage guidance, within a time limit.

    python bench/fuzz_answers.py [--seconds 60]

Both arguments and the profile come from the fuzzer's bytes. It stops at the first check that raises, takes over half
a second of CPU time or pushes this process over 512 MiB. Needs atheris, which has wheels for few versions of Python;
where it is absent this says so and random bytes of a fixed seed are tried instead, without coverage guidance.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # bench/ is a folder of scripts, not a package

SECONDS, MEMORY_KIB = 0.5, 512 * 1024
PROFILES = ("strict", "reward", "deepseek")
LATE = (
    "judging", "deepseek", "extraction", "asked", "question", "comparing.isolation", "comparing.families", "comparing.structures",
    "comparing.contraries", "comparing.work", "reading.chinese", "reading.conditional", "reading.named", "reading.parts", "reading.remarks",
    "reading.spoken", "evidence.shaped", "sentences", "pieces", "forms", "second_thoughts",
)  # fmt: skip
"""Modules that the checker imports when they are first needed: all are to be instrumented."""
PIECES = [
    "\\frac{",
    "}",
    "\\sqrt",
    "\\left(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    "\\cup",
    "\\infty",
    "\\pm",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\\\",
    "&",
    "^",
    "_",
    "1",
    "2",
    "3.5",
    "1,000",
    "x",
    "y",
    "+",
    "-",
    "*",
    "/",
    "=",
    "<",
    ">",
    "!",
    "%",
    "$",
    "\\text{",
    "cm",
    "m",
    "or",
    "and",
    "\\boxed{",
    "\\sum_{i=1}^{n}",
    "\\int_0^1",
    "dx",
    "\\lim",
    "|",
    ":",
    ",",
    ";",
    "'",
    "三",
    "元",
    "°",
    "²",
    "½",
    "√",
    "base",
    "8",
    "pm",
    "...",
    "\\overline",
    "\\pi",
    "e",
    "i",
]


def judge(data: bytes) -> None:
    from evaluators.answers import check, check_output

    profile = PROFILES[data[0] % 3] if data else "strict"
    half = len(data) // 2
    texts = [_text(data[1:half]), _text(data[half:])]
    begun = time.process_time()
    check(texts[0], texts[1], profile=profile)
    check_output(texts[0], texts[1], profile=profile)
    if time.process_time() - begun > SECONDS:
        raise AssertionError(f"over {SECONDS} s: {texts!r} under {profile}")
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MEMORY_KIB:
        raise AssertionError(f"over {MEMORY_KIB} KiB: {texts!r} under {profile}")


def _text(data: bytes) -> str:
    """Bytes under 128 as characters, the others as pieces of the language: the fuzzer finds depth sooner."""
    return "".join(chr(byte) if byte < 128 else PIECES[byte % len(PIECES)] for byte in data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print(
            "atheris is not installed (pip install atheris==3.0.0): trying random bytes instead, without coverage guidance",
            file=sys.stderr,
        )
        print(f"{_random_runs(options.seconds)} random runs, no failure")
        return
    import atheris

    with atheris.instrument_imports(include=["evaluators.answers"]):
        for module in LATE:
            importlib.import_module(f"evaluators.answers.{module}")
    atheris.Setup([sys.argv[0], f"-max_total_time={options.seconds}", "-max_len=400"], judge)
    atheris.Fuzz()


def _random_runs(seconds: int) -> int:
    generator, runs, end = random.Random(1), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        judge(generator.randbytes(generator.randrange(120)))
        runs += 1
    return runs


if __name__ == "__main__":
    main()
