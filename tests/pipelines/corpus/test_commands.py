import unicodedata

import pytest

from assets.command_line import main
from pipelines.corpus.annotate_command import clean, review, waiting, wrapped
from pipelines.corpus.annotations import read_decisions
from pipelines.corpus.why_command import Step, references, trace, verdict
from pipelines.records import EXTRACTED, LEDGER, SCORES
from pipelines.storage import References, StorageError, Store

PROPOSALS = [
    {
        "prefix": f"{name}.org/x",
        "pages": 9,
        "collected": 5,
        "share": 0.5,
        "with_formulas": 1,
        "examples": {"collected": [{"title": "T\x1b[2J", "url": "u", "text": "t"}], "uncollected": []},
    }
    for name in ("a", "b", "c")
]


def answers(*given):
    left = list(given)
    return lambda _: left.pop(0)


def test_verdicts_are_appended_at_once_and_never_asked_twice(tmp_path):
    file = tmp_path / "decisions.jsonl"
    assert review(PROPOSALS, [], file, "Ada", answers("m", "lecture notes", "nonsense", "o", "", "q")) == 2
    decided = read_decisions(file)
    assert [(d.prefix, d.verdict, d.by, d.who, d.why) for d in decided] == [
        ("a.org/x", "math", "person", "Ada", "lecture notes"),
        ("b.org/x", "other", "person", "Ada", ""),
    ]
    assert review(PROPOSALS, decided, file, "Ada", answers("s")) == 0


def test_a_verdict_can_be_taken_back(tmp_path):
    file = tmp_path / "decisions.jsonl"
    assert review(PROPOSALS[:2], [], file, "Ada", answers("m", "", "b", "o", "a shop", "q")) == 1
    assert [(d.prefix, d.verdict) for d in read_decisions(file)] == [("a.org/x", "other")]


def test_a_wider_prefix_covers_what_lies_below_it(tmp_path):
    file = tmp_path / "decisions.jsonl"
    twins = [PROPOSALS[0], {**PROPOSALS[0], "prefix": "a.org/y"}]
    assert review(twins, [], file, "Ada", answers("n", "https://www.a.org/", "m", "")) == 1
    assert read_decisions(file)[0].prefix == "a.org"


def test_a_verdict_on_a_narrower_prefix_can_be_taken_back_too(tmp_path):
    file = tmp_path / "decisions.jsonl"
    given = answers("n", "HTTPS://www.A.org/x/notes/", "m", "", "b", "o", "", "q")
    assert review(PROPOSALS[:2], [], file, "Ada", given) == 1
    assert [(d.prefix, d.verdict) for d in read_decisions(file)] == [
        ("a.org/x/notes", "undecided"),
        ("a.org/x", "other"),
    ]


def test_a_prefix_elsewhere_is_a_slip(tmp_path, capsys):
    file = tmp_path / "decisions.jsonl"
    assert review(PROPOSALS[:1], [], file, "Ada", answers("n", "b.org", "n", "a.or", "m", "")) == 1
    assert read_decisions(file)[0].prefix == "a.org/x"
    assert "expected a prefix above or below a.org/x; found b.org" in capsys.readouterr().out


def test_lines_fit_the_terminal_whatever_the_script():
    text = "若 \\(F'(x) = f(x)\\)，则称 \\(F(x)\\) 为原函数。" * 9 + "plain words of English " * 9
    lines = wrapped(text, 40)
    widths = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in lines]
    assert max(widths) <= 40
    assert min(widths[:-1]) > 25
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("name", [".", "no/folder/decisions.jsonl"])
def test_a_file_of_decisions_that_cannot_be_written_is_told(tmp_path, run_folder, capsys, name):
    artifact = Store(run_folder).build({"name": "iteration_1/annotations"}, _no_proposals)
    References(Store(run_folder)).write("iteration_1/annotations", artifact)
    assert main(["annotate", "--data", str(run_folder), "--decisions", str(tmp_path / name)]) == 2
    assert "expected" in capsys.readouterr().err


def _no_proposals(folder):
    (folder / "waiting.jsonl").write_text("")
    return {"converged": False}


def test_a_title_cannot_move_the_cursor():
    assert clean("T\x1b[2J\n") == "T [2J "


@pytest.fixture
def run_folder(tmp_path, stored):
    import shutil

    def write(source):
        def copy(folder):
            for path in source.path.iterdir():
                shutil.copy(path, folder / path.name)
            return {"converged": False}

        return copy

    score = {"url_key": "a.org/low", "domain": "a.org", "language": "en", "margin": -2.5, "tokens": 9}
    tables = {
        "iteration_1/scores/A": stored("scores", [score], SCORES),
        "extracted": stored("extracted", [{"url_key": "a.org/copy", "url": "https://a.org/copy"}], EXTRACTED),
        "math_corpus": stored(
            "ledger",
            [{"url_key": "a.org/copy", "stage": "near_duplicates", "reason": "near-duplicate", "detail": "of a.org/x"}],
            LEDGER,
        ),
    }
    store = Store(tmp_path / "run")
    for name, table in tables.items():
        References(store).write(name, store.build({"name": name}, write(table)))
    return tmp_path / "run"


def test_why_tells_the_last_stage_and_its_reason(run_folder):
    steps = trace("https://a.org/copy", references(References(Store(run_folder))))
    assert [(s.artifact, s.what) for s in steps] == [
        ("extracted", "present"),
        ("math_corpus", "near_duplicates: near-duplicate"),
    ]
    assert verdict("u", steps) == "u: dropped by math_corpus: near_duplicates: near-duplicate."


def test_why_tells_a_margin_that_was_too_low(run_folder):
    steps = trace("https://www.a.org/low", references(References(Store(run_folder))))
    assert "never recalled (language en, margin -2.500" in verdict("u", steps)


def test_why_says_that_it_never_met_a_url(run_folder):
    assert "does not know it" in verdict("u", trace("https://nowhere.org/", references(References(Store(run_folder)))))


def test_the_crawls_last_word_is_on_the_capture_that_was_read():
    old = Step(artifact="pages/A", what="crawl: older capture of the same URL", detail="")
    read = Step(artifact="pages/A", what="present", detail="route kept")
    score = Step(artifact="iteration_1/scores/A", what="present", detail="margin -1")
    counted = Step(artifact="pages/A", what="present", detail="route counted")
    assert "scored, and never recalled" in verdict("u", [old, read, score])
    assert "counted, and its text not kept" in verdict("u", [old, counted])
    assert verdict("u", [old]) == "u: dropped by pages/A: crawl: older capture of the same URL."


def test_annotate_without_a_run_names_the_remedy(tmp_path):
    with pytest.raises(StorageError, match="Run `mathsieve run` first"):
        waiting(References(Store(tmp_path)))
