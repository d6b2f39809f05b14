"""Layouts as tools really write them, in whole files and folders: each gives the right number."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from evaluators.outputs import Outputs, OutputsError, read_outputs

RIGHT, WRONG = "So it is \\boxed{4}.", "So it is \\boxed{5}."
ASKED = [f"What is {n} plus {4 - n}?" for n in range(4)]
Row = dict[str, Any]


def lines(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def texts(outputs: Outputs) -> list[str]:
    return [completion.text for completion in outputs.completions]


def archive(path: Path, members: dict[str, Any], *, method: int = 93) -> Path:
    """A zip as inspect writes it: Zstandard is method 93, which Python 3.11 can neither read nor write."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body, directory = b"", b""
    for name, value in members.items():
        content = json.dumps(value).encode()
        packed = zstandard.compress(content) if method == 93 else content
        fields = (20, 0, method, 0, 33, zlib.crc32(content), len(packed), len(content), len(name), 0)
        directory += (
            struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, *fields, 0, 0, 0, 0, len(body)) + name.encode()
        )
        body += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *fields) + name.encode() + packed
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    path.write_bytes(body + directory + end)
    return path


def sample(number: int, text: str, epoch: int = 1, **more: Any) -> Row:
    return {
        "id": number + 1, "epoch": epoch, "input": ASKED[number], "target": "4",
        "messages": [{"role": "user", "content": ASKED[number]}, {"role": "assistant", "content": text}],
        "output": {"choices": [{"message": {"role": "assistant", "content": text}}], "completion": text},
        "scores": {"match": {"value": "C" if text == RIGHT else "I", "answer": "4"}}, **more,
    }  # fmt: skip


def log(path: Path, samples: list[Row], *, header: bool = True, task_id: str = "a", **more: Any) -> Path:
    spec = {"task": "adding", "task_id": task_id, "model": "m", "dataset": {"samples": 4}, "config": {"epochs": 1}}
    members: dict[str, Any] = {"_journal/start.json": {"version": 2, "eval": spec}}
    members |= {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
    if header:
        members["header.json"] = {"version": 2, "status": "success", "eval": spec, **more}
    return archive(path, members)


def test_a_log_of_inspect_is_read_whichever_way_its_members_are_compressed(tmp_path: Path) -> None:
    samples = [sample(n, RIGHT if n < 3 else WRONG) for n in range(4)]
    packed = read_outputs(log(tmp_path / "a.eval", samples), "gsm8k")
    stored = archive(tmp_path / "b.eval", {f"samples/{n}.json": one for n, one in enumerate(samples)}, method=0)
    assert texts(packed) == texts(read_outputs(stored, "gsm8k")) == [RIGHT] * 3 + [WRONG]
    assert packed.format == "inspect" and packed.alarms == ()


def test_a_damaged_member_is_no_sample(tmp_path: Path) -> None:
    path = log(tmp_path / "a.eval", [sample(0, RIGHT)])
    content = path.read_bytes()
    place = content.index(b"header.json") + 20
    path.write_bytes(content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :])
    with pytest.raises(OutputsError, match=r"expected an archive of inspect"):
        read_outputs(path, "gsm8k")


