"""What servers do, by the dozen: each behaviour ends in the right outcome, the denominator stays, a message names the
remedy, and nothing is kept that was not an answer.

Bodies are written as the servers named beside them write theirs; numbers and words are ours.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from evaluators.answering import evaluate
from evaluators.models.cache import GenerationCache
from evaluators.models.endpoint import Endpoint, EndpointSettings
from evaluators.models.prompting import Prompter
from evaluators.models.sampling import SMALLEST_CALL, SamplingError, ScriptedSampler
from evaluators.models.settings import EvaluationSettings
from evaluators.records import Completion, Problem
from evaluators.sandbox import Sandbox, SandboxSettings
from tests.scripted_server import Said as Say

PROBLEMS = [Problem(id=f"t/{n}", benchmark="t", question=f"What is {n}+1?", reference=str(n + 1)) for n in range(3)]
LIMIT = 1024
Answer = Callable[[dict[str, Any], int], Any]


def text(said: str | None, finish: str | None = "stop", **more: Any) -> Say:
    """Of /completions."""
    usage = {"usage": {"prompt_tokens": 300, "completion_tokens": 7}} if "usage" not in more else {}
    return Say({"choices": [{"index": 0, "text": said, "finish_reason": finish}], **usage, **more})


def chat(content: Any, finish: str | None = "stop", usage: Any = None, **message: Any) -> Say:
    """Of /chat/completions."""
    counts = usage or {"prompt_tokens": 300, "completion_tokens": 7}
    return Say({"choices": [{"message": {"content": content, **message}, "finish_reason": finish}], "usage": counts})


def call(name: str, arguments: str) -> list[dict[str, Any]]:
    return [{"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}]


def refuse(message: str, status: int = 400, **more: Any) -> Say:
    return Say({"error": {"message": message, **more}}, status)


def once(first: Any, then: Any) -> Answer:
    """The first time a prompt is asked, and ever after."""
    return lambda body, before: then if before else first


def where(condition: Callable[[dict[str, Any]], Any], then: Any, otherwise: Any) -> Answer:
    return lambda body, before: then if condition(body) else otherwise


def events(*deltas: dict[str, Any]) -> Say:
    lines = "".join(f"data: {json.dumps(one)}\n\n" for one in deltas) + "data: [DONE]\n\n"
    return Say(lines, headers={"Content-Type": "text/event-stream"})


def piece(said: str, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": said, **delta}, "finish_reason": finish}]}


@dataclass(frozen=True)
class Case:
    """A behaviour and what comes of it. `says` stands in the completion's error, or in what is raised."""

    answer: Any
    finish: str = "stop"
    text: str = "fine"
    says: str = ""
    kept: bool = True
    raises: bool = False
    kind: str = "completions"
    reasoning: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    endpoint: dict[str, Any] = field(default_factory=dict)


def failure(answer: Any, says: str, **more: Any) -> Case:
    """No answer: an error on each completion, and nothing kept."""
    return Case(answer, finish="error", text="", says=says, kept=False, **more)


def final(answer: Any, says: str, **more: Any) -> Case:
    """The evaluation stops at once."""
    return Case(answer, says=says, kept=False, raises=True, **more)


UNKNOWN = "Unrecognized request argument supplied: top_k"
MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
OPENAI_OVERFLOW = (
    "This model's maximum context length is 1024 tokens. However, you requested 1324 tokens (300 in the messages, 1024 in "
    "the completion). Please reduce the length of the messages or completion."
)
VLLM_OVERFLOW = (
    "This model's maximum context length is 1024 tokens. However, your prompt contains at least 1025 input tokens, which "
    "exceeds this limit even without any output tokens. Please reduce the length of the input prompt."
)
TGI_OVERFLOW = (
    "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 1024. Given: 300 `inputs` tokens and 1024 "
    "`max_new_tokens`"
)
LLAMA_OVERFLOW = {
    "code": 400, "message": "the request exceeds the available context size, try increasing it",
    "type": "exceed_context_size_error", "n_prompt_tokens": 1300, "n_ctx": 1024,
}  # fmt: skip
EXTRA = {"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}
                    for name in ("top_k", "min_p", "repetition_penalty")]}  # fmt: skip
