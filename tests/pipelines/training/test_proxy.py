import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.storage import Artifact
from pipelines.training.proxy import ProxyModelSettings, ProxySettings, training_documents, write_proxy_models
from pipelines.training.run_settings import MachineSettings


def corpus(folder: Path, name: str, texts: list[str]) -> Artifact:
    path = folder / name
    path.mkdir()
    table = pa.table({"url_key": [f"{name}/{i}" for i in range(len(texts))], "text": texts})
    pq.write_table(table, path / "part-00000.parquet", row_group_size=16)
    return Artifact(name=name, place=path, content="0" * 64)


def test_the_corpus_that_resembles_the_held_out_text_wins(tiny_model: Path, problems: Artifact, tmp_path: Path) -> None:
    sums = [f"{a} + {b} = {a + b}. {b} + {a} = {b + a}." for a in range(12) for b in range(8)]
    chat = [f"Chapter {a}: the cat sat on mat {b} and slept well." for a in range(12) for b in range(8)]
    held = corpus(tmp_path, "held", [f"{a} + {b} = {a + b}." for a in range(12, 20) for b in range(8)])
    settings = ProxySettings(
        model=ProxyModelSettings(hidden=32, layers=1, heads=2),
        tokens=10_240,
        context=64,
        batch_tokens=256,
        learning_rate=1e-2,
        machine=MachineSettings(device="cpu", precision="float32", cpu_threads=1, log_every=100),
        shots=0,
        max_new_tokens=4,
    )
    corpora = {"sums": corpus(tmp_path, "sums", sums), "chat": corpus(tmp_path, "chat", chat)}
    folder = tmp_path / "out"
    folder.mkdir()
    crawl = [corpus(tmp_path, "snapshot_1", sums[:48] + chat[:48]), corpus(tmp_path, "snapshot_2", chat[48:])]
    facts = write_proxy_models(
        folder, settings, base=tiny_model, corpora=corpora, baseline=crawl, heldout=held, problems=problems
    )
    rows = {row["corpus"]: row for row in facts["compared"]}
    assert list(rows) == ["no_math_training", "sums", "chat", "random_pages"]
    assert 9_000 < rows["sums"]["trained_tokens"] < 10_240  # the first token of each piece has nothing before it
    bits = {name: row["bits_per_byte"] for name, row in rows.items()}
    assert bits["sums"] < 4 < 7 < bits["no_math_training"] < 9  # 260 tokens at random weights: about log2(260) bits
    assert bits["sums"] < bits["random_pages"] < bits["chat"] - 0.5  # a third of the crawl are sums
    assert rows["sums"]["asked"] == 6
    assert json.loads((folder / "proxy_models.json").read_text())["rows"] == facts["compared"]
    assert "| sums |" in (folder / "proxy_models.md").read_text()
    assert not (folder / "work").exists()


def test_a_page_of_two_snapshots_is_one_document_and_one_held_out_none(tmp_path: Path) -> None:
    crawl = [corpus(tmp_path / number, "crawl", ["first", "second"]) for number in made(tmp_path, "a", "b")]
    documents = training_documents(crawl, ProxySettings(), {"crawl/1"}, by_hash=False)
    assert [document.text for document in documents] == ["first"]


def made(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).mkdir()
    return list(names)
