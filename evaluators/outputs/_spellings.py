"""Under which keys outputs made elsewhere keep the question, the response and the gold answer.

Keys are compared without case and punctuation: `modelOutput`, `model_output` and `Model Output` are one. Whole outputs
come before extracted answers, and names that say gold before names that may say either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluators.answers.reading.chinese import simplified


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


IDS = _words(
    "id doc_id idx index problem_id question_id task_id unique_id qid uid uuid example_id instance_id custom_id item_id "
    "problem_idx question_idx sample_id row_id no number 编号 序号 题号 题目编号 题目序号 问题编号"
)
SAMPLES = _words(
    "sample sample_idx sample_index sample_no epoch repeat repeat_idx run run_id trial attempt generation_idx"
)
QUESTIONS = _words(
    "question problem original_question question_text problem_text query instruction input inputs user_input "
    "user_prompt prompt prompts origin_prompt full_prompt formatted_prompt final_prompt prompt_text messages "
    "conversations conversation source src q 题目 问题 题干 试题 提示词 提问"
)
OUTPUTS = _words(
    "response responses model_response model_responses raw_response llm_response full_response model_output "
    "model_outputs raw_output llm_output full_output raw_model_output model_completion model_generation "
    "model_generations generation generations generated_text generated_texts generated_solution generated_solutions "
    "generated_response generated_output generated_outputs generated generated_code model_solution completion "
    "completions candidate candidates reply assistant assistant_response "
    "sampled_solutions trajectory output outputs resps raw_prediction raw_predictions model_answer model_answers "
    "generated_answer generated_answers prediction_text model_prediction prediction predictions predict predicted hypothesis cot "
    "reasoning raw samples sampled text code program content messages conversations conversation "
    "模型输出 模型回答 模型回复 模型生成 模型答案 模型预测 模型解答 模型响应 回答 回复 输出 生成 生成结果 生成内容 响应 预测 预测结果 预测答案"
)
EXTRACTED = _words(
    "pred preds model_pred predicted_answer predicted_answers pred_answer pred_ans extracted_answer extracted "
    "parsed_answer final_prediction filtered_resps answer_pred 提取答案 抽取答案 提取结果"
)
LAST = _words("final_answer result results choices rationale rationales explanation thought thoughts working")
"""Names that hold a response where nothing else does."""
REFERENCES = _words(
    "gold gold_answer gold_label gold_target golden golden_answer ground_truth ground_truth_answer gt gt_answer gt_ans "
    "标准答案 参考答案 正确答案 真实答案 期望答案 参考 "
    "reference references reference_answer ref ref_answer expected expected_answer expected_output "
    "gts correct_answer right_answer true_answer answer_gold truth standard_answer target targets label labels "
    "answer_number answer_key answer answers final_answer ground_truth_solution gold_solution reference_solution gt_cot "
    "solution ideal a 答案 解析 解答"
)
VERDICTS = _words(
    "is_correct correct correctness symbolic_correct exact_match acc accuracy passed is_right is_equal match "
    "score scores reward rewards answers_correctness 是否正确 正确 得分 判断"
)
"""Names that hold somebody's verdict, where the value is one."""
EITHER = ("a", "answer", "answers", "final_answer", "solution", "target", "label", "答案", "解答")
"""Names that hold the response where the reference has a name of its own."""
PLACES = frozenset({"docid", "idx", "index", "problemidx", "questionidx", "rowid", "number", "序号"})
"""Of IDS, as compared: those that count rows."""
PREDICTED = frozenset({"prediction", "predictions", "predict", "predicted", "modelprediction", "hypothesis"})
GIVEN = frozenset({"output", "outputs", "completion", "response", "text"})
"""As tuning data sets name the right answer, beside a prediction."""

LIKE_RESPONSE = re.compile(
    r"response|completion|generat|output|predict|repl(?:y|ies)|^(?:model|llm|student|assistant|ai|gpt|bot)\w*answer"
)
LIKE_REFERENCE = re.compile(r"gold|truth|reference|expected|correct\w*answer|(?:right|true)answer|target|label")
LIKE_QUESTION = re.compile(r"question|problem|prompt|query")
NEITHER = re.compile(
    r"tokens?|time|second|length|count|num|score|acc|logprob|probab|metric|hash|type|format|id$|path|reason$|config|setting|param|argument|^meta"
)
"""Names of no list, as compared: tried where no listed one is there."""


