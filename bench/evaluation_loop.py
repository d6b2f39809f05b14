"""Tool-integrated evaluation: every trajectory at its own pace against rounds that wait for the slowest.

ToRA's harness, and those made from it, generate for all problems, then run all programs, then generate again. Here both
loops put the same trajectories to the same simulated server and the same real sandbox, turn and turn about:

- the server decodes up to 64 sequences at once, each at 40 tokens/s (a 7B model on one GPU under load), so a call
  takes its tokens / 40 s; token counts are lognormal, median 180, with a tail up to 1,024, as in published traces;
- programs are real and run in the sandbox: most are quick, one in fifty reaches its time limit.

    python -m bench.evaluation_loop [--problems 128] [--repeats 3]

Waiting is scaled by 1/10 so that a run takes seconds; the ratio is what counts. The bound is the time the server would
take if it were never idle: total tokens / (64 * 40).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import time
from dataclasses import dataclass

from evaluators.evaluate import EvaluationSettings, evaluate
from evaluators.models.cache import GenerationCache
from evaluators.models.prompting import deepseek_prompt
from evaluators.models.sampling import Generation, Request
from evaluators.records import Completion, Problem
from evaluators.sandbox import PROTOCOLS, Sandbox, SandboxSettings

SLOTS = 64
TOKENS_PER_SECOND = 40.0
SCALE = 1 / 10
CALLS = 4  # as ToRA's harness
QUICK = "```python\ntotal = sum(range({n}))\nprint(total)\n```"
SLOW = "```python\nwhile True:\n    pass\n```"
PROTOCOL = PROTOCOLS["tora"]
LIMITS = SandboxSettings(protocol="tora", wall_seconds=10.0 * SCALE)  # §4: 10 s


@dataclass
class SimulatedServer:
    """Answers from a seed and the request: the same trajectories for both loops."""

    identity: str = "simulated"
    tokens: int = 0

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(SLOTS)

    async def generate(self, request: Request) -> Generation:
        call = request.continues.count("```output")
        number = re.search(r"problem (\d+)", request.prompt)
        assert number is not None
        chance = random.Random(f"{number.group(1)}/{call}")
        tokens = min(1024, int(chance.lognormvariate(5.2, 0.8)))
        async with self._slots:
            await asyncio.sleep(tokens / TOKENS_PER_SECOND * SCALE)
        self.tokens += tokens
        ends = call == CALLS - 1 or chance.random() < (0.0, 0.6, 0.6)[call]
        code = SLOW if chance.random() < 0.02 else QUICK.format(n=number.group(1))
        text = "So $\\boxed{1}$." if ends else f"Let us compute.\n{code}\n"
        return Generation(text=text, finish="stop", prompt_tokens=100, completion_tokens=tokens, seconds=0.0)


async def own_pace(problems: list[Problem], sandbox: Sandbox) -> tuple[int, list[str]]:
    server = SimulatedServer()
    settings = EvaluationSettings(form="tir", max_calls=CALLS, sandbox=LIMITS, concurrency=len(problems))
    completions: list[Completion] = await evaluate(problems, server, settings, sandbox, GenerationCache())
    return server.tokens, [completion.text for completion in completions]


async def in_rounds(problems: list[Problem], sandbox: Sandbox) -> tuple[int, list[str]]:
    """Generate for all, wait, run all programs, wait, again."""
    server = SimulatedServer()
    texts = dict.fromkeys(range(len(problems)), "")
    prompts = [deepseek_prompt(p.question, form="tir", language="en") for p in problems]
    waiting = list(texts)
    for _ in range(CALLS):
        requests = [
            Request(
                prompt=prompts[i],
                continues=texts[i],
                max_tokens=1024,
                temperature=0.0,
                top_p=1.0,
                seed=0,
                stop=PROTOCOL.stop,
            )
            for i in waiting
        ]
        generations = await asyncio.gather(*[server.generate(request) for request in requests])
        codes = {}
        for i, generation in zip(waiting, generations, strict=True):
            texts[i] += generation.text
            code = PROTOCOL.program(texts[i])
            if code is not None:
                codes[i] = code
        results = await asyncio.gather(*[sandbox.run(code) for code in codes.values()])
        for i, result in zip(codes, results, strict=True):
            texts[i] += PROTOCOL.render(result)
        waiting = list(codes)
    return server.tokens, [texts[i] for i in range(len(problems))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    problems = [
        Problem(id=f"b/{n}", benchmark="b", question=f"problem {n}", reference="1") for n in range(arguments.problems)
    ]
    seconds: dict[str, list[float]] = {"in rounds": [], "own pace": []}
    bound = 0.0
    with Sandbox(LIMITS) as sandbox:
        for _ in range(arguments.repeats):
            texts = {}
            for name, loop in (("in rounds", in_rounds), ("own pace", own_pace)):
                started = time.monotonic()
                tokens, texts[name] = asyncio.run(loop(problems, sandbox))
                seconds[name].append(time.monotonic() - started)
                bound = tokens / TOKENS_PER_SECOND / SLOTS * SCALE
            same = sum(a == b for a, b in zip(*texts.values(), strict=True))
    slowest = statistics.median(seconds["in rounds"])
    print(f"{arguments.problems} problems, medians of {arguments.repeats}; {same} trajectories are equal to the byte\n")
    print("| loop | seconds (scaled) | server busy | speed |\n| --- | --- | --- | --- |")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"| {name} | {median:.2f} | {bound / median:.0%} | {slowest / median:.2f}x |")


if __name__ == "__main__":
    main()
