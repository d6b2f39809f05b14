"""Every layout of outputs made elsewhere gives the same problems, responses and references."""

import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from evaluators.benchmarks import benchmark, load_problems
from evaluators.outputs import Outputs, OutputsError, read_outputs
from evaluators.outputs._format import ReadRow
from evaluators.outputs._matching import Index, normalised
from evaluators.outputs._rows import finished, guess_row
from evaluators.records import Problem

ASKED = load_problems("templated_easy", limit=6)  # made by a program, so its questions can be looked up anywhere
SAID = [f"Step by step, it is {p.reference}0 at first.\nSo the answer is $\\boxed{{{p.reference}}}$." for p in ASKED]
SHOTS = "Q: What is 1+1?\nA: It is 2. \\boxed{2}\n\n"
BENCHMARK = benchmark("templated_easy")
Row = dict[str, Any]


def user(text: str) -> Row:
    return {"role": "user", "content": text}


def assistant(text: str) -> Row:
    return {"role": "assistant", "content": text}


WITH_GOLD: dict[str, Callable[[int, str, str, str], Row]] = {
    "plain": lambda n, q, a, g: {"question": q, "response": a, "gold": g},
    "a response called answer": lambda n, q, a, g: {"question": q, "answer": a, "expected_answer": g},
    "a gold called answer": lambda n, q, a, g: {"query": q, "modelOutput": a, "answer": f"Because.\n#### {g}"},
    "a gold called solution": lambda n, q, a, g: {"problem": q, "generated_solution": a, "solution": f"\\boxed{{{g}}}"},
    "extracted beside whole": lambda n, q, a, g: {"question": q, "prediction": "0", "generation": a, "target": g},
    "instruction and input": lambda n, q, a, g: {"instruction": "Solve.", "input": q, "output": a, "label": g},
    "gold called output": lambda n, q, a, g: {"instruction": q, "input": "", "output": g, "prediction": a},
    "verdicts among them": lambda n, q, a, g: {"question": q, "result": True, "correct": [True], "text": a, "gt": g},
    "ToRA": lambda n, q, a, g: {"idx": n, "question": q, "gt_cot": "?", "gt": g, "code": [a], "pred": ["0"], "report": [None]},
    "LLaMA-Factory": lambda n, q, a, g: {"prompt": f"user\n{q}\nassistant\n", "predict": a, "label": g},
    "NeMo-Skills": lambda n, q, a, g: {"problem": q, "generation": a, "expected_answer": g, "predicted_answer": "0"},
    "OpenR1": lambda n, q, a, g: {"problem": q, "solution": "?", "answer": g, "generations": [a]},
    "chat": lambda n, q, a, g: {"messages": [{"role": "system", "content": "?"}, user(q), assistant(a)], "answer": g},
    "content in parts": lambda n, q, a, g: {"messages": [user(q), {"role": "assistant", "content": [{"type": "text", "text": a}]}], "gold": g},
    "ShareGPT": lambda n, q, a, g: {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}], "gold": g},
    "verl": lambda n, q, a, g: {"prompt": [user(q)], "reward_model": {"ground_truth": g}, "extra_info": {"index": n}, "responses": [a]},
    "OpenAI batch": lambda n, q, a, g: {"custom_id": f"r{n}", "prompt": q, "gold": g, "response": {"body": {"choices": [{"message": assistant(a)}]}}},
    "lm-eval": lambda n, q, a, g: {
        "doc_id": n, "doc": {"question": q, "answer": g}, "target": g, "arguments": {"gen_args_0": {"arg_0": SHOTS + q}},
        "resps": [[a]], "filtered_resps": ["0"], "filter": "none", "exact_match": 0.0,
    },
    "lm-eval 0.4.0": lambda n, q, a, g: {"doc_id": n, "doc": {"problem": q, "level": "1"}, "target": f"#### {g}", "arguments": [[SHOTS + q, {}]], "resps": [[a]]},
    "lighteval": lambda n, q, a, g: {"doc": {"query": SHOTS + q, "choices": [g], "gold_index": [0]}, "model_response": {"text": [a]}, "metric": {"em": 1}},
    "one letter each": lambda n, q, a, g: {"q": q, "a": a, "gold": g},
    "a gold that is a sentence": lambda n, q, a, g: {"question": q, "response": a, "answer": f"The answer is ${g}$."},
    "objects for all": lambda n, q, a, g: {"inputs": {"question": q}, "outputs": {"answer": a}, "reference_outputs": {"answer": g}},
    "answers beside a final one": lambda n, q, a, g: {"problem": q, "generated_answers": [a], "final_answer": g},
    "reasoning alone": lambda n, q, a, g: {"question": q, "rationale": a, "target": g},
    "names of no list": lambda n, q, a, g: {"math_question": q, "qwen_7b_response": a, "gsm8k_gold": g, "n_output_tokens": 9},
    "samples by number": lambda n, q, a, g: {"question": q, "responses": {"0": a}, "gold": g},
    "an echoed prompt": lambda n, q, a, g: {"prompt": SHOTS + q, "generated_text": SHOTS + q + a, "gold": g},
}  # fmt: skip

