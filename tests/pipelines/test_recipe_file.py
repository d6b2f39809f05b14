"""Reading a recipe: each mistake is one line that names the file, the key, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import Field

from evaluators.records import Settings
from pipelines.recipe import RecipeError, read_yaml, validate


class Inner(Settings):
    threshold: float = 0.5
    names: tuple[str, ...] = ()


class Outer(Settings):
    name: str
    inner: Inner = Inner()
    by_key: Mapping[str, Inner] = Field(default_factory=dict)


def recipe(folder: Path, text: str) -> Path:
    path = folder / "r.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path) -> str:
    with pytest.raises(RecipeError) as caught:
        validate(path, read_yaml(path), Outer)
    return str(caught.value).replace(str(path.parent) + "/", "")


def test_a_good_recipe_is_read(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\ninner: {threshold: 0.25, names: [a, b]}\n")
    read = validate(path, read_yaml(path), Outer)
    assert read == Outer(name="x", inner=Inner(threshold=0.25, names=("a", "b")))


def test_an_unknown_key_is_named_with_the_one_that_was_meant(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\ninner: {treshold: 0.25}\n")
    assert complaint(path) == "r.yaml: inner.treshold: unknown key. Did you mean threshold?"


def test_an_unknown_key_unlike_any_other_is_told_the_known_ones(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\nby_key: {a: {zzz: 1}}\n")
    assert complaint(path) == "r.yaml: by_key.a.zzz: unknown key. Known keys there: names, threshold."


def test_a_wrong_type_says_expected_and_found(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\ninner: {threshold: high}\n")
    assert complaint(path).startswith("r.yaml: inner.threshold: expected number")
    assert complaint(path).endswith("found 'high'")


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    path = recipe(tmp_path, "inner: {threshold: high, zzz: 1}\n")
    lines = complaint(path).splitlines()
    assert len(lines) == 3
    assert "r.yaml: name: expected a value; found none. Add it." in lines


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\nname: y\n")
    assert "expected each key once; found 'name' twice" in complaint(path)


def test_an_unset_variable_is_named_with_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    path = recipe(tmp_path, "name: x\ninner: {names: ['${NOT_SET_ANYWHERE}/a']}\n")
    assert "inner.names.0: expected the environment variable NOT_SET_ANYWHERE to be set" in complaint(path)


def test_a_set_variable_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_FOLDER", "/data")
    assert read_yaml(recipe(tmp_path, "name: ${SOME_FOLDER}/x\n")) == {"name": "/data/x"}


def test_a_missing_file_is_told_with_its_neighbours(tmp_path: Path) -> None:
    recipe(tmp_path, "name: x\n")
    with pytest.raises(RecipeError, match=r"no such recipe; in that folder there are: .*r\.yaml"):
        read_yaml(tmp_path / "other.yaml")


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1\n", "\tname: x\n", ""])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert complaint(recipe(tmp_path, text)).startswith("r.yaml: expected a")
