"""The field of a problem, from what its source says of it: §3.1 names algebra, probability, number theory, calculus and geometry.

    field_of("Counting & Probability", None)  ->  "probability"
    field_of(None, "一元一次方程")              ->  "algebra"

What the source's words do not tell, a classifier may (problem_fields.py).
"""

from __future__ import annotations

import re
from typing import cast, get_args

from pipelines.mixtures.topics import Field, field_of_topic, topic_named

WORDS: tuple[tuple[Field, str], ...] = (  # the first that matches, so the more special stand first
    ("calculus", r"calculus|derivative|integral|limits?\b|differenti|微积分|导数|积分|极限|微分"),
    ("probability", r"probabilit|combinator|counting|permutation|statistic|概率|统计|排列|组合|计数|枚举|抽屉|可能性"),
    ("number_theory", r"number[ _]theory|divisib|modular|\bprimes?\b|remainder|\bgcd\b|数论|整除|余数|质数|合数|因数|倍数|约数|奇偶|同余|进制"),
    ("geometry", r"geometr|trigonometr|triangle|circle|\barea\b|\bangles?\b|conic|几何|三角|图形|面积|体积|周长|圆|角度|勾股|向量|长方|正方|直线|相似|全等"),
    ("algebra", r"algebra|equation|polynomial|inequalit|\bfunctions?\b|sequence|logarithm|precalculus|代数|方程|不等式|函数|数列|多项式|因式|整式|分式|根式|指数|对数|复数|数与式"),
    ("other", r"arithmetic|word problem|logic|应用题|行程|计算|运算|逻辑|浓度|工程问题|植树|鸡兔|年龄|平均数|集合|数阵|周期"),
)  # fmt: skip
"""In the words of MATH, Lila, MathInstruct, NuminaMath and of the routes of TAL-SCQ5K. Precalculus is no calculus: MATH's is of
trigonometry, vectors and complex numbers."""
PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in WORDS)
PRECALCULUS = re.compile(r"pre-?calculus", re.IGNORECASE)


def field_of(subject: str | None, topic: str | None) -> Field | None:
    """The field that the topic tells, or else the subject; None where neither does. A topic of the 76 has a field of its own."""
    named = topic_named(topic)
    if named is not None:
        return field_of_topic(named)
    for said in (topic, subject):
        if not said:
            continue
        if said in get_args(Field):
            return cast(Field, said)
        if PRECALCULUS.search(said):
            return "algebra"
        found = next((name for name, words in PATTERNS if words.search(said)), None)
        if found is not None:
            return found
    return None
