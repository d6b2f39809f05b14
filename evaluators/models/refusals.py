"""A server's refusal, read for what it says: which of nine kinds it is, and the figures and names that it gives.

overflow    prompt and answer do not fit the context; its size and the prompt's tokens where they are told
parameter   a field of the request that the server does not know, or a value that it does not take
filter      a content filter: an outcome of this prompt, not a failure
stream      only streamed answers are given
continue    the last message may not be the assistant's unfinished turn
rate        too much is asked at once: come again later, after `retry_after` seconds where they are told
again       a fault that another attempt may not meet
final       no other request can succeed either; `remedy` says what to do
request     this request is refused, for a reason that none of the above is
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["overflow", "parameter", "filter", "stream", "continue", "rate", "again", "final", "request"]

OVERFLOW_CODES = {"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"}
OVERFLOW = re.compile(
    r"context[ _](?:length|window|size)|max(?:imum)?[ _]model[ _]len|exceeds? (?:the )?(?:available |model'?s? )*context"
    r"|(?:prompt|input|inputs?) (?:is|are) too long|(?:prompt|input) (?:length|tokens?)\D{0,40}exceeds?"
    r"|too many (?:input )?tokens|`inputs` tokens \+ `max_new_tokens`|prompt token count|longer than the maximum"
    r"|please reduce the length",
    re.IGNORECASE,
)
CONTEXT_FIGURES = (
    r"(?:context|model)[ _](?:length|len|window|size)\D{0,30}?(\d[\d,_]*)",
    r"n_ctx\D{0,6}(\d+)",
    r"must be <=? ?(\d+)",
    r"(\d[\d,_]*)[- ]tokens? (?:context|limit|maximum)",
    r"(?:limit|maximum|most)\D{0,20}?(\d[\d,_]*)",
)
PROMPT_FIGURES = (
    r"(\d[\d,_]*) (?:tokens )?(?:in|from|of) (?:the |your )?(?:messages|prompt|input)",
    r"(?:prompt|messages|inputs?)\D{0,40}?(\d[\d,_]*) (?:input )?tokens",
    r"(\d[\d,_]*) (?:input|prompt) tokens",
    r"n_prompt_tokens\D{0,6}(\d+)",
    r"(\d+) `inputs` tokens",
    r"(\d[\d,_]*) tokens >",
)
REQUESTED = r"(?:requested|resulted in|has|total of)\D{0,20}?(\d[\d,_]*) tokens"
"""Of messages that tell the sum of prompt and answer only: the prompt is that less what was asked for."""
FILTER = re.compile(
    r"content[ _](?:filter|policy|management)|ResponsibleAI|data_inspection|flagged|safety (?:system|filter)", re.I
)
QUOTA = re.compile(r"insufficient_quota|exceeded your current quota|billing|credit|payment|balance", re.IGNORECASE)
STREAM = re.compile(r"only supports? stream|(?:stream(?:ing)? (?:mode )?(?:is )?(?:required|only))|non-stream", re.I)
LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
CONTENT = ("model", "prompt", "messages", "input")
"""Fields that say who is asked and what: none of them is a parameter that could be left out, and a complaint about one is of
this request."""
PARAMETER = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|not permitted|not supported|does not support|doesn't support"
    r"|not allowed|extra_forbidden|invalid|must be|is deprecated|no longer",
    re.IGNORECASE,
)
OUTPUT_LIMIT = re.compile(
    r"max(?:_completion|_output|_new)?_tokens\D{0,60}?(?:too (?:large|high)|at most|maximum|less)", re.I
)
TEMPLATE = re.compile(
    r"chat template|jinja|template error|roles? must alternate|role .{0,20}not supported|system role", re.I
)
UNFINISHED = re.compile(
    r"last (?:message|role)|continue_final_message|prefill|assistant (?:message|turn|response).{0,30}(?:last|final|end)",
    re.I,
)
TOOLS = re.compile(r"tool[ _-](?:choice|call|use)|enable-auto-tool-choice|\btools\b|function call", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a server said instead of an answer."""

    kind: Kind
    message: str
    parameters: tuple[str, ...] = ()
    """Fields of the request that it complains about."""
    instead: str | None = None
    """The field that it names to be used instead."""
    context: int | None = None
    prompt_tokens: int | None = None
    retry_after: float | None = None
    remedy: str = ""


