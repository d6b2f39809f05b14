"""Tool-integrated exemplars for base models: train splits show reasoning alone, and a model that sees none writes no program.

Ours, by the fixed order below; each output is what its program prints (a test runs them in the sandbox). A file given
as a benchmark's `exemplars` takes their place where its solutions hold programs.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.records import Language, Problem

FENCE = "```python\n"

_WORKED: dict[Language, tuple[tuple[str, str, str, str], ...]] = {
    "en": (
        (
            "A farmer packs 6 eggs in each box. He has 150 eggs and sells every full box for $4. How much money does he get?",
            "boxes = 150 // 6\nmoney = boxes * 4\nprint(money)",
            "100",
            "He gets $100, so the answer is $\\boxed{100}$.",
        ),
        (
            "Mia reads 12 pages on Monday and twice as many on Tuesday. Her book has 90 pages. How many pages are left?",
            "monday = 12\ntuesday = 2 * monday\nleft = 90 - monday - tuesday\nprint(left)",
            "54",
            "There are 54 pages left, so the answer is $\\boxed{54}$.",
        ),
        (
            "What is the sum of the solutions of $x^2 - 7x + 10 = 0$?",
            "from sympy import solve, symbols\nx = symbols('x')\nprint(sum(solve(x**2 - 7*x + 10, x)))",
            "7",
            "The solutions add up to 7, so the answer is $\\boxed{7}$.",
        ),
        (
            "Tom has 5 shelves with 14 books each. He gives away a fifth of all books and buys 9 new ones. How many books "
            "has he now?",
            "books = 5 * 14\nbooks = books - books // 5 + 9\nprint(books)",
            "65",
            "He has 65 books now, so the answer is $\\boxed{65}$.",
        ),
    ),
    "zh": (
        (
            "果园里有 150 个鸡蛋，每盒装 6 个，每盒卖 4 元。全部卖完一共可以得到多少元？",
            "boxes = 150 // 6\nprint(boxes * 4)",
            "100",
            "一共可以得到 100 元，答案是 $\\boxed{100}$。",
        ),
        (
            "小明星期一读了 12 页书，星期二读的页数是星期一的 2 倍，全书有 90 页。还剩多少页没有读？",
            "monday = 12\ntuesday = 2 * monday\nprint(90 - monday - tuesday)",
            "54",
            "还剩 54 页，答案是 $\\boxed{54}$。",
        ),
        (
            "方程 $x^2 - 7x + 10 = 0$ 的所有解之和是多少？",
            "from sympy import solve, symbols\nx = symbols('x')\nprint(sum(solve(x**2 - 7*x + 10, x)))",
            "7",
            "所有解之和是 7，答案是 $\\boxed{7}$。",
        ),
        (
            "书架有 5 层，每层放 14 本书。送出全部书的五分之一后又买来 9 本。现在有多少本书？",
            "books = 5 * 14\nprint(books - books // 5 + 9)",
            "65",
            "现在有 65 本书，答案是 $\\boxed{65}$。",
        ),
    ),
}


def worked_programs(language: Language) -> list[Problem]:
    """The exemplars in one language; each solution is a whole trajectory: program, output, answer."""
    return [
        Problem(
            id=f"worked_programs/{language}/{index}",
            benchmark="worked_programs",
            split="exemplar",
            language=language,
            question=question,
            reference=output,
            solution=f"{FENCE}{code}\n```\n```output\n{output}\n```\n{conclusion}",
        )
        for index, (question, code, output, conclusion) in enumerate(_WORKED[language])
    ]


def with_programs(exemplars: Sequence[Problem], language: Language) -> list[Problem]:
    """What a tool-integrated few-shot prompt shows: the exemplars whose solutions hold programs, or else ours."""
    own = [exemplar for exemplar in exemplars if FENCE in (exemplar.solution or "")]
    return own or worked_programs(language)