WITHOUT_GOLD: dict[str, Callable[[int, str, str, str], Row]] = {
    "question alone": lambda n, q, a, g: {"question": q, "response": a},
    "spaced otherwise": lambda n, q, a, g: {"question": f" {q.upper()}\n", "response": a},
    "within a prompt": lambda n, q, a, g: {
        "prompt": f"{SHOTS}Q: {q}\nPlease reason step by step.\nA:",
        "completion": a,
    },
    "a conversation": lambda n, q, a, g: {"messages": [user(f"Solve: {q}\nBe brief."), assistant(a)]},
    "the place": lambda n, q, a, g: {"idx": n, "response": a},
    "the id": lambda n, q, a, g: {"id": ASKED[n].id, "response": a},
}

FILES: dict[str, Callable[[list[Row]], bytes]] = {
    "a BOM": lambda rows: b"\xef\xbb\xbf" + lines(rows),
    "UTF-16": lambda rows: lines(rows).decode().encode("utf-16"),
    "blank lines and CRLF": lambda rows: b"\n" + lines(rows).replace(b"\n", b"\r\n\r\n"),
    "gzip": lambda rows: gzip.compress(lines(rows)),
    "Zstandard": lambda rows: zstandard.compress(lines(rows)),
    "an array": lambda rows: json.dumps(rows).encode(),
    "an indented array": lambda rows: json.dumps(rows, indent=2).encode(),
    "indented objects": lambda rows: "\n".join(json.dumps(row, indent=1) for row in rows).encode(),
    "an object around": lambda rows: json.dumps({"model": "m", "scores": [1, 2], "results": rows}).encode(),
    "columns": lambda rows: json.dumps({key: [row[key] for row in rows] for key in rows[0]}).encode(),
    "pandas": lambda rows: json.dumps({key: {str(n): row[key] for n, row in enumerate(rows)} for key in rows[0]}).encode(),
    "OpenCompass": lambda rows: json.dumps({str(n): row for n, row in enumerate(rows)}).encode(),
    "inspect": lambda rows: json.dumps({"status": "success", "eval": {}, "samples": [
        {"id": n, "epoch": 1, "input": row["question"], "target": row["gold"], "output": {"choices": [{"message": assistant(row["response"])}]}}
        for n, row in enumerate(rows)]}).encode(),
    "HELM": lambda rows: json.dumps({"request_states": [
        {"instance": {"id": f"id{n}", "input": {"text": row["question"]}, "references": [{"output": {"text": row["gold"]}, "tags": ["correct"]}]},
         "result": {"completions": [{"text": row["response"]}]}} for n, row in enumerate(rows)]}).encode(),
    "simple-evals": lambda rows: json.dumps({"score": 1, "convos": [[user(row["question"]), assistant(row["response"])] for row in rows]}).encode(),
    "lists of generations": lambda rows: json.dumps([[row["response"]] for row in rows]).encode(),
}  # fmt: skip


def lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def rows_of(make: Callable[[int, str, str, str], Row]) -> list[Row]:
    return [make(n, p.question, said, p.reference) for n, (p, said) in enumerate(zip(ASKED, SAID, strict=True))]


def read(path: Path, content: bytes, name: str = "templated_easy") -> Outputs:
    path.write_bytes(content)
    return read_outputs(path, name)


def guessed(row: Row) -> ReadRow:
    return finished(guess_row(row, BENCHMARK, gold_elsewhere=True), BENCHMARK, "row 1")


def facts(outputs: Outputs) -> tuple[list[str], list[str]]:
    return [p.reference for p in outputs.problems], [c.text for c in outputs.completions]


@pytest.mark.parametrize("name", ["gsm8k", "templated_easy"])  # without the benchmark's own data, and with it
@pytest.mark.parametrize("layout", WITH_GOLD)
def test_layouts_with_a_gold_answer(layout: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MATHSIEVE_REAL_DATA", raising=False)
    outputs = read(tmp_path / "a.jsonl", lines(rows_of(WITH_GOLD[layout])), name)
    assert facts(outputs) == ([p.reference for p in ASKED], SAID)
    assert (outputs.samples, outputs.missing, outputs.repeated) == (1, 0, 0)
    assert outputs.matched == (6 if name == "templated_easy" else None)


@pytest.mark.parametrize("layout", WITHOUT_GOLD)
def test_a_gold_answer_is_looked_up_by_question_or_id_whatever_the_order(layout: str, tmp_path: Path) -> None:
    rows = rows_of(WITHOUT_GOLD[layout])
    order = random.Random(1).sample(range(6), 4)  # a part of the benchmark, shuffled
    outputs = read(tmp_path / "a.jsonl", lines([rows[n] for n in order]))
    assert facts(outputs) == ([ASKED[n].reference for n in order], [SAID[n] for n in order])
    assert [p.id for p in outputs.problems] == [ASKED[n].id for n in order]


@pytest.mark.parametrize("packing", FILES)
def test_packings(packing: str, tmp_path: Path) -> None:
    outputs = read(tmp_path / "outputs", FILES[packing](rows_of(WITH_GOLD["plain"])))
    assert facts(outputs) == ([p.reference for p in ASKED], SAID)


def test_a_question_is_sought_at_the_end_of_a_prompt_since_exemplars_stand_before_it() -> None:
    other = Problem(id="x/1", benchmark="x", question="How many apples has Ann after she buys three?", reference="1")
    asked = Problem(id="x/2", benchmark="x", question="小明有几个苹果和梨子？", reference="2")
    row = guessed({"prompt": f"{other.question}\nA: 1\n\n{asked.question}\nA:", "response": "2"})
    assert Index([other, asked]).find(row) == [asked]


def test_a_question_with_another_sign_is_another_question() -> None:
    assert normalised("What is $x+1$ ?") == normalised("what is $x + 1$?")
    assert normalised("What is $x+1$?") != normalised("What is $x-1$?")


def test_samples_are_counted_however_they_are_written(tmp_path: Path) -> None:
    rows = rows_of(WITH_GOLD["plain"])
    in_lists = [{**row, "response": [row["response"], "\\boxed{no}"]} for row in rows]
    with_one_id = [{**row, "id": n // 2} for n, row in enumerate(row for row in rows for _ in range(2))]
    with_own_ids = [{**row, "id": n} for n, row in enumerate(row for row in rows for _ in range(2))]
    for content in (in_lists, with_one_id, with_own_ids):
        outputs = read(tmp_path / "a.jsonl", lines(content))
        assert (len(outputs.problems), outputs.samples, outputs.missing) == (6, 2, 0)


def test_ids_that_begin_anew_for_each_subject_do_not_join_problems(tmp_path: Path) -> None:
    rows = [{**row, "doc_id": n % 3} for n, row in enumerate(rows_of(WITH_GOLD["plain"]))]
    assert len(read(tmp_path / "a.jsonl", lines(rows), "math").problems) == 6


def test_a_repeated_row_does_not_move_the_denominator(tmp_path: Path) -> None:
    rows = rows_of(WITH_GOLD["plain"])
    again = {**rows[0], "response": "Another try: \\boxed{no}"}
    outputs = read(tmp_path / "a.jsonl", lines([*rows, rows[2], again]))
    assert (len(outputs.completions), outputs.samples, outputs.missing, outputs.repeated) == (6, 1, 0, 2)
    assert outputs.completions[0].text == SAID[0]  # the first is kept
    assert any("2 rows repeat a problem" in note for note in outputs.notes)


def test_an_extracted_answer_is_the_whole_answer(tmp_path: Path) -> None:
    row = {"question": "q", "gold": "\\frac{1}{2}", "pred": "\\frac{1}{2}"}
    assert facts(read(tmp_path / "a.jsonl", lines([row]), "math"))[1] == ["\\boxed{\\frac{1}{2}}"]


def test_questions_of_another_benchmark_are_refused_by_its_name(tmp_path: Path) -> None:
    rows = [
        {"ID": f"chal-{n}", "Body": f"Ann has {n} shells and Bob finds {n} more of them", "Question": "How many are there?",
         "Equation": f"( {n} + {n} )", "Answer": 2.0 * n, "Type": "Addition"}
        for n in range(1000)
    ]  # fmt: skip
    (tmp_path / "SVAMP.json").write_text(json.dumps(rows), encoding="utf-8")
    index = Index([])
    row = guessed({**rows[3], "response": "6"})
    assert index.find(row) == []
    unknown = [{"question": "Whose is this?", "response": "4", "gold": "4"}]
    outputs = read(tmp_path / "a.jsonl", lines(unknown))
    assert outputs.matched == 0
    assert any("1 of 1 questions are not in" in note for note in outputs.notes)


def test_a_block_now_and_then_does_not_make_reasoning_tool_integrated(tmp_path: Path) -> None:
    rows = rows_of(WITH_GOLD["plain"])
    rows[0]["response"] += "\n```python\nprint(1)\n```\n```output\n1\n```"
    assert {c.form for c in read(tmp_path / "a.jsonl", lines(rows)).completions} == {"cot"}
    for row in rows[1:3]:
        row["response"] = "```python\nprint(1)\n```\n```output\n1\n```"
    completions = read(tmp_path / "a.jsonl", lines(rows)).completions
    assert [(c.form, len(c.programs)) for c in completions] == [("tir", n < 3) for n in range(6)]


def test_tests_that_a_row_carries_judge_it(tmp_path: Path) -> None:
    row = {"task_id": "Own/0", "prompt": "def twice(x):\n", "entry_point": "twice", "completion": "    return 2 * x\n"}
    row["test"] = "def check(candidate):\n    assert candidate(2) == 4\n"
    (problem,) = read(tmp_path / "a.jsonl", lines([row]), "humaneval").problems
    assert problem.reference == "def check(candidate):\n    assert candidate(2) == 4\n\ncheck(twice)\n"
    assert "def twice(x):" in problem.question


def test_log_likelihoods_are_no_outputs(tmp_path: Path) -> None:
    row = {"doc_id": 0, "doc": {"question": "q"}, "target": 1, "resps": [[["-1.5", "False"]], [["-0.5", "True"]]]}
    with pytest.raises(OutputsError, match="row 1: expected generated text; found log-likelihoods"):
        read(tmp_path / "a.jsonl", lines([row]), "gsm8k")


def test_a_tool_conversation_keeps_its_outputs(tmp_path: Path) -> None:
    turns = [
        user("q"),
        assistant("```python\nprint(4)\n```"),
        {"role": "tool", "content": "4"},
        assistant("\\boxed{4}"),
    ]
    outputs = read(tmp_path / "a.jsonl", lines([{"messages": turns, "gold": "4"}]), "gsm8k")
    assert outputs.completions[0].text == "```python\nprint(4)\n```\n```output\n4\n```\n\\boxed{4}"
    assert [program.output for program in outputs.completions[0].programs] == ["4"]