def read_refusal(status: int, text: str, body: Mapping[str, Any], retry_after: str | None = None) -> Refusal:
    """The refusal in an answer of HTTP `status`; `body` is the request that was sent."""
    said = _Said.of(text)
    told = f"HTTP {status}: {said.message}" if said.message else f"HTTP {status}"
    if status in (301, 302, 303, 307, 308):
        return Refusal(kind="final", message=told, remedy="Write the address that it points to as base_url.")
    if status == 429 or status == 529:
        if QUOTA.search(f"{said.code} {said.message}"):
            return Refusal(kind="final", message=told, remedy="The account has no more quota: pay, or wait.")
        return Refusal(kind="rate", message=told, retry_after=_seconds(retry_after))
    if status in (401, 402, 403):
        remedy = "Check the key: api_key_variable names the environment variable that holds it."
        if FILTER.search(f"{said.code} {said.message}"):
            return Refusal(kind="filter", message=said.message)
        return Refusal(kind="final", message=told, remedy=remedy if status != 402 else "The account has no credit.")
    if status in (404, 405):
        return Refusal(kind="final", message=told, remedy=_not_found(said))
    if status >= 500 or status in (408, 409, 425):
        figures = _figures(said.message, body)
        if status != 503 and None not in figures and OVERFLOW.search(said.message):
            return Refusal(kind="overflow", message=told, context=figures[0], prompt_tokens=figures[1])
        if TEMPLATE.search(said.message):
            return _of_template(told, said)
        return Refusal(kind="rate" if status == 503 and retry_after else "again", message=told,
                       retry_after=_seconds(retry_after))  # fmt: skip
    return _bad_request(told, said, body, status)


def _bad_request(told: str, said: _Said, body: Mapping[str, Any], status: int) -> Refusal:
    words = f"{said.code} {said.message}"
    if FILTER.search(words):
        return Refusal(kind="filter", message=said.message)
    if STREAM.search(said.message):
        return Refusal(kind="stream", message=told)
    instead = re.search(r"[Uu]se ['\"`]?(max_\w+)['\"`]? instead", said.message)
    names = said.parameters(body)
    if instead is not None and names:
        return Refusal(kind="parameter", message=told, parameters=names, instead=instead[1])
    if said.code in OVERFLOW_CODES or OVERFLOW.search(said.message) or status == 413:
        context, prompt_tokens = _figures(said.message, body)
        return Refusal(kind="overflow", message=told, context=context, prompt_tokens=prompt_tokens)
    if OUTPUT_LIMIT.search(said.message):
        return Refusal(kind="final", message=told, remedy="Lower max_new_tokens to what the server gives.")
    if "continue_final_message" in names or (_unfinished(body) and UNFINISHED.search(said.message)):
        return Refusal(kind="continue", message=told)
    if "tools" in body and TOOLS.search(said.message):
        return Refusal(
            kind="final", message=told, remedy="Serve the model with a parser of tool calls (vLLM: server.extra_arguments "
            "--enable-auto-tool-choice --tool-call-parser NAME), or use the form tir.",
        )  # fmt: skip
    if TEMPLATE.search(said.message):
        return _of_template(told, said)
    if names and (PARAMETER.search(words) or any("_" in name and name not in LIMITS for name in names)):
        return Refusal(kind="parameter", message=told, parameters=names)
    if re.search(r"model.{0,40}(?:not (?:found|exist)|does not exist|unknown)", said.message, re.IGNORECASE):
        return Refusal(kind="final", message=told, remedy=_not_found(said))
    return Refusal(kind="request", message=told)


