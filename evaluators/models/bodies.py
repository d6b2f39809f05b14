"""What is sent: a Request as the JSON body of one of the three ways in which servers are asked.

completions   POST /completions        the prompt as text, continued
chat          POST /chat/completions   turns of a conversation; the server applies its template
responses     POST /responses          items of a conversation; neither seed nor stop strings, so these are not sent
"""

from __future__ import annotations

from typing import Any, Literal

from evaluators.models.sampling import Request, Turn

Kind = Literal["completions", "chat", "responses"]
PATHS: dict[Kind, str] = {
    "completions": "/completions",
    "chat": "/chat/completions",
    "responses": "/responses",
}
NEUTRAL = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
"""Values at which a parameter changes nothing, as vLLM, SGLang and llama.cpp read them."""
REPEATABLE_ONLY = ("seed", "stop", "n", "stream_options", "store")
"""Fields without which the same is asked: stop strings are cut here, samples are asked for one by one."""
TOOL = {
    "name": "python",
    "description": "Runs Python code in one session, whose variables stay. What the code prints is returned.",
    "parameters": {
        "type": "object",
        "properties": {"code": {"type": "string", "description": "Python code. Print what you want to see."}},
        "required": ["code"],
    },
}


def is_neutral(name: str, value: Any) -> bool:
    """Whether a field may be left out of a body, since nobody asked for what it says."""
    return name in REPEATABLE_ONLY or (name in NEUTRAL and value == NEUTRAL[name]) or (name == "top_p" and value == 1.0)


def body_of(request: Request, kind: Kind, model: str, *, count: int, vllm: bool, unfinished: bool) -> dict[str, Any]:
    """The body for `count` samples. `vllm`: its extensions may be sent. `unfinished`: whether an answer that goes on is
    sent as the assistant's unfinished turn, or else as one that a user's turn follows."""
    body: dict[str, Any] = {"model": model, **_sampling(request, kind, count)}
    if kind == "completions":
        body["prompt"] = request.prompt + request.continues
        if vllm:
            body["add_special_tokens"] = request.special_tokens
    elif kind == "chat":
        body |= _chat(request, vllm=vllm, unfinished=unfinished)
    else:
        body |= _responses(request)
    if vllm and request.thinking_budget is not None:
        body["thinking_token_budget"] = request.thinking_budget
    if kind != "completions" and request.chat_template_kwargs:
        body["chat_template_kwargs"] = dict(request.chat_template_kwargs)
    return body | dict(request.extra_body)


def _sampling(request: Request, kind: Kind, count: int) -> dict[str, Any]:
    told: dict[str, Any] = {"max_output_tokens" if kind == "responses" else "max_tokens": request.max_tokens}
    told |= {name: value for name in ("temperature", "top_p") if (value := getattr(request, name)) is not None}
    for name, neutral in NEUTRAL.items():
        value = getattr(request, name)
        if value is None and request.unset == "neutral" and kind != "responses":
            value = neutral
        if value is not None:
            told[name] = value
    if kind != "responses":
        told |= {"seed": request.seed, "n": count}
        if request.stop:
            told["stop"] = list(request.stop)
    return told


def _chat(request: Request, *, vllm: bool, unfinished: bool) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": request.system}] if request.system else []
    messages.append({"role": "user", "content": request.prompt})
    messages += [_message(turn) for turn in request.turns]
    told: dict[str, Any] = {"messages": messages}
    if request.continues and unfinished:
        messages.append({"role": "assistant", "content": request.continues})
        if vllm:
            told |= {"continue_final_message": True, "add_generation_prompt": False}
    elif request.continues:
        said, shown = _before_output(request.continues)
        messages += [{"role": "assistant", "content": said}, {"role": "user", "content": shown}]
    if request.tools:
        told |= {"tools": [{"type": "function", "function": TOOL}], "tool_choice": "auto"}
    if request.reasoning_effort is not None:
        told["reasoning_effort"] = request.reasoning_effort
    return told


def _message(turn: Turn) -> dict[str, Any]:
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.answers, "content": turn.content}
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.reasoning:  # under either name, for servers read one or the other
        message |= {"reasoning": turn.reasoning, "reasoning_content": turn.reasoning}
    if turn.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in turn.calls
        ]
    return message


def _before_output(written: str) -> tuple[str, str]:
    """A trajectory as two turns: what the model wrote, and the output of its last program."""
    said, fence, shown = written.rpartition("```output")
    return (said.rstrip("\n") + "\n", fence + shown) if fence else (written, "Go on.")


def _responses(request: Request) -> dict[str, Any]:
    items: list[dict[str, Any]] = [{"role": "user", "content": request.prompt}]
    for turn in request.turns:
        if turn.role == "tool":
            items.append({"type": "function_call_output", "call_id": turn.answers, "output": turn.content})
            continue
        if turn.content:
            items.append({"role": turn.role, "content": turn.content})
        items += [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            for call in turn.calls
        ]
    if request.continues:
        said, shown = _before_output(request.continues)
        items += [{"role": "assistant", "content": said}, {"role": "user", "content": shown}]
    told: dict[str, Any] = {"input": items, "store": False}
    if request.system:
        told["instructions"] = request.system
    if request.tools:
        told |= {"tools": [{"type": "function", **TOOL}], "tool_choice": "auto"}
    if request.reasoning_effort is not None:
        told["reasoning"] = {"effort": request.reasoning_effort}
    return told
