"""What a person is told where something cannot go on: what was expected, what was found, and the remedy.

    MathsieveError
      UnusableArguments                what was typed (below)
      RecipeError                      a recipe
      StorageError                     artifacts, references, the roots they lie under
      CrawlError > NotAWarc
      CorpusError                      seed, classifier, recall, domains, annotations, decontamination, export
      SourceError  TeacherError  VerificationError  MixtureError  PackingError
      BaseModelError  TrainingError  TrainingFailed  ProxyError
      BenchmarkError  PromptError  SamplingError > ServerError  CacheError  EvaluationError  DenominatorError
      OutputsError  StatisticsError  ReportError
      SandboxError > TierRefused, ExecutorFault

Each lives where it is raised; `assets/command_line.py` catches the base once, prints the message and ends with 2. What
never leaves its own part (a parse that fails, a damaged record, an attempt to be made again) is no MathsieveError.
"""

from __future__ import annotations


class MathsieveError(Exception):
    """One message, made of four parts: `where: expected ...; found .... remedy`. A message given whole says all four."""

    def __init__(
        self, message: str = "", *, where: object = "", expected: str = "", found: object = "", remedy: str = ""
    ) -> None:
        super().__init__(message or _sentences(str(where), expected, str(found), remedy))
        self.where, self.expected, self.found, self.remedy = str(where), expected, str(found), remedy


class UnusableArguments(MathsieveError):
    """What was typed cannot be done; the message names the remedy."""


def _sentences(where: str, expected: str, found: str, remedy: str) -> str:
    halves = [f"expected {expected}" if expected else "", f"found {found}" if found else ""]
    fact = "; ".join(half for half in halves if half)
    told = ": ".join(part for part in (where, fact) if part)
    return f"{told}{'' if told.endswith('.') else '.'} {remedy}" if remedy else told
