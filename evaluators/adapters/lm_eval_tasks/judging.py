"""What mathsieve_templated.yaml names: lm-eval looks for functions in files beside the task."""

from evaluators.adapters.lm_eval import judge_document, templated_problems

__all__ = ["judge_document", "templated_problems"]
