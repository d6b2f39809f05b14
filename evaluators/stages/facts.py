"""The figures that a stage leaves with its artifact, as a record that is checked whenever an artifact is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluators.errors import MathsieveError


class FactsError(MathsieveError):
    """An artifact's figures are not those of its stage; the message names the artifact and the remedy."""


class Stored(Protocol):
    """A finished artifact, as the store hands it out (`pipelines.storage.Artifact`)."""

    @property
    def path(self) -> Path: ...

    @property
    def location(self) -> str: ...

    @property
    def facts(self) -> Mapping[str, Any]: ...

    def file(self, name: str) -> Path: ...

    def files(self, pattern: str = "*.parquet") -> Sequence[Path]: ...


class Facts(BaseModel):
    """Base of the figures of one kind of artifact. Figures that nobody reads by name need no field."""

    model_config = ConfigDict(frozen=True, extra="allow")

    @classmethod
    def of(cls, artifact: Stored) -> Self:
        """The figures of an artifact. Raises FactsError where it is another stage's, or an older version's."""
        return cls.checked(artifact.facts, artifact.location)

    @classmethod
    def checked(cls, figures: Mapping[str, Any], where: object) -> Self:
        """The same of figures that a stage has just returned, or of those in a manifest."""
        try:
            return cls.model_validate(dict(figures))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise FactsError(
                f"{where}: expected the figures of {cls.__name__}; found {wrong}. Remove that folder and run its "
                "stage again."
            ) from error
