"""What real evaluation tools write, read back: the right number for each, and what the tool itself says.

Each tool runs in an interpreter of its own, with a model that is made up (bench/_layout_writers.py): of 40 problems it
solves 26. TRL trains one step of GRPO, so its number is whatever its reward column says.

python -m bench.layouts inspect=VENV/bin/python lm_eval=VENV/bin/python evalscope=VENV/bin/python trl=VENV/bin/python

inspect_ai (0.3.285) and openai install anywhere; lm-eval (0.4.13) and evalscope (1.14.1) need datasets and transformers;
trl (1.16.0) needs torch. Without arguments this interpreter is tried for all, and what it lacks is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench._layout_writers import questions
from evaluators.benchmarks import benchmark_of
from evaluators.grading import grade_all
from evaluators.outputs import read_outputs
from evaluators.referee import referee

WRITERS = Path(__file__).with_name("_layout_writers.py")
PACKAGES = {"inspect": "inspect_ai", "lm_eval": "lm_eval", "evalscope": "evalscope", "trl": "trl"}
PARTS = {
    "inspect": ("eval", "json", "epochs"),
    "lm_eval": ("output",),
    "evalscope": ("output",),
    "trl": (".",),
}
RIGHT = 65.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A layout of one tool."""

    layout: str
    version: str
    format: str
    graded: int
    ours: float
    theirs: str
    right: bool


def version_of(python: str, tool: str) -> str | None:
    """The version that an interpreter has of a tool; None where it has none."""
    code = f"import importlib.metadata as m; print(m.version('{PACKAGES[tool]}'))"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return ran.stdout.strip() or None


def layouts_of(tool: str, python: str, folder: Path, version: str) -> list[Line]:
    ran = subprocess.run([python, str(WRITERS), tool, str(folder)], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{tool} {version} did not run: {ran.stderr.strip().splitlines()[-1]}")
    references = folder / "references.jsonl"
    rows = [{"question": question, "answer": answer} for question, answer in questions()]
    references.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    chosen = benchmark_of(f"shelves={references}")
    lines = []
    for part in PARTS[tool]:
        outputs = read_outputs(folder / "completions" if tool == "trl" else folder / part, chosen)
        grades = grade_all(outputs.problems, outputs.completions, ["strict"])
        share = 100 * sum(grade.correct for grade in grades) / len(grades)
        found = referee(outputs, grades, "strict")
        expected = found[0].harness if tool == "trl" else RIGHT
        lines.append(
            Line(
                layout=f"{tool} {part}".removesuffix(" ."),
                version=version,
                format=outputs.format,
                graded=len(grades),
                ours=share,
                theirs=", ".join(f"{one.score} {one.harness:.1f}" for one in found) or "-",
                right=abs(share - expected) < 1e-9,
            )
        )
    return lines


def main(arguments: list[str]) -> int:
    pythons = dict(argument.split("=", 1) for argument in arguments) or dict.fromkeys(PARTS, sys.executable)
    print("| layout | version | read as | graded | we say | the tool says | right |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    wrong = 0
    for tool, python in pythons.items():
        version = version_of(python, tool)
        if version is None:
            print(f"| {tool} | not installed | - | - | - | - | - |")
            continue
        with tempfile.TemporaryDirectory() as folder:
            for line in layouts_of(tool, python, Path(folder), version):
                wrong += not line.right
                print(
                    f"| {line.layout} | {line.version} | {line.format} | {line.graded} | {line.ours:.1f} | {line.theirs} "
                    f"| {'yes' if line.right else 'NO'} |"
                )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
