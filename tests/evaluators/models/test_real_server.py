"""The request layer against a real vLLM: one server, of a model so small that a test trains it, which thinks and calls tools.

The model knows a few continuations by heart, so that every answer can be said beforehand.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from evaluators.answering import evaluate
from evaluators.launch import descendants
from evaluators.models.cache import GenerationCache
from evaluators.models.endpoint import Endpoint, EndpointSettings
from evaluators.models.prompting import SUFFIXES, Prompt, Prompter
from evaluators.models.sampling import Generation, Request, SamplingError
from evaluators.models.settings import EvaluationSettings
from evaluators.models.tally import Tally
from evaluators.models.vllm_server import ServerSettings, VllmServer
from evaluators.records import Completion, Problem
from evaluators.sandbox import Sandbox, SandboxSettings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # of transformers, not ours

QUESTION = Problem(id="t/0", benchmark="t", question="6*7?", reference="42")
ASKED = f"6*7?\n{SUFFIXES['cot', 'en']}"
CALL = '<tool_call>{"name": "python", "arguments": {"code": "print(6*7)"}}</tool_call>'
TEMPLATE = (
    "{%- if tools %}T:{% endif %}{%- for m in messages %}"
    "{%- if m.role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{%- elif m.role == 'user' %}U:{{ m.content }}|"
    "{%- elif m.role == 'tool' %}O:{{ m.content }}|"
    "{%- else %}A:{{ m.content or '' }}|{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}A:{% if enable_thinking %}<think>{% endif %}{%- endif %}"
)
KNOWN = {
    f"U:{ASKED}|A:": "It is 42.",
    f"U:{ASKED}|A:<think>": "I add.</think>So 42.",
    f"T:U:{ASKED}|A:": CALL,
    f"T:U:{ASKED}|A:|O:42|A:": "The program says 42.",
    f"U:{ASKED}|A:<think>I a</think>": "Cut: 42.",
    "6*7=": "42 and so on, and so on, and so on.",
}
"""Prompt -> how the model goes on."""
DIRECT = {"chat_template_kwargs": {"enable_thinking": False}}
"""Without it the server's parser takes every text for thinking that has not ended."""
MARKS = ("<think>", "</think>", "<tool_call>", "</tool_call>")


