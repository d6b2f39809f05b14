"""A model that cleans, invents, shortens, copies a benchmark, breaks off and fails: what becomes of each page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluators.errors import MathsieveError
from evaluators.models.sampling import Request, SamplingError, ScriptedSampler
from pipelines.corpus.refinement import RefinementSettings, write_refined
from pipelines.recipe import load_recipe
from pipelines.recipe_graph import steps_of
from pipelines.records import DOCUMENTS, PROBLEMS
from pipelines.storage import Artifact

BODY = (
    "The parabola $y = x^2 + 1$ meets the line $y = 2x$ once, at the point with abscissa 1, where both have slope 2. "
)
FRAME = "Home | About | Login\n"
LEAK = "A farmer sold eggs to every neighbour of the village and kept the others for breakfast with family"
PAGES = {name: f"{FRAME}Page {name}. {BODY * 2}" for name in "abcdefgh"} | {"long": FRAME + BODY * 300}
PAGES["leak"] = PAGES["a"].replace("Page a", "Page leak")


def answer(prompt: str) -> tuple[str, str]:
    """What the scripted model says to a page, and why it stopped."""
    text = prompt[prompt.index(FRAME) + len(FRAME) :]
    name = text.split()[1].rstrip(".")
    said = {
        "b": text.replace("x^2 + 1", "x^2 + 2"),
        "c": text + " It was found in 1637.",
        "d": text[:60],
        "e": text.replace("$y = 2x$", "a line"),
        "f": FRAME + text,
        "h": f"```markdown\n{text}\n```",
        "leak": text + LEAK,
    }
    return said.get(name, text), "length" if name == "g" else "stop"


@pytest.fixture
def endpoint() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An OpenAI-compatible server, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            """Silence."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            text, finish = answer(body["messages"][-1]["content"])
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
            tokens = body["max_tokens"] if finish == "length" else len(text.split())
            usage = {"prompt_tokens": 100, "completion_tokens": tokens, "total_tokens": 100 + tokens}
            raw = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "corpus/data").mkdir(parents=True)
    schema = DOCUMENTS
    rows = [
        dict.fromkeys(schema.names)
        | {"url_key": name, "url": f"https://{name}", "text": text, "tier": 3 if name < "c" else 1}
        for name, text in PAGES.items()
    ]
    for number, part in enumerate((rows[:5], rows[5:])):
        pq.write_table(pa.Table.from_pylist(part, schema), tmp_path / f"corpus/data/documents-{number:05d}.parquet")
    (tmp_path / "problems").mkdir()
    problem = dict.fromkeys(PROBLEMS.names) | {"id": "eggs", "benchmark": "own", "question": LEAK, "reference": "9"}
    pq.write_table(pa.Table.from_pylist([problem], PROBLEMS), tmp_path / "problems/problems-00000.parquet")
    return {
        "math_corpus": Artifact(name="math_corpus", place=tmp_path / "corpus", content="c"),
        "problems": {"own": Artifact(name="problems", place=tmp_path / "problems", content="p")},
    }


def refined(folder: Path) -> dict[str, dict[str, Any]]:
    tables = [pq.read_table(path) for path in sorted(folder.glob("data/*.parquet"))]
    return {row["url_key"]: row for table in tables for row in table.to_pylist()}


@pytest.fixture
def made(inputs: dict[str, Any], tmp_path: Path) -> Callable[..., tuple[dict[str, Any], dict[str, dict[str, Any]]]]:
    def make(settings: RefinementSettings, **more: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        folder = tmp_path / "refined"
        folder.mkdir(exist_ok=True)
        facts = write_refined(folder, settings, **inputs, **more)
        return facts, refined(folder)

    return make


def test_only_what_invents_nothing_and_loses_nothing_replaces_a_page(endpoint, made):
    url, asked = endpoint
    settings = RefinementSettings.model_validate(
        {"endpoint": {"base_url": url, "kind": "chat", "attempts": 1}, "longest_page": 5_000, "most_new_tokens": 500}
    )
    facts, rows = made(settings)
    outcomes = {name: row["refinement"] for name, row in rows.items()}
    assert outcomes == {
        "a": "accepted",
        "b": "invented formula",
        "c": "invented number",
        "d": "too short",
        "e": "lost formulas",
        "f": "unchanged",
        "g": "cut off",
        "h": "accepted",
        "leak": "benchmark text",
        "long": "page too long",
    }
    assert rows["b"]["refused_for"] == "y = x ^ 2 + 2"
    assert rows["c"]["refused_for"] == "1637"
    for name in ("a", "h"):
        assert rows[name]["text"] == PAGES[name].removeprefix(FRAME).strip()
        assert rows[name]["original"] == PAGES[name]
        assert rows[name]["tokens"] == -(-len(rows[name]["text"].encode()) // 4)
    stayed = outcomes.keys() - {"a", "h"}
    assert all(rows[name]["text"] == PAGES[name] and rows[name]["original"] is None for name in stayed)
    assert (facts["asked"], facts["accepted"], facts["acceptance"]) == (9, 2, round(2 / 9, 4))
    assert facts["prompt_tokens"] >= 900
    assert len(asked) >= 9


def test_pages_of_other_tiers_and_beyond_the_limit_are_not_asked_for(made):
    sampler = ScriptedSampler(lambda request: answer(request.prompt)[0])
    facts, rows = made(RefinementSettings(tiers=(3,), pages=1), sampler=sampler)
    assert [request.prompt.count("Page a.") for request in sampler.requests] == [1]
    assert facts["outcomes"] == {"accepted": 1, "not chosen": 8, "page too long": 1}
    assert rows["c"]["refinement"] == "not chosen"


def test_an_endpoint_that_fails_too_often_ends_the_stage_and_finished_answers_are_kept(made):
    def failing(request: Request) -> str | Exception:
        return SamplingError("no answer") if "Page c." in request.prompt else answer(request.prompt)[0]

    first = ScriptedSampler(failing)
    with pytest.raises(MathsieveError, match="found 1 of 5 without"):
        made(RefinementSettings(longest_page=5_000), sampler=first)
    second = ScriptedSampler(lambda request: answer(request.prompt)[0])
    facts, _ = made(RefinementSettings(longest_page=5_000), sampler=second)
    assert sum("Page a." in request.prompt for request in second.requests) == 0
    assert facts["accepted"] == 3  # a, h and g, which this model brings to an end
    assert "failed" not in facts["outcomes"]


def test_a_recipe_refines_only_where_it_says_so(tmp_path):
    text = Path("recipes/demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(text)
    assert ("refined_corpus",) not in {step.key for step in steps_of(load_recipe(tmp_path / "recipe.yaml"))}
    (tmp_path / "recipe.yaml").write_text(text + "\ncorpus: {refinement: {task: rewrite}}\n")
    steps = {step.key: step for step in steps_of(load_recipe(tmp_path / "recipe.yaml"))}
    assert steps["refined_corpus",].reads == {"math_corpus": ("math_corpus",), "problems": ("problems",)}