def key_of(name: str) -> str:
    """A key as it is compared; 題目 is 题目."""
    plain = re.sub(r"[\W_]+", "", str(name)).lower()
    return plain if plain.isascii() else simplified(plain)


LISTED = frozenset(
    key_of(name) for names in (IDS, SAMPLES, QUESTIONS, OUTPUTS, EXTRACTED, LAST, REFERENCES) for name in names
)


@dataclass(frozen=True, slots=True)
class Named:
    """A value and the key, as compared, it stood under."""

    key: str
    value: Any


class Spelling:
    """One row's values by their meaning."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.values = {key_of(name): value for name, value in row.items()}

    def first(self, names: Sequence[str]) -> Named | None:
        """The first of the names that has a value."""
        for key in map(key_of, names):
            if self.values.get(key) not in (None, "", []):
                return Named(key, self.values[key])
        return None

    def all(self, names: Sequence[str]) -> list[Named]:
        """Every one of the names that is there, with a value or without."""
        return [Named(key, self.values[key]) for key in map(key_of, names) if key in self.values]

    def like(self, pattern: re.Pattern[str]) -> list[Named]:
        """Values under names that only resemble those of a list, in the row's order."""
        return [
            Named(key, value)
            for key, value in self.values.items()
            if key not in LISTED and pattern.search(key) and not NEITHER.search(key) and _speaks(value)
        ]

    @property
    def sample(self) -> Any:
        found = self.first(SAMPLES)
        return None if found is None or isinstance(found.value, (Mapping, list)) else found.value

    @property
    def question(self) -> Named | None:
        return self.first(QUESTIONS) or next(iter(self.like(LIKE_QUESTION)), None)

    @property
    def responses(self) -> list[Named]:
        """Candidates, the whole outputs first; an empty one counts only where there is no other."""
        named = self.all(OUTPUTS)
        full = [one for one in named if _speaks(one.value)]
        extracted = [one for one in self.all(EXTRACTED) if _speaks(one.value)]
        last = [one for one in self.all(LAST) if _speaks(one.value)]
        spoken = full + extracted or self.like(LIKE_RESPONSE) or last
        return spoken + [one for one in named if one not in full and not isinstance(one.value, bool)]

    def chosen(self, *, gold_elsewhere: bool) -> tuple[Named | None, Named | None]:
        """(response, reference). `gold_elsewhere`: the reference is known from the benchmark's own data."""
        references = [one for one in self.all(REFERENCES) if one.value not in (None, "", [])] or self.like(
            LIKE_REFERENCE
        )
        candidates = self.responses
        if not candidates:
            return self._either(references, gold_elsewhere)
        response = candidates[0]
        rest = [one for one in references if one.key != response.key]
        if rest:
            return response, rest[0]
        predicted = next((one for one in candidates[1:] if one.key in PREDICTED), None)
        if predicted is not None and response.key in GIVEN and not (gold_elsewhere and _longer(response, [predicted])):
            return predicted, response
        return response, None

    def _either(self, references: list[Named], gold_elsewhere: bool) -> tuple[Named | None, Named | None]:
        """No name says response: `answer` may be one beside a gold of another name."""
        either = {key_of(name) for name in EITHER}
        for one in references:
            others = [other for other in references if other.key != one.key]
            strict = [other for other in others if other.key not in either]
            if (
                one.key in either
                and isinstance(one.value, (str, list))
                and (strict or (others and _longer(one, others)))
            ):
                return one, (strict or others)[0]
            if one.key in either and gold_elsewhere and isinstance(one.value, (str, list)) and not others:
                return one, None
        return None, references[0] if references else None


def _speaks(value: Any) -> bool:
    """Whether a value holds any text or number; verdicts (`true`) are neither."""
    if isinstance(value, Mapping):
        return any(map(_speaks, value.values()))
    if isinstance(value, list):
        return any(map(_speaks, value))
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (isinstance(value, str) and value != "")


def _longer(one: Named, others: list[Named]) -> bool:
    """Of two names that may say either, the reasoning is the response and the short one the gold."""
    return all(len(str(one.value)) > len(str(other.value)) for other in others)
