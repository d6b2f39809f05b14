"""What came back: a server's JSON, or its stream of events, as Generations; or a complaint that names what is wrong.

A reply is believed where it is what the protocol promises. Thinking, tool calls, refusals and filters are outcomes of
their own; what is none of these is a failure of the attempt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from evaluators.models.bodies import Kind
from evaluators.models.sampling import Generation, Request, ToolCall

Finish = Literal["stop", "length", "content_filter", "refusal", "tool_call"]
FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "stop_token", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length", "repetition"), "length"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "prohibited_content", "blocklist"), "content_filter"),
    **dict.fromkeys(("tool_calls", "function_call", "tool_use", "tool_call"), "tool_call"),
    "refusal": "refusal",
}
"""How servers spell why they stopped."""


class UnusableReply(Exception):
    """This attempt's answer is not what was asked for; another one may be."""

    def __init__(self, message: str, *, tokens: int = 0) -> None:
        super().__init__(message)
        self.tokens = tokens
        """Generated, and paid for, all the same."""


class ErrorReply(Exception):
    """The server said an error under HTTP 200."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def read_reply(raw: bytes, content_type: str) -> Any:
    """The JSON of an answer, a stream's events joined into one. Raises UnusableReply, ErrorReply."""
    if content_type.startswith("text/event-stream") or raw.startswith((b"data:", b"event:")):
        answer = _joined([_event(line[5:]) for line in raw.splitlines() if line.startswith(b"data:")])
    else:
        answer = _event(raw)
    error = answer.get("error") if isinstance(answer, Mapping) else None
    if isinstance(answer, Mapping) and answer.get("object") == "error":
        error = answer
    if error and not answer.get("choices") and not answer.get("output"):
        code = error.get("code") if isinstance(error, Mapping) else None
        known = isinstance(code, int | str) and str(code).isdigit() and 400 <= int(code) < 600
        text = json.dumps(error if isinstance(error, Mapping) else {"message": str(error)}, ensure_ascii=False)
        raise ErrorReply(int(str(code)) if known else 500, text)
    return answer


def generations(answer: Any, request: Request, kind: Kind, count: int, seconds: float) -> list[Generation]:
    """At least one and at most `count` samples. Raises UnusableReply where it is not what was asked for."""
    if kind == "responses":
        answer = _as_chat(answer)
    choices = answer.get("choices") if isinstance(answer, Mapping) else None
    if not isinstance(choices, list) or not 1 <= len(choices) <= count:
        wanted = "one choice" if count == 1 else f"one to {count} choices"
        raise UnusableReply(f"expected {wanted}; found {str(answer)[:200]}")
    usage = _Usage.of(answer.get("usage"), count * request.max_tokens, choices)
    parsed, complaints = [], []
    for choice in sorted(choices, key=_index):
        try:
            parsed.append(_generation(choice, request, kind))
        except UnusableReply as complaint:
            complaints.append(complaint)
    if not parsed:
        raise UnusableReply(str(complaints[0]), tokens=usage.completion)
    if usage.known and not usage.completion and any(one.text or one.reasoning or one.calls for one in parsed):
        raise UnusableReply(
            f"expected tokens for {sum(len(one.text) for one in parsed)} characters of text; found none"
        )
    return usage.shared(parsed, seconds)


def _generation(choice: Any, request: Request, kind: Kind) -> Generation:
    """One choice, without its counts."""
    if not isinstance(choice, Mapping):
        raise UnusableReply(f"expected a choice; found {str(choice)[:120]}")
    message: Any = choice.get("message")
    if kind == "completions":
        message = {"content": choice.get("text"), "reasoning": choice.get("reasoning")}
    if not isinstance(message, Mapping):
        raise UnusableReply(f"expected a message; found {str(choice)[:120]}")
    text, thought = _content(message.get("content"))
    reasoning = thought or _reasoning(message)
    calls = _calls(message)
    refusal = message.get("refusal") if isinstance(message.get("refusal"), str) else ""
    reason = choice.get("finish_reason")
    finish = FINISHES.get(reason.lower()) if isinstance(reason, str) else None
    if finish is None:
        raise UnusableReply(f"expected text and a finish_reason of stop or length; found {str(choice)[:160]}")
    if calls and finish == "stop":  # as some servers end a call
        finish = "tool_call"
    if refusal and not text:
        finish = "refusal"
    if text is None and finish == "stop" and not reasoning:
        raise UnusableReply(f"expected text and a finish_reason of stop or length; found {str(choice)[:160]}")
    if finish == "tool_call" and not calls:
        raise UnusableReply(f"expected the tool calls that it stopped for; found {str(choice)[:160]}")
    text, cut = _cut_at_stop(_storable(text or ""), request.stop)
    return Generation(
        text=text,
        finish="stop" if cut else finish,
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
        reasoning=_storable(reasoning),
        calls=calls,
        said=_storable(refusal or (f"{reason}" if finish == "content_filter" else "")),
        token_ids=_token_ids(choice),
    )