def write_model(folder: Path) -> None:
    """A Llama of two layers over bytes that learned KNOWN by heart; its generation_config.json wants no repetition."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {character: number for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in ("<s>", "</s>")])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", chat_template=TEMPLATE
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(fast), hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, max_position_embeddings=512, bos_token_id=256, eos_token_id=257,
        )
    )  # fmt: skip
    rows = [(fast.encode(prompt), [*fast.encode(answer), 257]) for prompt, answer in KNOWN.items()]
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.full((len(rows), longest), 257)
    labels = torch.full((len(rows), longest), -100)
    for number, (prompt, answer) in enumerate(rows):
        ids[number, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
        labels[number, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(400):
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        if loss.item() < 0.01:
            break
    assert loss.item() < 0.02, "the model did not learn its lines"
    model.save_pretrained(folder)
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": 256, "eos_token_id": 257, "repetition_penalty": 5.0, "max_new_tokens": 3})
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    if importlib.util.find_spec("vllm") is None:
        pytest.skip("vLLM is not installed: pip install 'mathsieve[cpu]'")
    folder = tmp_path_factory.mktemp("model")
    write_model(folder)
    settings = ServerSettings(
        dtype="float32",
        max_model_len=512,
        max_num_seqs=8,
        extra_arguments=(
            "--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--reasoning-parser", "qwen3",
        ),
    )  # fmt: skip
    with VllmServer(folder, settings, log=tmp_path_factory.mktemp("log") / "vllm.log") as server:
        yield server


class Plain(Prompter):
    """The question as it stands."""

    def __init__(self) -> None:
        super().__init__("question")

    def prompt(self, problem: Problem, form: Any, *, instruction: bool = True) -> Prompt:
        return Prompt(text=problem.question)


def ask(
    server: VllmServer,
    kind: str,
    problem: Problem = QUESTION,
    sandbox: Sandbox | None = None,
    cache: GenerationCache | None = None,
    prompter: Prompter | None = None,
    **asked: Any,
) -> tuple[list[Completion], Any]:
    settings = EndpointSettings.model_validate({**server.endpoint.model_dump(), "kind": kind})

    async def run() -> Any:
        async with Endpoint(settings, "tiny", probes=True) as endpoint:
            evaluated = EvaluationSettings.model_validate({"max_new_tokens": 64, **asked})
            asking = prompter or Prompter("question", system=evaluated.system)
            found = await evaluate([problem], endpoint, evaluated, sandbox, cache, prompter=asking)
            return found, endpoint.probe_result()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxSettings(protocol="deepseekmath")) as opened:
        yield opened


def test_a_chat_is_answered_and_the_server_says_what_it_is(served: VllmServer) -> None:
    (completion,), probe = ask(served, "chat", **DIRECT)
    assert (completion.text, completion.finish, completion.reasoning) == ("It is 42.", "stop", "")
    assert completion.completion_tokens == len("It is 42.") + 1  # bytes, and the token that ends it
    assert (probe.server, probe.context, probe.dropped) == ("vllm", 512, {})
    assert probe.version


def test_thinking_that_the_template_asks_for_is_kept_apart(served: VllmServer) -> None:
    (completion,), _ = ask(served, "chat", chat_template_kwargs={"enable_thinking": True})
    assert (completion.text, completion.reasoning, completion.finish) == ("So 42.", "I add.", "stop")


def test_an_answer_that_the_servers_parser_takes_for_thinking_is_never_judged(served: VllmServer) -> None:
    (completion,), _ = ask(served, "chat")
    assert (completion.text, completion.reasoning, completion.finish) == ("", "It is 42.", "stop")
    tally = Tally()
    tally.add(completion)
    assert "takes whole answers for thinking" in tally.complaint("t (cot)", EvaluationSettings())


def test_thinking_that_the_limit_cuts_is_no_answer(served: VllmServer) -> None:
    (completion,), _ = ask(served, "chat", chat_template_kwargs={"enable_thinking": True}, max_new_tokens=4)
    assert (completion.text, completion.reasoning, completion.finish) == ("", "I ad", "length_in_thinking")


def test_a_thinking_budget_ends_the_thinking_and_not_the_answer(served: VllmServer) -> None:
    (completion,), _ = ask(served, "chat", chat_template_kwargs={"enable_thinking": True}, thinking_budget=3)
    assert (completion.reasoning, completion.text, completion.finish) == ("I a", "Cut: 42.", "stop")


def test_a_tool_call_runs_and_its_output_goes_back(served: VllmServer, sandbox: Sandbox) -> None:
    (completion,), _ = ask(served, "chat", sandbox=sandbox, form="tools", max_new_tokens=96, **DIRECT)
    assert completion.text == "```python\nprint(6*7)\n```\n\n```output\n42\n```\nThe program says 42."
    assert [program.output for program in completion.programs] == ["42"]


def test_the_responses_api_gives_the_same(served: VllmServer) -> None:
    (completion,), _ = ask(served, "responses", **DIRECT)
    assert (completion.text, completion.finish) == ("It is 42.", "stop")


def test_a_completion_is_greedy_whatever_the_models_file_wants(served: VllmServer) -> None:
    problem = Problem(id="t/1", benchmark="t", question="6*7=", reference="42")
    (completion,), _ = ask(served, "completions", problem, prompter=Plain())
    assert completion.text == "42 and so on, and so on, and so on."


def test_a_completion_gives_the_token_ids_that_were_sampled(served: VllmServer) -> None:
    request = Request(
        prompt="6*7=", max_tokens=64, temperature=0.0, top_p=1.0, seed=0, extra_body={"return_token_ids": True}
    )

    async def run() -> Generation:
        settings = EndpointSettings.model_validate({**served.endpoint.model_dump(), "kind": "completions"})
        async with Endpoint(settings, "tiny") as endpoint:
            return await endpoint.generate(request)

    generation = asyncio.run(run())
    answer = KNOWN["6*7="]
    tokenizer = AutoTokenizer.from_pretrained(served.model_dir)
    assert generation.text == answer
    assert generation.token_ids == (*tokenizer.encode(answer), 257)  # a token a byte, and the one that ends it


def test_samples_of_one_request_are_those_of_single_requests(served: VllmServer) -> None:
    together, _ = ask(served, "chat", samples=3, temperature=2.0, max_new_tokens=24, **DIRECT)
    alone = [
        ask(served, "chat", samples=1, seed=n, temperature=2.0, max_new_tokens=24, **DIRECT)[0][0] for n in range(3)
    ]
    assert [one.text for one in together] == [one.text for one in alone]
    assert len({one.text for one in together}) == 3
    prompt = alone[0].prompt_tokens  # which is read, and paid for, once
    assert ([one.prompt_tokens for one in together], prompt) == ([prompt, 0, 0], len(f"U:{ASKED}|A:"))


SHOWN = [
    Problem(id=f"s/{n}", benchmark="t", question=f"{n}+{n}?", solution=f"Twice {n}.", reference=f"{2 * n}")
    for n in range(4)
]


class InOrders(Prompter):
    """Few-shot prompts, with exemplars in an order of each problem's own."""

    def __init__(self, orders: Sequence[Sequence[Problem]]) -> None:
        super().__init__("question")
        self._orders = [Prompter("few_shot", exemplars=order) for order in orders]

    def prompt(self, problem: Problem, form: Any, *, instruction: bool = True) -> Prompt:
        return self._orders[int(problem.id.rpartition("/")[2])].prompt(problem, form)


