"""How a question becomes the text a model continues: the paper's form, the model's own template, or few-shot.

The DeepSeekMath form is reproduced to the byte; training mixtures use it too, so that what is asked at evaluation is
what was learned.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evaluators.errors import MathsieveError
from evaluators.records import Form, Language, Problem

Style = Literal["deepseek", "chat", "few_shot", "question"]
"""`chat`: the model's own template, applied here. `question`: question and instruction alone, for an endpoint of kind
`chat`, which applies the template itself."""

SUFFIXES: dict[tuple[Form, Language], str] = {  # DeepSeekMath's repository, evaluation prompts
    ("cot", "en"): "Please reason step by step, and put your final answer within \\boxed{}.",
    ("cot", "zh"): "请通过逐步推理来解答问题，并把最终答案放置于\\boxed{}中。",
    (
        "tir",
        "en",
    ): "Please integrate natural language reasoning with programs to solve the problem above, and put your final answer within \\boxed{}.",
    ("tir", "zh"): "请结合自然语言和Python程序语言来解答问题，并把最终答案放置于\\boxed{}中。",
}
SUFFIXES |= {
    ("tools", "en"): SUFFIXES["cot", "en"],
    ("tools", "zh"): SUFFIXES["cot", "zh"],
}  # the tool speaks for itself

FEW_SHOT: dict[Language, tuple[str, str, str]] = {  # Minerva's form (Lewkowycz et al. 2022, appendix D.2), as MATH is
    "en": (
        "Problem:\n{question}\n\nSolution:",
        " {solution}\nFinal Answer: The final answer is ${reference}$. I hope it is correct.",
        "\n\nProblem:",
    ),
    "zh": ("问题：\n{question}\n\n解答：", "{solution}\n最终答案是 ${reference}$。", "\n\n问题："),
}
PROGRAMS = {
    "en": "Write Python code in ```python blocks where it helps.",
    "zh": "必要时使用 ```python 代码块编写程序。",
}


class PromptError(MathsieveError):
    """A prompt cannot be made; the message names the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is sent, before the model has said anything."""

    text: str
    stop: tuple[str, ...] = ()
    """Strings at which this form of prompt ends a turn, besides those of the form."""
    special_tokens: bool = True
    """Whether the server adds the beginning-of-sequence token; a chat template has written it already."""
    system: str = ""
    """The system prompt, where the server applies the template."""


def deepseek_prompt(question: str, *, form: Form, language: Language) -> str:
    """`User: {question}\\n{suffix}\\n\\nAssistant:`, without the beginning-of-sequence token (DeepSeekMath §4)."""
    return f"User: {question}\n{SUFFIXES[form, language]}\n\nAssistant:"


def prompt_ids(tokenizer: Any, text: str) -> list[int]:
    """A prompt as token ids: the one way in which every method of training, packing and an evaluation begin a sequence."""
    return [*beginning_ids(tokenizer), *tokenizer(text, add_special_tokens=False)["input_ids"]]


def beginning_ids(tokenizer: Any) -> list[int]:
    """The beginning-of-sequence token where the tokenizer itself puts it before a text, as a server of the model does.

    To name one is not enough: SmolLM2 names `<|im_start|>` and puts nothing before a text.
    """
    given = list(tokenizer("")["input_ids"])
    begins = tokenizer.bos_token_id is not None and given[:1] == [tokenizer.bos_token_id]
    return given[:1] if begins else []


class Prompter:
    """Makes prompts of one style; the chat template and the exemplars are read once."""

    def __init__(
        self,
        style: Style,
        *,
        model_dir: Path | None = None,
        exemplars: Sequence[Problem] = (),
        system: str | None = None,
        template_arguments: Mapping[str, Any] | None = None,
    ) -> None:
        if style == "few_shot" and not exemplars:
            raise PromptError(
                "few-shot prompting: expected exemplars; found none. Give the benchmark a path that holds its train split, "
                "or a file of {question, solution, reference} as `exemplars`."
            )
        if style == "chat" and (model_dir is None or not (model_dir / "tokenizer_config.json").exists()):
            raise PromptError(
                f"chat prompting: expected a model folder with a tokenizer; found {model_dir}. Use the style `deepseek`, "
                "or an endpoint of kind `chat`, which applies its own template."
            )
        self.style = style
        self._model_dir = model_dir
        self.exemplars = tuple(exemplars)
        self._system = system or ""
        self._template_arguments = dict(template_arguments or {})

    def prompt(self, problem: Problem, form: Form, *, instruction: bool = True) -> Prompt:
        """The prompt for one problem; `instruction=False` leaves the suffix away (problems judged by tests)."""
        if self.style == "chat":
            assert self._model_dir is not None  # __init__ refuses a chat style without one
            text = chat_text(
                self._model_dir, _content(problem, form, instruction), self._system, self._template_arguments
            )
            return Prompt(text=text, special_tokens=False)
        prompt = self._plain(problem, form, instruction)
        return replace(prompt, system=self._system) if self._system else prompt

    def _plain(self, problem: Problem, form: Form, instruction: bool) -> Prompt:
        if self.style == "few_shot":
            return self._few_shot(problem, form)
        if self.style == "question":
            return Prompt(text=self._worked_before(problem) + _content(problem, form, instruction))
        if not instruction:
            return Prompt(text=f"User: {problem.question}\n\nAssistant:")
        asked = deepseek_prompt(problem.question, form=form, language=problem.language)
        if not self.exemplars:
            return Prompt(text=asked)
        before = (
            f"{deepseek_prompt(one.question, form=form, language=problem.language)} {(one.solution or '').strip()}\n\n"
            for one in self.exemplars
        )
        return Prompt(text="".join(before) + asked, stop=("\n\nUser:",))

    def _worked_before(self, problem: Problem) -> str:
        """The exemplars, and the words that introduce the problem after them; nothing where there are none."""
        if not self.exemplars:
            return ""
        ask = FEW_SHOT[problem.language][0]
        worked = (f"{ask.format(question=one.question)}\n{(one.solution or '').strip()}" for one in self.exemplars)
        return "\n\n".join([*worked, ask.partition("{")[0]])

    def _few_shot(self, problem: Problem, form: Form) -> Prompt:
        ask, answer, stop = FEW_SHOT[problem.language]
        if form == "tir":
            answer = "\n" + answer.lstrip()  # a fence opens a block only at the start of a line
        parts = [PROGRAMS[problem.language]] if form == "tir" else []
        for shown in self.exemplars:
            if shown.id == problem.id:
                continue  # a problem is never its own exemplar
            worked = answer.format(solution=shown.solution or "", reference=shown.reference)
            parts.append(ask.format(question=shown.question) + worked)
        parts.append(ask.format(question=problem.question))
        return Prompt(text="\n\n".join(parts), stop=(stop,))


def _content(problem: Problem, form: Form, instruction: bool) -> str:
    return f"{problem.question}\n{SUFFIXES[form, problem.language]}" if instruction else problem.question


def chat_text(model_dir: Path, content: str, system: str = "", arguments: Mapping[str, Any] | None = None) -> str:
    """One user turn in the model's own chat template, ready for its answer. `arguments` are the template's own, such as
    `enable_thinking`. Raises PromptError without a template, and where it forbids what it is given."""
    from jinja2 import TemplateError

    tokenizer = _tokenizer(model_dir)
    if not tokenizer.chat_template:  # type: ignore[attr-defined]  # transformers is not typed here
        raise PromptError(
            f"{model_dir}: expected a chat template in its tokenizer; found none, as in base models. Use few_shot."
        )
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": content})
    try:
        text: str = tokenizer.apply_chat_template(  # type: ignore[attr-defined]
            turns, tokenize=False, add_generation_prompt=True, **(arguments or {})
        )
    except TemplateError as error:
        remedy = "Remove sampling.system." if system else "Correct sampling.chat_template_kwargs, or use another style."
        raise PromptError(f"{model_dir}: its chat template forbids what is sent: {error}. {remedy}") from error
    return text


@functools.lru_cache(maxsize=4)
def _tokenizer(model_dir: Path) -> object:
    from transformers import AutoTokenizer

    tokenizer: object = AutoTokenizer.from_pretrained(model_dir)
    return tokenizer
