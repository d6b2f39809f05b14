"""Methods of training, one file each, found by this folder: a new file with a `METHOD` is a new method."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from evaluators.errors import MathsieveError
from pipelines.training.methods._method import Example, Method, Table10
from pipelines.training.run_settings import PolicySettings

__all__ = ["Example", "Method", "MethodError", "PolicyChoice", "Table10", "method_named", "method_names", "table_10"]

NO_PPO = (
    "ppo is not trained here: it needs a value model as large as the policy, trained beside it, for a baseline. GRPO takes "
    "the mean reward of the group as the baseline instead, which is the reason it exists (§4.1). Use grpo."
)


class MethodError(MathsieveError):
    """A method is not known; the message names the closest."""


@cache
def _found() -> dict[str, Method]:
    modules = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))
    found: list[Method] = [importlib.import_module(f"{__name__}.{name}").METHOD for name in modules]
    return {method.name: method for method in found}


def method_names() -> list[str]:
    """Names of all methods, sorted."""
    return sorted(_found())


def method_named(name: str) -> Method:
    """The method of that name. Raises MethodError, naming the closest, and why there is no PPO."""
    if name in _found():
        return _found()[name]
    if name == "ppo":
        raise MethodError(NO_PPO)
    close = difflib.get_close_matches(name, method_names(), 1)
    hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(method_names())}"
    raise MethodError(f"method {name!r} is not known; {hint}")


def table_10() -> str:
    """The paper's Table 10 with the methods of this folder, in Markdown."""
    lines = ["| method | outputs | reward | gradient coefficient |", "| --- | --- | --- | --- |"]
    lines += [
        f"| {method.title} | {method.row.outputs} | {method.row.reward} | {method.row.coefficient} |"
        for method in _found().values()
    ]
    return "\n".join(lines) + "\n"


if TYPE_CHECKING:
    PolicyChoice = PolicySettings
else:  # which settings a recipe means, its `method` says
    PolicyChoice = Annotated[
        Union[tuple(m.settings for m in _found().values() if m.source != "packed")],  # noqa: UP007 - made of what is found
        Field(discriminator="method"),
    ]
