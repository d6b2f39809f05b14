"""Reading a recipe: each mistake is one line that names the file, the key, what was expected and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from pydantic import Field, model_validator

from evaluators.records import Settings
from pipelines.recipe_file import RecipeError, read_yaml, validate


class Inner(Settings):
    threshold: float = 0.5
    names: tuple[str, ...] = ()


class Square(Settings):
    shape: Literal["square"] = "square"
    side: float = 1.0


class Circle(Settings):
    shape: Literal["circle"] = "circle"
    radius: float = 1.0
    rows: int = 1
    filled: bool = False

    @model_validator(mode="after")
    def _has_a_radius(self) -> Self:
        if self.radius == 0:
            raise ValueError("radius: expected more than 0; found 0")
        return self


Shape = Annotated[Square | Circle, Field(discriminator="shape")]


class Outer(Settings):
    name: str
    shapes: dict[str, Shape] = Field(default_factory=dict)
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
    assert complaint(path).startswith("r.yaml: inner.threshold: expected a number")
    assert complaint(path).endswith("found 'high'")


def test_every_mistake_is_reported_at_once(tmp_path: Path) -> None:
    path = recipe(tmp_path, "inner: {threshold: high, zzz: 1}\n")
    lines = complaint(path).splitlines()
    assert len(lines) == 3
    assert "r.yaml: name: expected a value; found none. Add it." in lines


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\ninner:\n  threshold: 0.1\n  threshold: 0.2\n")
    assert "line 4: expected each key once; found 'threshold' again" in complaint(path)


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


SHAPE_MISTAKES = {
    "{shape: circle, raduis: 2}": "shapes.a.raduis: unknown key. Did you mean radius?",
    "{shape: circle, side: 2}": "shapes.a.side: unknown key. Known keys there: filled, radius, rows, shape.",
    "{shape: cirlce}": "shapes.a.shape: expected one of square, circle; found 'cirlce'. Did you mean circle?",
    "{radius: 2}": "shapes.a.shape: expected one of square, circle; found none. Add it.",
    "{shape: circle, radius: far}": "shapes.a.radius: expected a number; found 'far'",
    "{shape: circle, radius: 0}": "shapes.a.radius: expected more than 0; found 0",
    "7": "shapes.a: expected a mapping of settings; found 7",
}


@pytest.mark.parametrize("text", SHAPE_MISTAKES)
def test_a_record_that_a_key_chooses_is_told_in_its_own_keys(tmp_path: Path, text: str) -> None:
    path = recipe(tmp_path, f"name: x\nshapes: {{a: {text}}}\n")
    assert complaint(path) == f"r.yaml: {SHAPE_MISTAKES[text]}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rows: true", "rows: expected a number; found true"),
        ("filled: 1", "filled: expected true or false; found 1"),
        ("radius: .inf", "radius: expected a number; found inf"),
        ("radius: .nan", "radius: expected a number; found nan"),
    ],
)
def test_what_would_be_bent_to_fit_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = recipe(tmp_path, f"name: x\nshapes: {{a: {{shape: circle, {text}}}}}\n")
    assert complaint(path) == f"r.yaml: shapes.a.{told}"


def test_a_number_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOW_HIGH", "0.25")
    path = recipe(tmp_path, "name: x\ninner: {threshold: '${HOW_HIGH}'}\n")
    assert validate(path, read_yaml(path), Outer).inner.threshold == 0.25


def test_a_mistake_in_yaml_is_one_line_with_its_place(tmp_path: Path) -> None:
    path = recipe(tmp_path, "name: x\ninner: {threshold: 1\nby_key: {}\n")
    assert complaint(path) == "r.yaml: expected a YAML file; found: line 3, column 7: expected ',' or '}', but got ':'"


def test_a_mapping_may_be_taken_over_from_another(tmp_path: Path) -> None:
    text = "name: x\nby_key:\n  a: &a {threshold: 0.1, names: [n]}\n  b: {<<: *a, threshold: 0.2}\n"
    path = recipe(tmp_path, text)
    assert validate(path, read_yaml(path), Outer).by_key["b"] == Inner(threshold=0.2, names=("n",))