def cached_share(server: VllmServer, orders: Sequence[Sequence[Problem]]) -> float:
    """Of the tokens of three prompts, one after the other, those that the server's prefix cache held."""
    problems = [replace(QUESTION, id=f"t/{n}", question=f"What is {n + 10} times 12?") for n in range(3)]

    async def run() -> list[Completion]:
        async with Endpoint(server.endpoint, "tiny") as endpoint:  # no probe: it reads a prompt before it is asked
            settings = EvaluationSettings(max_new_tokens=16, concurrency=1)
            return await evaluate(problems, endpoint, settings, prompter=InOrders(orders))

    asked = asyncio.run(run())
    return sum(one.cached_tokens for one in asked) / sum(one.prompt_tokens for one in asked)


def test_exemplars_in_one_order_are_read_once_by_the_servers_prefix_cache(served: VllmServer) -> None:
    same = cached_share(served, [SHOWN] * 3)
    shuffled = cached_share(served, [SHOWN[n:] + SHOWN[:n] for n in (1, 2, 3)])
    print(
        f"of the prompts' tokens in the prefix cache: {same:.0%} with exemplars in one order, {shuffled:.0%} shuffled"
    )
    assert same > 0.5  # two of three prompts, all but their questions
    assert shuffled < 0.1


def test_an_answer_is_given_what_room_the_context_has_and_no_prompt_is_cut(served: VllmServer) -> None:
    problem = Problem(id="t/2", benchmark="t", question="y" * 200, reference="42")
    longer = Problem(id="t/3", benchmark="t", question="y" * 600, reference="42")
    (completion,), _ = ask(
        served, "completions", problem, prompter=Plain(), max_new_tokens=2000, extra_body={"ignore_eos": True}
    )
    assert (completion.finish, completion.prompt_tokens + completion.completion_tokens) == ("length", 512)
    assert completion.discarded_tokens == 0
    cache = GenerationCache()
    (failed,), _ = ask(served, "completions", longer, prompter=Plain(), cache=cache)
    assert failed.finish == "error"
    assert "Raise server.max_model_len" in (failed.error or "")


def test_a_template_that_forbids_what_is_sent_says_so_at_the_first_request(served: VllmServer) -> None:
    with pytest.raises(SamplingError, match=r"System role not supported.*remove sampling\.system"):
        ask(served, "chat", system="Be brief.")


def test_a_server_that_is_killed_is_started_again_and_leaves_nothing_behind(served: VllmServer) -> None:
    """The last of this file: it ends the server."""
    problem = replace(QUESTION, id="t/4", question="6*7=")

    async def answer() -> str:
        settings = EvaluationSettings(max_new_tokens=64)
        async with Endpoint(served.endpoint, "tiny", alive=served.watch, probes=True) as endpoint:
            (completion,) = await evaluate([problem], endpoint, settings, prompter=Plain())
        return completion.text

    before = [served.pid, *descendants(served.pid)]
    os.kill(before[1], signal.SIGKILL)  # the API server itself
    assert asyncio.run(answer()) == "42 and so on, and so on, and so on."
    assert served.restarted == 1
    processes = [*before, served.pid, *descendants(served.pid)]
    served.__exit__(None, None, None)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [process for process in processes if Path(f"/proc/{process}").exists()] == []
