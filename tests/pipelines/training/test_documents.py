from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.records import EXAMPLES
from pipelines.training.batches import PackedRows
from pipelines.training.documents import Document, is_held_out, pack_documents, take_bytes
from pipelines.training.samples import read_problems


def encode(texts: list[str]) -> list[list[int]]:
    return [[1, *text.encode(), 2] for text in texts]


def pack(path: Path, texts: list[str], *, context: int, budget: int) -> list[tuple[list[int], list[int]]]:
    documents = [Document(key=str(i), text=text) for i, text in enumerate(texts)]
    pack_documents(path, documents, encode, context=context, budget=budget)
    rows = pq.read_table(path).to_pylist()
    return [(row["input_ids"], row["position_ids"]) for row in rows]


def test_rows_are_filled_to_the_brim_and_pieces_keep_apart(tmp_path: Path) -> None:
    assert pack(tmp_path / "p.parquet", ["ab", "cdef"], context=6, budget=100) == [
        ([1, 97, 98, 2, 1, 99], [0, 1, 2, 3, 0, 1]),
        ([100, 101, 102, 2], [0, 1, 2, 3]),
    ]


def test_the_budget_is_kept_to_the_token(tmp_path: Path) -> None:
    rows = pack(tmp_path / "p.parquet", ["abcdefgh"] * 9, context=7, budget=25)
    assert sum(len(ids) for ids, _ in rows) == 25


def test_the_same_page_is_held_out_of_every_corpus_and_about_the_share_asked() -> None:
    held = [is_held_out(f"example.org/{i}", 0.1) for i in range(10_000)]
    assert 900 < sum(held) < 1100
    assert held[:50] == [is_held_out(f"example.org/{i}", 0.1) for i in range(50)]


def test_held_out_text_is_cut_on_a_character() -> None:
    taken = take_bytes([Document(key="a", text="数学数学"), Document(key="b", text="x")], 7)
    assert [document.text for document in taken] == ["数学"]


def test_every_epoch_reads_every_packed_row_once_in_a_new_order(tmp_path: Path) -> None:
    pack(tmp_path / "p.parquet", ["abcd"] * 20, context=6, budget=10_000)
    table = pq.read_table(tmp_path / "p.parquet")
    numbered = table.set_column(0, "input_ids", pa.array([[i] for i in range(len(table))], pa.list_(pa.int32())))
    pq.write_table(numbered, tmp_path / "n.parquet", row_group_size=6)
    rows = PackedRows([tmp_path / "n.parquet"])
    order = rows.order(seed=3)
    epochs = [[next(order).input_ids[0] for _ in range(len(rows))] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(20))
    assert epochs[0] != epochs[1]
    again = rows.order(seed=3)
    assert [next(again).input_ids[0] for _ in range(20)] == epochs[0]


def test_the_problems_of_a_training_mixture_are_those_with_a_reference(tmp_path: Path) -> None:
    same = {**dict.fromkeys(EXAMPLES.names), "source": "s", "form": "cot", "language": "en", "level": "3"}
    rows = [
        {**same, "id": "1", "problem_id": "s/1", "problem": "1+1?", "reference": "2"},
        {**same, "id": "2", "problem_id": "s/1", "problem": "1+1?", "reference": "2"},  # a second solution
        {**same, "id": "3", "problem_id": "s/2", "problem": "1+2?", "reference": "3", "language": "zh"},
        {**same, "id": "4", "problem_id": "s/3", "problem": "1+3?", "reference": None},  # nothing to judge by
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=EXAMPLES), tmp_path / "examples.parquet")
    found = [
        (p.id, p.question, p.reference, p.language, p.level) for p in read_problems([tmp_path / "examples.parquet"])
    ]
    assert found == [("s/1", "1+1?", "2", "en", "3"), ("s/2", "1+2?", "3", "zh", "3")]
