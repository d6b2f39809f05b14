"""The annotator that asks a model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping

import httpx

from pipelines.corpus.annotations import Annotator, Decision, ModelSettings, Verdict
from pipelines.corpus.page_tables import CorpusError
from pipelines.storage import Json

PROMPT = """You review web sites for a corpus of mathematics: explanations, problems, proofs, lecture notes, reference \
pages of mathematical software. Are most pages under this URL prefix mathematics?

Prefix: {prefix}
Of its {pages} pages a classifier took {collected} for mathematics; {with_formulas} carry formulas.

{examples}

Answer with one word on the first line, yes, no or unsure, and your reason in one sentence on the second."""


def by_model(settings: ModelSettings, transport: httpx.BaseTransport | None = None) -> Annotator:
    """Raises CorpusError where the endpoint refuses or stays silent: a run must not go on without its annotator."""
    key = os.environ.get(settings.api_key_variable or "", "")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    client = httpx.Client(base_url=settings.base_url, headers=headers, timeout=settings.timeout, transport=transport)

    def annotate(proposal: Mapping[str, Json]) -> Decision:
        answer = ask_model(client, settings, PROMPT.format(**{**proposal, "examples": _examples(proposal)}))
        verdict, why = read_answer(answer)
        return Decision(prefix=proposal["prefix"], verdict=verdict, by="model", who=settings.model, why=why)

    return annotate


def read_answer(answer: str) -> tuple[Verdict, str]:
    """The verdict of a model's reply and its reason; undecided where it said neither yes nor no."""
    first = re.search(r"\b(yes|no|unsure)\b", answer.lower())
    verdicts: dict[str, Verdict] = {"yes": "math", "no": "other", "unsure": "undecided"}
    verdict = verdicts[first.group(1)] if first else "undecided"
    reason = " ".join(answer[first.end() if first else 0 :].strip(" \n.,:*").split())[:300]
    return verdict, reason or "the model gave no reason"


def ask_model(client: httpx.Client, settings: ModelSettings, prompt: str) -> str:
    """The text of one chat completion. Raises CorpusError after so many attempts as the settings allow."""
    body = {
        "model": settings.model,
        "temperature": 0,
        "max_tokens": 200,
        "messages": [{"role": "user", "content": prompt}],
    }
    problem = ""
    for attempt in range(settings.attempts):
        try:
            response = client.post("chat/completions", json=body)
            response.raise_for_status()
            return str(response.json()["choices"][0]["message"]["content"] or "")
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
        except (KeyError, IndexError, TypeError, ValueError) as error:
            problem = f"no chat completion in the reply ({error})"
        if attempt + 1 < settings.attempts:
            time.sleep(2**attempt)
    raise CorpusError(
        f"{settings.base_url}: expected a chat completion of {settings.model}; found {problem} after {settings.attempts} "
        "attempts. Start the endpoint, or take `model` out of annotations.annotators."
    )


def _examples(proposal: Mapping[str, Json]) -> str:
    kinds = {"collected": "Taken for mathematics", "uncollected": "Not taken"}
    parts = []
    for kind, heading in kinds.items():
        shown = [f"- {page['title']} ({page['url']}): {page['text']}" for page in proposal["examples"][kind]]
        parts += [f"{heading}:", *(shown or ["- none"])]
    return "\n".join(parts)