def test_a_member_with_another_checksum_is_damaged(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.eval", {"samples/1_epoch_1.json": sample(0, RIGHT)})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 16] ^= 1  # APPNOTE §4.3.12: the CRC of the entry
    path.write_bytes(content)
    with pytest.raises(OutputsError, match="is damaged: its checksum differs"):
        read_outputs(path, "gsm8k")


def test_a_killed_run_says_so_first(tmp_path: Path) -> None:
    outputs = read_outputs(log(tmp_path / "a.eval", [sample(n, RIGHT) for n in range(3)], header=False), "gsm8k")
    assert outputs.alarms[:2] == (
        "The log is unfinished: inspect gives its status as 'started'.",
        "The log holds 3 of the 4 samples that the task has.",
    )


def test_an_error_of_the_run_is_an_outcome_with_its_reason(tmp_path: Path) -> None:
    failed = sample(3, "", error={"message": "RuntimeError('down')"}, output={"choices": [], "completion": ""})
    failed["messages"] = failed["messages"][:1]
    outputs = read_outputs(log(tmp_path / "a.eval", [*[sample(n, RIGHT) for n in range(3)], failed]), "gsm8k")
    assert (outputs.completions[3].finish, outputs.completions[3].error) == ("error", "RuntimeError('down')")
    assert any("1 samples ended in an error of the run" in alarm for alarm in outputs.alarms)


def test_runs_of_one_task_are_samples_and_a_retry_takes_the_place_of_what_it_retried(tmp_path: Path) -> None:
    whole = [sample(n, RIGHT) for n in range(4)]
    log(tmp_path / "2026-01-01_adding_1.eval", whole[:2], task_id="a")
    log(tmp_path / "2026-01-02_adding_2.eval", whole, task_id="a")
    log(tmp_path / "2026-01-03_adding_3.eval", [sample(n, WRONG) for n in range(4)], task_id="b")
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (len(outputs.problems), outputs.samples, outputs.missing) == (4, 2, 0)
    assert texts(outputs) == [RIGHT, WRONG] * 4


def test_attachments_stand_for_long_texts(tmp_path: Path) -> None:
    one = sample(0, "attachment://f1", attachments={"f1": RIGHT})
    assert texts(read_outputs(log(tmp_path / "a.eval", [one]), "gsm8k")) == [RIGHT]


def lm_eval(number: int, text: str, answers: str, verdict: float) -> Row:
    return {
        "doc_id": number, "doc": {"question": ASKED[number], "answer": "#### 4"}, "target": "#### 4", "arguments": {},
        "resps": [[text]], "filtered_resps": ["[invalid]"], "filter": answers, "metrics": ["exact_match"],
        "doc_hash": str(number), "exact_match": verdict,
    }  # fmt: skip


def test_lm_evals_folder_is_the_newest_run_of_the_task_each_document_once(tmp_path: Path) -> None:
    both = ("strict-match", "flexible-extract")
    rows = [lm_eval(n, RIGHT, name, float(name != both[0])) for name in both for n in range(4)]
    lines(tmp_path / "m" / "samples_gsm8k_2026-01-02T00-00-00.1.jsonl", rows)
    lines(tmp_path / "m" / "samples_gsm8k_2026-01-01T00-00-00.1.jsonl", [lm_eval(0, WRONG, "none", 0.0)])
    lines(tmp_path / "m" / "samples_aime_2026-01-02T00-00-00.1.jsonl", [lm_eval(0, WRONG, "none", 0.0)])
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (texts(outputs), outputs.samples) == ([RIGHT] * 4, 1)
    assert outputs.origins["gsm8k/0", 0].verdicts == {
        "exact_match (strict-match)": 0.0,
        "exact_match (flexible-extract)": 1.0,
    }


def test_parts_of_a_task_are_one_evaluation_though_their_ids_begin_anew(tmp_path: Path) -> None:
    for part, numbers in (("algebra", (0, 1)), ("geometry", (2, 3))):
        rows = [{**lm_eval(n, RIGHT, "none", 1.0), "doc_id": n % 2} for n in numbers]
        lines(tmp_path / "m" / f"samples_hendrycks_math_{part}_2026-01-02T00-00-00.1.jsonl", rows)
    outputs = read_outputs(tmp_path, "math")
    assert (len(outputs.problems), outputs.samples) == (4, 1)


def test_models_of_one_folder_are_not_one_evaluation(tmp_path: Path) -> None:
    for model in "ab":
        lines(tmp_path / model / "samples_gsm8k_2026-01-02T00-00-00.1.jsonl", [lm_eval(0, RIGHT, "none", 1.0)])
    with pytest.raises(OutputsError, match="expected the outputs of one model; found those of 2"):
        read_outputs(tmp_path, "gsm8k")


def test_nemo_skills_seeds_are_samples(tmp_path: Path) -> None:
    for seed, text in enumerate((RIGHT, WRONG, RIGHT)):
        rows = [{"problem": asked, "generation": text, "expected_answer": "4"} for asked in ASKED]
        lines(tmp_path / "gsm8k" / f"output-rs{seed}.jsonl", rows)
    lines(tmp_path / "gsm8k" / "output.jsonl", [{"problem": "?", "generation": WRONG, "expected_answer": "4"}])
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (len(outputs.problems), outputs.samples) == (4, 3)
    assert texts(outputs)[:3] == [RIGHT, WRONG, RIGHT]


def test_matharena_has_a_file_a_problem(tmp_path: Path) -> None:
    for n, asked in enumerate(ASKED, 1):
        turns = [
            [{"role": "user", "content": asked}, {"role": "assistant", "content": text}] for text in (RIGHT, WRONG)
        ]
        row = {"idx": n, "problem": asked, "gold_answer": "4", "answers": ["4", "5"], "correct": [True, False]}
        (tmp_path / f"{n}.json").write_text(json.dumps({**row, "messages": turns}, indent=4), encoding="utf-8")
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (len(outputs.problems), outputs.samples, outputs.format) == (4, 2, "MathArena")


def test_parts_of_opencompass_each_begin_at_nought(tmp_path: Path) -> None:
    folder = tmp_path / "predictions" / "m"
    folder.mkdir(parents=True)
    for part in range(2):
        rows = {
            str(n): {
                "origin_prompt": [{"role": "HUMAN", "prompt": ASKED[2 * part + n]}],
                "prediction": RIGHT,
                "gold": "4",
            }
            for n in range(2)
        }
        (folder / f"gsm8k_{part}.json").write_text(json.dumps(rows), encoding="utf-8")
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (len(outputs.problems), outputs.samples, outputs.format) == (4, 1, "OpenCompass")


def test_details_of_opencompass_carry_its_verdicts(tmp_path: Path) -> None:
    details: Row = {"type": "GEN"}
    for n, asked in enumerate(ASKED):
        row = {"prompt": asked, "origin_prediction": RIGHT, "predictions": "4", "references": "4", "correct": n > 0}
        details[str(n)] = row
    path = tmp_path / "gsm8k.json"
    path.write_text(json.dumps({"accuracy": 75.0, "details": details}), encoding="utf-8")
    outputs = read_outputs(path, "gsm8k")
    assert (outputs.format, texts(outputs)) == ("OpenCompass", [RIGHT] * 4)
    assert [outputs.origins[problem.id, 0].verdicts["correct"] for problem in outputs.problems] == [0.0, 1.0, 1.0, 1.0]


def test_of_several_targets_of_inspect_each_is_accepted_so_the_first_is_the_reference(tmp_path: Path) -> None:
    outputs = read_outputs(log(tmp_path / "a.eval", [sample(0, RIGHT, target=["4", "four"])]), "gsm8k")
    assert outputs.problems[0].reference == "4"


def test_training_steps_are_not_samples(tmp_path: Path) -> None:
    for step in (10, 20):
        rows = [{"input": asked, "output": RIGHT, "gts": "4", "score": 1.0, "step": step} for asked in ASKED]
        lines(tmp_path / f"{step}.jsonl", rows)
    with pytest.raises(OutputsError, match="found those of 2 training steps"):
        read_outputs(tmp_path, "gsm8k")
    assert texts(read_outputs(tmp_path / "10.jsonl", "gsm8k")) == [RIGHT] * 4


@pytest.mark.parametrize("prefixes", [("a_1", "a_2"), ("run1-x", "run2-x")])
def test_files_that_differ_in_a_number_are_samples_of_no_known_tool(prefixes: tuple[str, str], tmp_path: Path) -> None:
    for prefix, text in zip(prefixes, (RIGHT, WRONG), strict=True):
        rows = [{"question": asked, "response": text, "gold": "4"} for asked in ASKED]
        lines(tmp_path / f"{prefix}.jsonl", rows)
    outputs = read_outputs(tmp_path, "gsm8k")
    assert (outputs.samples, outputs.format) == (2, "guessed")
    assert "2 files of the folder were read as one evaluation." in outputs.notes


def test_files_of_several_kinds_are_not_guessed_together(tmp_path: Path) -> None:
    for name in ("train.jsonl", "other.jsonl"):
        lines(tmp_path / name, [{"question": "q", "response": RIGHT, "gold": "4"}])
    with pytest.raises(OutputsError, match=r"expected the outputs of one evaluation.*found other\.jsonl, train\.jsonl"):
        read_outputs(tmp_path, "gsm8k")


def score(prediction: str, **more: Any) -> Row:
    return {
        "score": {"value": {"acc": 1.0}, "prediction": prediction, "extracted_prediction": "4"},
        "sample_id": 0,
        **more,
    }


def review(asked: str, text: str) -> Row:
    return {"message": {"content": text, "role": "assistant"}, "review": {"gold": "4", "pred": "4", "result": True}}


EVALSCOPE: dict[str, Callable[[int, str, str], Row]] = {
    "today": lambda n, q, a: {"index": n, "target": ["4", "4.0"], "messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}], "sample_score": score("?")},
    "1.0": lambda n, q, a: {"index": n, "input": q, "target": "4", "sample_score": score(a, group_id=n, sample_metadata={})},
    "before 1.0": lambda n, q, a: {"index": n, "raw_input": {"question": q, "answer": "#### 4"}, "choices": [review(q, a)], "model": "m"},
}  # fmt: skip


@pytest.mark.parametrize("age", EVALSCOPE)
def test_evalscopes_reviews_of_any_age_are_graded_by_what_the_model_said(age: str, tmp_path: Path) -> None:
    rows = [EVALSCOPE[age](n, asked, RIGHT if n < 3 else WRONG) for n, asked in enumerate(ASKED)]
    lines(tmp_path / "reviews" / "m" / "gsm8k_main.jsonl", rows)
    outputs = read_outputs(tmp_path, "gsm8k")
    assert texts(outputs) == [RIGHT] * 3 + [WRONG]
    assert [problem.reference for problem in outputs.problems] == ["4"] * 4
    assert outputs.format == "evalscope"


def test_evalscopes_repeats_are_samples(tmp_path: Path) -> None:
    rows = [
        {**EVALSCOPE["today"](2 * n + k, asked, RIGHT), "sample_score": score("?", group_id=n, generation_index=k)}
        for n, asked in enumerate(ASKED)
        for k in range(2)
    ]
    outputs = read_outputs(lines(tmp_path / "a.jsonl", rows), "gsm8k")
    assert (len(outputs.problems), outputs.samples) == (4, 2)


def test_a_responses_object_under_any_name_is_read(tmp_path: Path) -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "\\boxed{7}"}]}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": RIGHT}]}
    rows = [{"question": asked, "gold": "4", "raw_output": {"output": [thought, said]}} for asked in ASKED]
    assert texts(read_outputs(lines(tmp_path / "a.jsonl", rows), "gsm8k")) == [RIGHT] * 4