def _token_ids(choice: Mapping[str, Any]) -> tuple[int, ...]:
    ids = choice.get("token_ids")
    return tuple(ids) if isinstance(ids, list) and all(isinstance(one, int) for one in ids) else ()


def _content(content: Any) -> tuple[str | None, str]:
    """(text, thinking) of a message's content, which may be a list of parts."""
    if isinstance(content, str) or content is None:
        return content, ""
    if not isinstance(content, list):
        raise UnusableReply(f"expected text and a finish_reason of stop or length; found content {str(content)[:120]}")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Mapping):
            thinks = str(part.get("type", "")).startswith(("thinking", "reasoning"))
            said = part.get("thinking") if thinks and part.get("thinking") is not None else part.get("text")
            (thoughts if thinks else texts).append(_content(said)[0] or "")
    return "".join(texts), "\n".join(thoughts)


def _reasoning(message: Mapping[str, Any]) -> str:
    for name in ("reasoning", "reasoning_content", "thinking"):
        if isinstance(message.get(name), str) and message[name]:
            return str(message[name])
    details = message.get("reasoning_details")
    if isinstance(details, list):
        return "\n".join(
            str(one.get("text") or one.get("summary") or "") for one in details if isinstance(one, Mapping)
        )
    return ""


def _calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    found = message.get("tool_calls")
    if not isinstance(found, list):
        found = []
    if not found and isinstance(message.get("function_call"), Mapping):  # what came before tool_calls
        found = [{"id": "call_0", "function": message["function_call"]}]
    calls = []
    for number, one in enumerate(found):
        function = one.get("function") if isinstance(one, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise UnusableReply(f"expected tool calls with a function's name; found {str(one)[:120]}")
        arguments = function.get("arguments")
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        calls.append(
            ToolCall(id=str(one.get("id") or f"call_{number}"), name=function["name"], arguments=_storable(written))
        )
    return tuple(calls)


def _cut_at_stop(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """The text before the first stop string: a server that ignored it wrote what was never asked for."""
    cut = min((position for mark in stop if (position := text.find(mark)) >= 0), default=None)
    return (text, False) if cut is None else (text[:cut], True)


def _storable(text: str) -> str:
    """A lone surrogate could be neither stored nor hashed."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class _Usage:
    """Token counts of a whole reply that can be true; one that reports none counts 0, one that reports nonsense is
    refused."""

    def __init__(self, counts: Mapping[str, int], *, known: bool) -> None:
        self.prompt = counts.get("prompt_tokens", 0)
        self.completion = counts.get("completion_tokens", 0)
        self.reasoning = counts.get("reasoning_tokens", 0)
        self.cached = counts.get("cached_tokens", 0)
        self.known = known

    @classmethod
    def of(cls, usage: Any, most: int, choices: Sequence[Any]) -> _Usage:
        if usage is None:
            return cls({}, known=False)
        if not isinstance(usage, Mapping):
            raise UnusableReply(f"expected token counts; found usage {str(usage)[:120]}")
        counts = {name: usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")}
        for outer, name in (
            ("completion_tokens_details", "reasoning_tokens"),
            ("prompt_tokens_details", "cached_tokens"),
        ):
            details = usage.get(outer)
            counts[name] = (details.get(name) if isinstance(details, Mapping) else usage.get(name)) or 0
        counts["cached_tokens"] = counts["cached_tokens"] or usage.get("prompt_cache_hit_tokens") or 0
        if not all(isinstance(count, int) and count >= 0 for count in counts.values()):
            raise UnusableReply(f"expected token counts; found usage {str(usage)[:120]}")
        answered = counts["completion_tokens"] - counts["reasoning_tokens"]  # thinking may have a limit of its own
        if answered > most + len(choices):  # some servers count the token that ended the answer
            raise UnusableReply(
                f"expected at most {most} new tokens; found {counts['completion_tokens']}",
                tokens=counts["completion_tokens"],
            )
        says_nothing = usage.get("prompt_tokens") == 0 and usage.get("completion_tokens") == 0
        return cls(counts, known=not says_nothing)

    def shared(self, parsed: Sequence[Generation], seconds: float) -> list[Generation]:
        """The samples with their counts: the prompt is the first's, which was read once; tokens go by length of text."""
        if len(parsed) == 1:
            shares = [(self.completion, self.reasoning)]
        else:
            lengths = [len(one.text) + len(one.reasoning) + 1 for one in parsed]
            thoughts = [len(one.reasoning) for one in parsed]
            shares = list(
                zip(_apportioned(self.completion, lengths), _apportioned(self.reasoning, thoughts), strict=True)
            )
        return [
            replace(
                one,
                prompt_tokens=0 if number else self.prompt,
                completion_tokens=completion,
                seconds=seconds,
                reasoning_tokens=reasoning,
                cached_tokens=0 if number else self.cached,
            )
            for number, (one, (completion, reasoning)) in enumerate(zip(parsed, shares, strict=True))
        ]


def _apportioned(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights, which add up to `total`."""
    whole, before, shares = sum(weights) or 1, 0, []
    reached = 0
    for weight in weights:
        before += weight
        shares.append(total * before // whole - reached)
        reached += shares[-1]
    if shares:
        shares[-1] += total - reached
    return shares


def _index(choice: Any) -> int:
    found = choice.get("index") if isinstance(choice, Mapping) else 0
    return found if isinstance(found, int) else 0


def _event(raw: bytes) -> Any:
    line = raw.strip()
    if line == b"[DONE]":
        return None
    try:
        return json.loads(line)
    except ValueError as error:
        raise UnusableReply(f"expected JSON; found {line[:80]!r}") from error


def _joined(events: Sequence[Any]) -> Any:
    """The events of a stream as the one answer that they tell."""
    choices: dict[int, dict[str, Any]] = {}
    usage: Any = None
    for event in events:
        if not isinstance(event, Mapping):
            continue
        if event.get("error") or event.get("object") == "error":
            return {"error": event.get("error") or event}
        if isinstance(event.get("response"), Mapping) and event["response"].get("status") not in (
            "in_progress",
            "queued",
        ):
            return event["response"]  # of /responses: the last event holds all
        usage = event.get("usage") or usage
        for choice in event.get("choices") or ():
            _add_delta(choices.setdefault(_index(choice), {"index": _index(choice)}), choice)
    return {"choices": [choices[number] for number in sorted(choices)], "usage": usage}


def _add_delta(whole: dict[str, Any], choice: Mapping[str, Any]) -> None:
    whole["finish_reason"] = choice.get("finish_reason") or whole.get("finish_reason")
    if isinstance(choice.get("text"), str):
        whole["text"] = whole.get("text", "") + choice["text"]
    if isinstance(choice.get("token_ids"), list):
        whole["token_ids"] = [*whole.get("token_ids", ()), *choice["token_ids"]]
    delta = choice.get("delta") or choice.get("message")
    if not isinstance(delta, Mapping):
        return
    message = whole.setdefault("message", {})
    for name in ("content", "reasoning", "reasoning_content", "refusal"):
        if isinstance(delta.get(name), str):
            message[name] = (message.get(name) or "") + delta[name]
    for number, part in enumerate(delta.get("tool_calls") or ()):
        calls = message.setdefault("tool_calls", [])
        place = part.get("index", number)
        while len(calls) <= place:
            calls.append({"id": "", "function": {"name": "", "arguments": ""}})
        calls[place]["id"] = part.get("id") or calls[place]["id"]
        for name, value in (part.get("function") or {}).items():
            if isinstance(value, str):
                calls[place]["function"][name] = calls[place]["function"].get(name, "") + value


def _as_chat(answer: Any) -> Any:
    """An answer of /responses in the form of one of /chat/completions."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("output"), list):
        return answer
    message: dict[str, Any] = {"content": None, "tool_calls": []}
    for item in answer["output"]:
        if not isinstance(item, Mapping):
            continue
        if item.get("type") == "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments")}
            message["tool_calls"].append({"id": item.get("call_id") or item.get("id"), "function": function})
        elif item.get("type") == "reasoning":
            parts = item.get("content") or item.get("summary") or []
            message["reasoning"] = message.get("reasoning", "") + (_content(parts)[0] or "") + (_content(parts)[1])
        else:
            for part in item.get("content") or ():
                if isinstance(part, Mapping) and part.get("type") == "refusal":
                    message["refusal"] = part.get("refusal")
                elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
                    message["content"] = (message["content"] or "") + part["text"]
    status = answer.get("status", "completed")
    if status == "incomplete":
        status = (answer.get("incomplete_details") or {}).get("reason", "max_output_tokens")
    return {"choices": [{"message": message, "finish_reason": status}], "usage": _chat_usage(answer.get("usage"))}


def _chat_usage(usage: Any) -> Any:
    if not isinstance(usage, Mapping):
        return usage
    return {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "prompt_tokens_details": usage.get("input_tokens_details"),
        "completion_tokens_details": usage.get("output_tokens_details"),
    }