RESPONSE = {
    "status": "completed",
    "output": [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "I add."}]},
        {"type": "message", "content": [{"type": "output_text", "text": "fine"}]},
    ],
    "usage": {"input_tokens": 30, "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 5}},
}
CASES: dict[str, Case] = {
    # how an answer ends
    "an honest answer": Case(text("fine")),
    "eos as a reason": Case(text("fine", "eos")),
    "end_turn as a reason": Case(text("fine", "end_turn")),
    "a limit that is reached": Case(
        text("fine", "length", usage={"prompt_tokens": 3, "completion_tokens": LIMIT}), finish="length"
    ),
    "max_tokens as a reason": Case(
        text("fine", "max_tokens", usage={"prompt_tokens": 3, "completion_tokens": LIMIT}), finish="length"
    ),
    "an empty answer": Case(text("", usage={"prompt_tokens": 3, "completion_tokens": 1}), text=""),
    "a filter within an answer": Case(text("fi", "content_filter"), finish="content_filter", text="fi", kept=False),
    "an unknown reason": failure(text("fine", "dancing"), "found {'index': 0, 'text': 'fine'"),
    "no reason": failure(text("fine", None), "finish_reason of stop or length"),
    "aborted": failure(text("fi", "abort"), "finish_reason of stop or length"),
    "an error as a reason, once": Case(once(text("", "error"), text("fine"))),
    "no text": failure(text(None), "expected text"),
    # counts
    "no counts": Case(text("fine", usage=None)),
    "counts of nothing": Case(text("fine", usage={"prompt_tokens": 0, "completion_tokens": 0})),
    "counts of null": Case(text("fine", usage={"prompt_tokens": None, "completion_tokens": None, "total_tokens": 3}),
                           finish="error", text="", says="found none", kept=False),
    "more tokens than were asked for": failure(text("fine", usage={"completion_tokens": 5000}), "at most 1024"),
    "thinking counted beside its limit": Case(
        chat("fine", usage={"prompt_tokens": 3, "completion_tokens": 5000,
                            "completion_tokens_details": {"reasoning_tokens": 4900}}), kind="chat"),
    "tokens that are words": failure(text("fine", usage={"completion_tokens": "seven"}), "token counts"),
    # transport
    "a stop string that is ignored": Case(text("fine\nEND and more"), text="fine\n", asked={"stop": ("END",)}),
    "a stream that nobody asked for": Case(
        events(piece("fi"), piece("ne", "stop"), {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        kind="chat"),
    "a stream that breaks off": failure(events(piece("fi")), "finish_reason", kind="chat"),
    "an error within a stream, once": Case(
        once(events(piece("fi"), {"error": {"message": "worker died"}}), chat("fine")), kind="chat"),
    "half of a surrogate pair": Case(text("half \ud83d"), text="half ?"),
    "a dropped connection, once": Case(once("drop", text("fine"))),
    "a body cut short, once": Case(once("cut", text("fine"))),
    "a page instead of JSON, once": Case(once(Say("<html>busy</html>"), text("fine"))),
    "a page instead of JSON, always": failure(Say("<html>busy</html>"), "expected JSON; found"),
    "two choices for one": failure(Say({"choices": [{"text": "a", "finish_reason": "stop"}] * 2}), "expected one choice"),
    "a list": failure(Say([1, 2]), "expected one choice"),
    "silence": failure("hang", "no whole answer within 0.4 s (endpoint.request_timeout)",
                       endpoint={"request_timeout": 0.4, "attempts": 1}),
    # faults that pass, and some that do not
    "500, once": Case(once(refuse("boom", 500), text("fine"))),
    "500, always": failure(refuse("boom", 500), "HTTP 500: boom"),
    "503 while it loads, once": Case(once(refuse("Loading model", 503), text("fine"))),
    "429, once": Case(once(Say({"error": {"message": "slow down"}}, 429, {"Retry-After": "0"}), text("fine"))),
    "529, once": Case(once(refuse("Overloaded", 529, type="overloaded_error"), text("fine"))),
    "429, always": failure(refuse("slow down", 429), "Lower sampling.concurrency",
                           endpoint={"overload_patience": 0.05}),
    "429 under HTTP 200, once": Case(once(Say({"error": {"code": 429, "message": "rate"}}), text("fine"))),
    "an error under HTTP 200, once": Case(once(Say({"error": "provider returned error"}), text("fine"))),
    "a quota that is used up": final(refuse("You exceeded your current quota", 429, code="insufficient_quota"), "quota"),
    "a wrong key": final(refuse("bad key", 401), "api_key_variable names the environment variable"),
    "a forbidden key": final(refuse("no access", 403), "api_key_variable"),
    "no credit": final(refuse("pay first", 402), "no credit"),
    "a path that is not there": final(Say("<h1>Not Found</h1>", 404), "most servers want /v1 at its end"),
    "a model that is not there": final(refuse("The model `m` does not exist.", 404), "Check the name of the model"),
    "a model that is not there, as 400": final(refuse("Model m not found"), "Check the name of the model"),
    "a method that is not allowed": final(Say("", 405), "Check base_url"),
    "a redirection": final(Say("", 301, {"Location": "https://elsewhere"}), "Write the address that it points to"),
    # fields that a server does not take
    "max_completion_tokens": Case(
        where(lambda b: "max_tokens" in b, refuse(MAX_TOKENS, code="unsupported_parameter", param="max_tokens"), chat("fine")),
        kind="chat"),
    "an unknown neutral field": Case(where(lambda b: "top_k" in b, refuse(UNKNOWN), text("fine"))),
    "three unknown neutral fields": Case(where(lambda b: "min_p" in b, Say(EXTRA, 422), text("fine"))),
    "no seeds": Case(where(lambda b: "seed" in b, refuse("seed is not supported"), text("fine"))),
    "no stop strings": Case(
        where(lambda b: "stop" in b, refuse("Unsupported parameter: 'stop'", param="stop"), text("fine END")),
        text="fine ", asked={"stop": ("END",)}),
    "an unknown field of the recipe's": final(
        where(lambda b: b["top_k"], refuse(UNKNOWN), text("fine")), "expected a server that takes top_k=20",
        asked={"top_k": 20}),
    "no greedy answers": final(
        refuse("Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
               "supported.", param="temperature", code="unsupported_value"), "Set temperature to null"),
    "no greedy answers, and none asked for": Case(
        where(lambda b: "temperature" in b, refuse("Unsupported value: 'temperature'", param="temperature"), text("fine")),
        asked={"temperature": None}),
    "an unknown field of extra_body": final(
        where(lambda b: "depth" in b, refuse("Unknown field: 'depth'"), text("fine")), "takes depth=3",
        asked={"extra_body": {"depth": 3}}),
    "a thinking budget, and no parser of thinking (vLLM)": final(
        refuse("thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-parser and/or "
               "--reasoning-config to use thinking_token_budget."), "Serve the model with a reasoning parser",
        kind="chat", asked={"thinking_budget": 64}, endpoint={"vllm_extensions": True}),
    "a field of the recipe's, in words of its own": final(
        refuse("min_p: please upgrade your plan"), "takes min_p=0.1", asked={"min_p": 0.1}),
    "a turn that it does not take": failure(
        refuse("Invalid value for 'content': expected a string", param="messages.[0].content"),
        "HTTP 400: Invalid value for 'content'", kind="chat"),
    "only streams": Case(
        where(lambda b: not b.get("stream"), refuse("This model only supports stream mode"),
              events(piece("fine", "stop"))), kind="chat"),
    "a refusal for no reason": failure(refuse("Bad request"), "HTTP 400: Bad request"),
    # the context
    "a full context with its figures (OpenAI)": Case(
        where(lambda b: b["max_tokens"] > 724, refuse(OPENAI_OVERFLOW, code="context_length_exceeded"), text("fine"))),
    "a full context with its figures (TGI)": Case(
        where(lambda b: b["max_tokens"] > 724, Say({"error": TGI_OVERFLOW, "error_type": "validation"}, 422), text("fine"))),
    "a limit above the context (vLLM)": Case(
        where(lambda b: b["max_tokens"] > 512, refuse("max_tokens=1024 cannot be greater than max_model_len=512. Please "
              "request fewer output tokens.", type="BadRequestError", param="max_tokens"), text("fine"))),
    "a full context without figures": Case(
        where(lambda b: b["max_tokens"] > 200, refuse("Too many tokens: exceeds the context window"), text("fine"))),
    "a prompt that does not fit (vLLM)": failure(refuse(VLLM_OVERFLOW), "Raise server.max_model_len"),
    "a prompt that does not fit (llama.cpp)": failure(Say({"error": LLAMA_OVERFLOW}, 400), "Raise server.max_model_len"),
    "a prompt that does not fit (Anthropic)": failure(
        refuse("prompt is too long: 1300 tokens > 1024 maximum"), "found 1,300 tokens. Raise"),
    "a prompt that does not fit, under 500": failure(
        refuse("the context size is 1024; your prompt has 1300 tokens", 500), "found 1,300 tokens"),
    "a body that is too large": failure(Say("", 413), "Raise server.max_model_len"),
    "nothing generated, and said to be cut": failure(
        text("", "length", usage={"prompt_tokens": 1024, "completion_tokens": 0}), "found 1,024 tokens"),
    "an answer that the context cuts": Case(
        text("fine", "length", usage={"prompt_tokens": 300, "completion_tokens": 724}), finish="length",
        endpoint={"context": 1024}),
    # thinking
    "thinking in `reasoning`": Case(chat("fine", reasoning="I add."), kind="chat", reasoning="I add."),
    "thinking in `reasoning_content`": Case(chat("fine", reasoning_content="I add."), kind="chat", reasoning="I add."),
    "thinking in details": Case(chat("fine", reasoning_details=[{"text": "I add."}]), kind="chat", reasoning="I add."),
    "thinking in parts": Case(
        chat([{"type": "thinking", "thinking": [{"type": "text", "text": "I add."}]}, {"type": "text", "text": "fine"}]),
        kind="chat", reasoning="I add."),
    "thinking in the text": Case(chat("<think>\nI add.\n</think>\n\nfine"), kind="chat", reasoning="I add."),
    "thinking that the template began": Case(chat("I add.\n</think>\nfine"), kind="chat", reasoning="I add."),
    "thinking that never ends, beside the text": Case(
        chat(None, "length", {"prompt_tokens": 3, "completion_tokens": LIMIT}, reasoning="I add"), kind="chat",
        finish="length_in_thinking", text="", reasoning="I add"),
    "thinking that never ends, in the text": Case(
        text("<think>I add", "length", usage={"prompt_tokens": 3, "completion_tokens": LIMIT}),
        finish="length_in_thinking", text="", reasoning="I add"),
    "thinking that is hidden and never ends": Case(
        chat("", "length", {"prompt_tokens": 3, "completion_tokens": LIMIT,
                            "completion_tokens_details": {"reasoning_tokens": LIMIT}}), kind="chat",
        finish="length_in_thinking", text=""),
    # what is no answer to the question
    "a refusal": Case(chat(None, refusal="I cannot help."), kind="chat", finish="refusal", text="", says="I cannot help."),
    "a filter": Case(chat(None, "content_filter"), kind="chat", finish="content_filter", text="", kept=False),
    "a filter of the prompt (Azure)": Case(
        refuse("The response was filtered due to the prompt triggering content management policy", code="content_filter"),
        kind="chat", finish="content_filter", text="", says="content management policy", kept=False),
    "a tool that was not offered": Case(
        chat(None, "tool_calls", tool_calls=call("search", "{}")), kind="chat", finish="tool_call", text=""),
    "nothing": failure(chat(None), "expected text", kind="chat"),
    "a system prompt that the template forbids": final(
        refuse("System role not supported"), "remove sampling.system", kind="chat", asked={"system": "Be brief."}),
    "no chat template": final(
        refuse("default chat template is no longer allowed, so you must provide a chat template"),
        "use kind `completions`", kind="chat"),
    # /responses
    "responses": Case(Say(RESPONSE), kind="responses", reasoning="I add."),
    "responses, cut": Case(
        Say({**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}),
        kind="responses", finish="length", reasoning="I add."),
    "responses, refused": Case(
        Say({"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]}),
        kind="responses", finish="refusal", text="", says="No."),
    "responses, filtered": Case(
        Say({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}),
        kind="responses", finish="content_filter", text="", kept=False),
}  # fmt: skip


async def put(case: Case, url: str, cache: GenerationCache) -> list[Completion]:
    quick = {"base_url": url, "kind": case.kind, "attempts": 2, "first_delay": 0.001, "request_timeout": 20}
    asked = EvaluationSettings.model_validate({"prompt": "deepseek", **case.asked})
    prompter = Prompter("question", system=asked.system)
    async with Endpoint(EndpointSettings.model_validate({**quick, **case.endpoint}), "fake", probes=True) as endpoint:
        return await evaluate(PROBLEMS, endpoint, asked, cache=cache, prompter=prompter)


def asked_again(case: Case, cache: GenerationCache) -> int:
    """Completions that the next run asks for, of a server that is mended."""
    mended = ScriptedSampler(lambda request: "mended", identity="fake")
    asked = EvaluationSettings.model_validate({"prompt": "deepseek", **case.asked})
    asyncio.run(evaluate(PROBLEMS, mended, asked, cache=cache, prompter=Prompter("question", system=asked.system)))
    return len(mended.requests)


@pytest.mark.parametrize("name", CASES)
def test_a_behaviour_ends_in_its_outcome(name: str, scripted_server: Any) -> None:
    case = CASES[name]
    server = scripted_server(case.answer)
    cache = GenerationCache()
    if case.raises:
        with pytest.raises(SamplingError) as raised:
            asyncio.run(put(case, server.base_url, cache))
        assert case.says in str(raised.value)
        assert len(server.asked) <= 3, "it was to stop at the first request"
    else:
        completions = asyncio.run(put(case, server.base_url, cache))
        assert [one.problem_id for one in completions] == [problem.id for problem in PROBLEMS]
        for one in completions:
            assert (one.finish, one.text, one.reasoning) == (case.finish, case.text, case.reasoning), one.error
            assert case.says in (one.error or "")
    assert asked_again(case, cache) == (0 if case.kept else 3)


def test_the_table_holds_what_it_promises() -> None:
    assert len(CASES) >= 60


def test_what_fits_the_context_is_asked_for_and_no_less(scripted_server: Any) -> None:
    server = scripted_server(CASES["a full context with its figures (OpenAI)"].answer)
    asyncio.run(put(Case(None), server.base_url, GenerationCache()))
    limits = {body["max_tokens"] for body in server.asked}
    assert limits == {SMALLEST_CALL, LIMIT, 724}


def test_an_answer_that_the_context_cuts_is_paid_for_once(scripted_server: Any) -> None:
    case = CASES["an answer that the context cuts"]
    server = scripted_server(case.answer)
    completions = asyncio.run(put(case, server.base_url, GenerationCache()))
    assert len([body for body in server.asked if body["max_tokens"] > SMALLEST_CALL]) == len(PROBLEMS)
    assert {(one.completion_tokens, one.discarded_tokens) for one in completions} == {(724, 0)}


@pytest.mark.parametrize("answer_tokens", [lambda n: 724 - n, lambda n: 700], ids=["the context", "a limit of its own"])
def test_where_an_untold_limit_ends_answers_is_learnt_from_two_of_them(
    answer_tokens: Callable[[int], int], scripted_server: Any
) -> None:
    def answer(body: dict[str, Any], before: int) -> Say:
        number = int(body["prompt"][len("What is ")])
        if body["max_tokens"] == SMALLEST_CALL:
            return text("fine")
        counts = {"prompt_tokens": 300 + number, "completion_tokens": answer_tokens(number)}
        return text("fine", "length", usage=counts)

    server = scripted_server(answer)
    completions = asyncio.run(put(Case(None, asked={"concurrency": 1}), server.base_url, GenerationCache()))
    asked = Counter(body["prompt"] for body in server.asked if body["max_tokens"] > SMALLEST_CALL)
    assert sorted(asked.values()) == [1, 2, 2]  # the third is believed at once
    assert [one.finish for one in completions] == ["length"] * 3
    assert sum(one.discarded_tokens > 0 for one in completions) == 2


def test_tokens_of_attempts_that_were_thrown_away_are_told(scripted_server: Any) -> None:
    cut = text("half an", "length", usage={"prompt_tokens": 5, "completion_tokens": 40})
    server = scripted_server(once(cut, text("fine")))
    # the first problem's small request comes before: its second answer is whole
    completions = asyncio.run(put(Case(None), server.base_url, GenerationCache()))
    assert [one.discarded_tokens for one in completions] == [0, 40, 40]
    assert {one.text for one in completions} == {"fine"}


def test_what_a_server_does_not_take_is_found_out_once_and_told(scripted_server: Any) -> None:
    server = scripted_server(CASES["three unknown neutral fields"].answer)

    async def run() -> Any:
        settings = EndpointSettings(base_url=server.base_url)
        async with Endpoint(settings, "fake", probes=True) as endpoint:
            await evaluate(PROBLEMS, endpoint, EvaluationSettings())
            return endpoint.probe_result()

    found = asyncio.run(run())
    assert set(found.dropped) == {"top_k", "min_p", "repetition_penalty"}
    assert sum("min_p" in body for body in server.asked) == 1
    assert "top_k is not sent: the server does not take it" in found.notes
    assert len(server.asked) == 2 + len(PROBLEMS)  # refused, accepted, then the questions


def samples(server: Any, count: int, **asked: Any) -> list[Completion]:
    case = Case(None, asked={"samples": count, "temperature": 0.7, **asked})
    return asyncio.run(put(case, server.base_url, GenerationCache()))


def several(body: dict[str, Any], before: int) -> Say:
    """As vLLM: sample i of a request has the seed of the request, and i more."""
    chosen = [{"index": i, "text": f"seed {body['seed'] + i}", "finish_reason": "stop"} for i in range(body["n"])]
    return Say({"choices": chosen, "usage": {"prompt_tokens": 10, "completion_tokens": 3 * body["n"]}})


def test_samples_of_a_problem_share_a_request_and_are_those_of_single_requests(scripted_server: Any) -> None:
    together, alone = (
        scripted_server(several),
        scripted_server(
            lambda body, before: (
                several({"n": 1, **body}, before)
                if body.get("n", 1) == 1
                else refuse("n must be 1: 'n' is not supported")
            )
        ),
    )
    shared, single = samples(together, 4), samples(alone, 4)
    assert [one.text for one in shared] == [f"seed {n}" for n in range(4)] * 3
    assert [one.text for one in single] == [one.text for one in shared]
    assert len(together.asked) == 1 + len(PROBLEMS)
    assert sum(one.prompt_tokens for one in shared) == 10 * len(PROBLEMS)  # read once for all four
    assert sum(one.completion_tokens for one in shared) == 12 * len(PROBLEMS)


def test_a_server_that_ignores_n_still_gives_every_sample(scripted_server: Any) -> None:
    def first_only(body: dict[str, Any], before: int) -> Say:
        return several({**body, "n": 1}, before)

    completions = samples(scripted_server(first_only), 4)
    assert [one.text for one in completions] == [f"seed {n}" for n in range(4)] * 3


def test_greedy_samples_are_asked_for_one_by_one(scripted_server: Any) -> None:
    server = scripted_server(several)
    samples(server, 3, temperature=0.0)
    assert {body["n"] for body in server.asked} == {1}


def test_what_the_recipe_leaves_open_is_sent_as_neutral_or_not_at_all(scripted_server: Any) -> None:
    neutral, followed = scripted_server(text("fine")), scripted_server(text("fine"))
    asyncio.run(put(Case(None), neutral.base_url, GenerationCache()))
    asyncio.run(put(Case(None, asked={"unset": "model", "top_p": None}), followed.base_url, GenerationCache()))
    sent = {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0,
            "presence_penalty": 0.0, "frequency_penalty": 0.0}  # fmt: skip
    assert sent.items() <= neutral.asked[0].items()
    assert sent.keys() & followed.asked[0].keys() == {"temperature"}


def test_nobody_there_is_said_once_and_not_for_every_problem() -> None:
    with pytest.raises(SamplingError, match=r"nobody answers at http://127\.0\.0\.1:9.*Is the server up"):
        asyncio.run(put(Case(None), "http://127.0.0.1:9/v1", GenerationCache()))


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("localhost:8000/v1", "Write http://localhost:8000/v1"),
        ("api.example.org/v1", "Write https://api.example.org/v1"),
        ("http:///v1", "the name of a host"),
        ("http://h/v1/chat/completions", r"Write http://h/v1\b(?!/)"),
        ("http://h/v1/completions", r"Write http://h/v1\b(?!/)"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_before_anything_runs(url: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        EndpointSettings(base_url=url)


def test_a_missing_v1_is_named_by_what_answers_there(scripted_server: Any) -> None:
    server = scripted_server(Say("no such path", 404))
    root = server.base_url.removesuffix("/v1")
    with pytest.raises(SamplingError, match=f"{server.base_url} answers: write that"):
        asyncio.run(put(Case(None), root, GenerationCache()))


def test_replicas_share_the_work_and_one_that_dies_loses_nothing(scripted_server: Any) -> None:
    well, other, dead = scripted_server(text("fine")), scripted_server(text("fine")), scripted_server("drop")
    problems = [Problem(id=f"t/{n}", benchmark="t", question=f"q{n}", reference="1") for n in range(60)]

    async def run() -> list[Completion]:
        settings = EndpointSettings(
            base_url=well.base_url, replicas=(other.base_url, dead.base_url), first_delay=0.001, attempts=8
        )
        async with Endpoint(settings, "fake") as endpoint:
            return await evaluate(problems, endpoint, EvaluationSettings(concurrency=8))

    assert {one.finish for one in asyncio.run(run())} == {"stop"}
    assert min(len(well.asked), len(other.asked)) > 10


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(protocol="deepseekmath")) as opened:
        yield opened


def run_tools(answer: Answer, scripted_server: Any, sandbox: Sandbox, form: str = "tools") -> tuple[Completion, Any]:
    server = scripted_server(answer)

    async def run() -> list[Completion]:
        settings = EndpointSettings(base_url=server.base_url, kind="chat", attempts=2, first_delay=0.001)
        asked = EvaluationSettings.model_validate({"form": form, "max_calls": 3})
        async with Endpoint(settings, "fake", probes=True) as endpoint:
            return await evaluate(PROBLEMS[:1], endpoint, asked, sandbox, prompter=Prompter("question"))

    return asyncio.run(run())[0], server


def after_tool(then: Callable[[str], Say], first: Say) -> Answer:
    def answer(body: dict[str, Any], before: int) -> Say:
        last = body["messages"][-1]
        return then(last["content"]) if last["role"] == "tool" else first

    return answer


@pytest.mark.parametrize("arguments", ['{"code": "print(0+1)"}', "print(0+1)", '{"input": "print(0+1)"}'])
def test_a_tool_call_runs_in_the_sandbox_and_its_output_goes_back(
    arguments: str, scripted_server: Any, sandbox: Sandbox
) -> None:
    answer = after_tool(lambda output: chat(f"It is \\boxed{{{output}}}."), chat("I run it.", "tool_calls",
                        tool_calls=call("python", arguments), reasoning="Code is safest."))  # fmt: skip
    completion, server = run_tools(answer, scripted_server, sandbox)
    assert completion.text == ("I run it.\n```python\nprint(0+1)\n```\n\n```output\n1\n```\nIt is \\boxed{1}.")
    assert (completion.finish, completion.reasoning, completion.calls) == ("stop", "Code is safest.", 2)
    assert [program.output for program in completion.programs] == ["1"]
    assert [message["role"] for message in server.asked[-1]["messages"]] == ["user", "assistant", "tool"]
    assert server.asked[-1]["messages"][1]["reasoning_content"] == "Code is safest."


def test_a_call_of_another_tool_is_told_and_may_be_mended(scripted_server: Any, sandbox: Sandbox) -> None:
    answer = after_tool(lambda output: chat(output), chat(None, "tool_calls", tool_calls=call("search", "{}")))
    completion, _ = run_tools(answer, scripted_server, sandbox)
    assert completion.text == "Error: expected a call of python with the argument code; found search({})."
    assert (completion.finish, completion.programs) == ("stop", ())


def test_calls_without_end_reach_the_limit(scripted_server: Any, sandbox: Sandbox) -> None:
    again = chat("", "tool_calls", tool_calls=call("python", '{"code": "print(5)"}'))
    completion, _ = run_tools(lambda body, before: again, scripted_server, sandbox)
    assert (completion.finish, completion.calls, len(completion.programs)) == ("calls", 3, 3)


def test_a_server_without_a_parser_of_tool_calls_is_told_how_to_get_one(scripted_server: Any, sandbox: Sandbox) -> None:
    words = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    with pytest.raises(SamplingError, match="Serve the model with a parser of tool calls"):
        run_tools(lambda body, before: refuse(words), scripted_server, sandbox)


def test_a_server_that_takes_no_unfinished_turn_is_given_the_output_as_a_turn(
    scripted_server: Any, sandbox: Sandbox
) -> None:
    def answer(body: dict[str, Any], before: int) -> Say:
        last = body["messages"][-1]
        if last["role"] == "assistant":
            return refuse("Expected last role User or Tool for serving but got assistant")
        return chat(f"So {last['content']}") if "```output" in last["content"] else chat("```python\nprint(2)\n```\n")

    completion, server = run_tools(answer, scripted_server, sandbox, form="tir")
    assert completion.text.endswith("```output\n2\n```\nSo ")  # the model's own block of output is cut at its mark
    assert server.asked[-1]["messages"][-1] == {"role": "user", "content": "```output\n2\n```\n"}
