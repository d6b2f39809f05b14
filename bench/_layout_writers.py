"""Runs a real evaluation tool with a model that is made up, so that the tool writes its own layout.

Run by bench.layouts in an interpreter that has the tool: `python _layout_writers.py TOOL FOLDER`. Of the 40 problems the
model solves 26, so the right number is 65 % whatever the tool itself makes of the answers.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

PROBLEMS = 40
SOLVED = 26


def questions() -> list[tuple[str, str]]:
    return [
        (f"A shelf holds {n} red and {2 * n + 1} blue books. How many books are on it?", str(3 * n + 1))
        for n in range(3, 3 + PROBLEMS)
    ]


def reply(question: str) -> str:
    """Right for the first 26, in words that harnesses read in ways of their own."""
    place = next(n for n, (asked, _) in enumerate(questions()) if asked in question)
    number = int(questions()[place][1]) + (0 if place < SOLVED else 1)
    forms = (
        f"Red and blue books are {number} in all.\n#### {number}",
        f"We add both.\nThe answer is {number}.",
        f"So there are $\\boxed{{{number}}}$ books.",
        f"ANSWER: {number}",
    )
    return forms[place % len(forms)]


def write_inspect(folder: Path) -> None:
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    def respond(messages: list, tools: object, choice: object, config: object) -> ModelOutput:
        output = ModelOutput.from_content("mockllm/model", reply(messages[-1].text))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else a tokenizer is fetched
        return output

    samples = [Sample(id=n + 1, input=question, target=answer) for n, (question, answer) in enumerate(questions())]
    for name, epochs in (("eval", 1), ("json", 1), ("epochs", 2)):
        task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=match(numeric=True), name="shelves")
        log_format = "json" if name == "json" else "eval"
        model = get_model("mockllm/model", custom_outputs=respond)
        eval(task, model=model, log_dir=str(folder / name), log_format=log_format, epochs=epochs, display="none")


def write_lm_eval(folder: Path) -> None:
    import lm_eval
    from lm_eval.api.model import LM
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    class MadeUp(LM):
        def generate_until(self, requests: list, disable_tqdm: bool = False) -> list[str]:
            return [reply(request.args[0]) for request in requests]

        def loglikelihood(self, requests: list, disable_tqdm: bool = False) -> list:
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in questions()))
    extraction = "{function: regex, regex_pattern: '#### (\\-?[0-9]+)'}, {function: take_first}"
    flexible = "{function: regex, group_select: -1, regex_pattern: '(-?[0-9]+)'}, {function: take_first}"
    (folder / "shelves.yaml").write_text(f"""
task: shelves
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
output_type: generate_until
test_split: test
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["Question:"], do_sample: false}}
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
filter_list:
  - {{name: strict-match, filter: [{extraction}]}}
  - {{name: flexible-extract, filter: [{flexible}]}}
""")
    found = lm_eval.simple_evaluate(
        model=MadeUp(), tasks=["shelves"], task_manager=TaskManager(include_path=str(folder)), log_samples=True
    )
    samples = found.pop("samples")
    tracker = EvaluationTracker(output_path=str(folder / "output"))
    tracker.general_config_tracker.model_name = tracker.general_config_tracker.model_name_sanitized = "made_up"
    tracker.save_results_aggregated(results=found, samples=samples)
    for task, own in samples.items():
        tracker.save_results_samples(task_name=task, samples=own)


def write_evalscope(folder: Path) -> None:
    from evalscope import TaskConfig, run_task
    from evalscope.api.model import ModelAPI, ModelOutput
    from evalscope.api.registry import register_model_api

    class MadeUp(ModelAPI):
        def __init__(self, model_name: str, **arguments: object) -> None:
            super().__init__(model_name=model_name)

        def generate(self, input: list, tools: object, tool_choice: object, config: object) -> ModelOutput:
            return ModelOutput.from_content(model=self.model_name, content=reply(input[-1].text))

    register_model_api("made_up")(MadeUp)
    data = folder / "data"
    data.mkdir()
    rows = [{"query": question, "response": answer} for question, answer in questions()]
    (data / "shelves.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run_task(
        TaskConfig(
            model="made-up",
            eval_type="made_up",
            datasets=["general_qa"],
            dataset_args={"general_qa": {"local_path": str(data), "subset_list": ["shelves"]}},
            work_dir=str(folder / "output"),
            eval_batch_size=1,
        )
    )


def write_trl(folder: Path) -> None:
    """GRPO on a model of random weights, whose every text is wrong: what is tested is that the layout is read."""
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import GRPOConfig, GRPOTrainer

    words = sorted({word for question, answer in questions() for word in (*question.split(), answer)})
    vocabulary = {word: n for n, word in enumerate(["<pad>", "<eos>", "<unk>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        pad_token_id=0, eos_token_id=1, bos_token_id=1,
    )  # fmt: skip
    answers = dict(questions())

    def right(prompts: list[str], completions: list[str], **columns: object) -> list[float]:
        pairs = zip(prompts, completions, strict=True)
        return [float(completion.split()[-1:] == [answers[prompt]]) for prompt, completion in pairs]

    arguments = GRPOConfig(
        output_dir=str(folder), max_steps=1, per_device_train_batch_size=4, num_generations=2, max_completion_length=6,
        logging_steps=1, log_completions=True, report_to=[], use_cpu=True, save_strategy="no",
    )  # fmt: skip
    trainer = GRPOTrainer(
        model=LlamaForCausalLM(config),
        reward_funcs=right,
        args=arguments,
        train_dataset=Dataset.from_list([{"prompt": question} for question, _ in questions()]),
        processing_class=fast,
    )
    trainer.train()


def main() -> int:
    tool, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        os.environ.setdefault(name, "1")
    {"inspect": write_inspect, "lm_eval": write_lm_eval, "evalscope": write_evalscope, "trl": write_trl}[tool](folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
