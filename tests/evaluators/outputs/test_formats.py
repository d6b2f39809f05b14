"""Every named format reads its own example, and no other format takes it for its own."""

import json
from pathlib import Path

import pytest

from evaluators.outputs import read_outputs
from evaluators.outputs._format import Format, formats

NAMES = sorted(formats())


def example_rows(format: Format) -> list[dict[str, object]]:
    if format.unpack is None or (isinstance(format.example, dict) and format.recognises(format.example)):
        return [format.example]
    unpacked = format.unpack(format.example)
    assert unpacked is not None
    return list(unpacked.rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_reads_its_own_example(name: str) -> None:
    format = formats()[name]
    (row,) = example_rows(format)
    assert format.recognises(row)
    assert format.read(row) == format.example_row
    assert format.source and format.versions


@pytest.mark.parametrize("name", NAMES)
def test_no_row_is_of_two_formats(name: str) -> None:
    (row,) = example_rows(formats()[name])
    assert [other for other, one in formats().items() if one.recognises(row)] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_a_whole_file_is_of_one_format(name: str) -> None:
    example = formats()[name].example
    takers = [other for other, one in formats().items() if one.unpack is not None and one.unpack(example) is not None]
    assert takers == ([name] if formats()[name].unpack is not None else [])


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_known_by_its_rows_whatever_its_name(name: str, tmp_path: Path) -> None:
    format = formats()[name]
    path = tmp_path / "anything"
    path.write_text(json.dumps(format.example), encoding="utf-8")
    references = tmp_path / "own.jsonl"
    asked = format.example_row.questions[0] if format.example_row.questions else "?"
    identity = format.example_row.id if not format.example_row.questions else "1"
    own = {"id": identity, "question": asked, "answer": "0"}
    references.write_text(json.dumps(own), encoding="utf-8")
    outputs = read_outputs(path, f"own={references}")
    assert outputs.format == format.title
    assert [completion.text for completion in outputs.completions] == list(format.example_row.responses)