def test_dapos_rewards_are_verdicts_and_rewards_for_form_are_none(tmp_path: Path) -> None:
    rewards = (1.0, -1.0, 0.1, 0)
    rows = [
        {"input": asked, "output": RIGHT, "gts": "4", "score": reward, "step": 1}
        for asked, reward in zip(ASKED, rewards, strict=True)
    ]
    outputs = read_outputs(lines(tmp_path / "1.jsonl", rows), "gsm8k")
    verdicts = [outputs.origins[problem.id, 0].verdicts.get("score") for problem in outputs.problems]
    assert verdicts == [1.0, 0.0, None, 0.0]


def test_a_batch_whose_request_failed_is_an_outcome(tmp_path: Path) -> None:
    body = {"choices": [{"message": {"role": "assistant", "content": RIGHT}}]}
    rows: list[Row] = [
        {
            "custom_id": "r1",
            "prompt": ASKED[0],
            "gold": "4",
            "response": {"status_code": 200, "body": body},
            "error": None,
        },
        {"custom_id": "r2", "prompt": ASKED[1], "gold": "4", "response": None, "error": {"code": "expired"}},
    ]
    outputs = read_outputs(lines(tmp_path / "a.jsonl", rows), "gsm8k")
    assert [one.finish for one in outputs.completions] == ["stop", "error"]
    assert "expired" in str(outputs.completions[1].error)