@dataclass(frozen=True, slots=True)
class _Said:
    """The parts of an error body, whichever of the usual forms it has."""

    message: str
    code: str
    field: str
    """What the server itself says to be at fault."""

    @classmethod
    def of(cls, text: str) -> _Said:
        try:
            found = json.loads(text)
        except ValueError:
            return cls(re.sub(r"<[^>]*>|\s+", " ", text).strip()[:300], "", "")
        if isinstance(found, Mapping) and isinstance(found.get("error"), Mapping | str):
            found = found["error"]
        if not isinstance(found, Mapping):
            return cls(str(found)[:600], "", "")
        detail = found.get("message") or found.get("detail") or found.get("msg") or found.get("errors") or ""
        if isinstance(detail, list):  # of FastAPI: [{"loc": ["body", "top_k"], "msg": ..., "type": ...}]
            places = [str(one["loc"][-1]) for one in detail if isinstance(one, Mapping) and one.get("loc")]
            messages = [
                f"{one.get('msg')}: {one.get('loc')}" if isinstance(one, Mapping) else str(one) for one in detail
            ]
            return cls("; ".join(messages)[:600], "", places[0] if len(places) == 1 else " ".join(places))
        message = detail if isinstance(detail, str) else json.dumps(detail)
        code = " ".join(str(found.get(key) or "") for key in ("code", "type"))
        inner = found.get("innererror") or found.get("metadata")
        if isinstance(inner, Mapping):
            message = f"{message} {json.dumps(inner, ensure_ascii=False)}"
        return cls(
            (message or str(found))[:600], code.split()[0] if code.split() else "", str(found.get("param") or "")
        )

    def parameters(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of the request that the message names: told apart, quoted, or as whole words that are no prose."""
        known = [name for name in body if name not in CONTENT]
        told = [name for name in re.split(r"[\s.,\[\]]+", self.field) if name in known]
        return tuple(dict.fromkeys(told)) or tuple(name for name in known if self._names(name))

    def _names(self, name: str) -> bool:
        quoted = re.search(rf"['\"`]{name}['\"`]", self.message)
        bare = re.search(rf"(?<![\w-]){name}(?![\w-])", self.message)
        return bool(quoted) or (
            bare is not None and ("_" in name or name in ("temperature", "seed", "stop", "tools", "n"))
        )


def _of_template(told: str, said: _Said) -> Refusal:
    remedy = "The model's chat template forbids what is sent: see its message."
    if re.search(r"system", said.message, re.IGNORECASE):
        remedy = "The model's chat template takes no system prompt: remove sampling.system."
    elif re.search(r"chat template", said.message, re.IGNORECASE):
        remedy = (
            "The model has no usable chat template: use kind `completions`, with the prompt style few_shot or deepseek."
        )
    return Refusal(kind="final", message=told, remedy=remedy)


def _not_found(said: _Said) -> str:
    if re.search(r"model", said.message, re.IGNORECASE):
        return "Check the name of the model: GET <base_url>/models lists those that the server has."
    return "Check base_url: most servers want /v1 at its end. Check kind: not every server has completions and chat."


def _figures(message: str, body: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """(context, tokens of the prompt), as far as the message tells them."""
    context = next(_numbers(CONTEXT_FIGURES, message), None)
    prompt = next(_numbers(PROMPT_FIGURES, message), None)
    if prompt is None:
        total = next(_numbers((REQUESTED,), message), None)
        asked = next((body[name] for name in LIMITS if isinstance(body.get(name), int)), None)
        if total is not None and asked is not None and total > asked:
            prompt = total - asked
    return context, prompt


def _numbers(patterns: tuple[str, ...], message: str) -> Iterator[int]:
    for pattern in patterns:
        for match in re.finditer(pattern, message, re.IGNORECASE):
            yield int(re.sub(r"[,_]", "", match[1]))


def _unfinished(body: Mapping[str, Any]) -> bool:
    messages = body.get("messages")
    return isinstance(messages, list) and bool(messages) and messages[-1].get("role") == "assistant"


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After header; a date is left unread, since clocks differ."""
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None
