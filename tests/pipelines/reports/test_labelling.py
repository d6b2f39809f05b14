"""A person's verdicts in the corpus report: what a reader presses becomes a file of labels."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from assets.command_line import main
from pipelines.corpus.labels import read_labels
from pipelines.reports import corpus

SCRIPT = Path(corpus.__file__).with_name("labelling.js")
DOM = Path(__file__).with_name("labelling_dom.js")
SAMPLE = [
    {
        "url": f"a.org/{n}",
        "digest": f"d{n}",
        "site": "a.org",
        "language": "zh",
        "stratum": "a.org | zh | 2 | L1",
        "stands_for": 2.5,
        "text": f"第 {n} 页 </script><b>",
    }
    for n in range(3)
]


def pressed(*steps):
    if shutil.which("node") is None:
        pytest.skip("there is no node to run the report's script")
    command = ["node", str(DOM), str(SCRIPT), json.dumps(SAMPLE), json.dumps(steps)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_verdicts_are_downloaded_as_labels_that_the_command_reads(tmp_path, capsys):
    keys = [{"key": key} for key in ("y", "3", "n", "0")]
    shown = pressed({"reader": "Ada"}, *keys, {"press": "download"})
    assert (shown["url"], shown["progress"]) == ("a.org/2", "page 3 of 3, 2 judged")
    given, labels = tmp_path / "downloaded.jsonl", tmp_path / "labels.jsonl"
    given.write_text(shown["file"], encoding="utf-8")
    assert main(["label", "--labels", str(labels), "--read", str(given)]) == 0
    assert "2 verdicts" in capsys.readouterr().out
    first, second = read_labels(labels)
    assert (first.url, first.mathematics, first.teaching, first.by, first.who) == ("a.org/0", "yes", 3, "person", "Ada")
    assert (second.url, second.digest, second.mathematics, second.stands_for) == ("a.org/1", "d1", "no", 2.5)
    assert "第" not in labels.read_text(encoding="utf-8")


def test_a_reader_goes_back_and_the_later_verdict_counts():
    steps = [{"key": "n"}, {"key": "1"}, {"key": "ArrowLeft"}, {"press": "yes"}]
    shown = pressed({"reader": "Ada"}, *steps, {"press": "download"})
    assert [json.loads(line)["mathematics"] for line in shown["file"].splitlines()] == ["yes"]
    assert json.loads(shown["saved"]) == {"0": {"mathematics": "yes", "teaching": 1}}


def test_nothing_is_downloaded_without_a_name_or_a_whole_verdict():
    assert pressed({"key": "y"}, {"key": "3"})["locked"]
    half = pressed({"reader": "Ada"}, {"key": "y"})
    assert half["locked"] and half["url"] == "a.org/0"
    assert not pressed({"reader": "Ada"}, {"key": "y"}, {"key": "3"})["locked"]


def test_a_file_that_holds_no_labels_is_refused_by_its_line(tmp_path, capsys):
    (tmp_path / "other.jsonl").write_text('{"id": "1", "mathematics": "yes", "teaching": 3}\n')
    assert main(["label", "--labels", str(tmp_path / "l.jsonl"), "--read", str(tmp_path / "other.jsonl")]) == 2
    assert "other.jsonl:1: expected a JSON object with url" in capsys.readouterr().err
