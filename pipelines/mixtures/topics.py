"""The 76 topics of school mathematics, each with its field and the words by which sources call it.

    topic_named("方程->一元一次方程->解方程")  ->  "linear_equations"

§3.1 counts 76 sub-topics of Chinese K-12 problems and names one, linear equations. The other 75 are ours: what the routes of
TAL-SCQ5K and Chinese curricula lead through, cut to the paper's number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

Field = Literal["algebra", "probability", "number_theory", "calculus", "geometry", "other", "general", "code"]
"""The five of §3.1, other mathematics, and what is none: conversation and programming."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, under the name that recipes and reports use."""

    name: str
    field: Field
    words: str
    """A pattern of the names that sources give it."""


TOPICS: tuple[Topic, ...] = (  # the first whose words match, so the more special stand first
    # Calculus
    Topic("derivatives", "calculus", r"导数|求导|微分|derivative|differentia"),
    Topic("limits_and_integrals", "calculus", r"积分|极限|integrals?\b|integration|\blimits?\b"),
    # Geometry
    Topic("vectors", "geometry", r"向量|数量积|\bvectors?\b"),
    Topic("conic_sections", "geometry", r"椭圆|双曲线|抛物线|圆锥曲线|conic|ellipse|hyperbola|parabola"),
    Topic("coordinate_geometry", "geometry", r"解析几何|坐标系|直线与方程|直线的方程|圆的方程|直线和圆|直线与圆|方向与坐标|coordinate|analytic geometry"),
    Topic("trigonometry", "algebra", r"三角函数|三角恒等|解三角形|正弦|余弦|二倍角|和差角|任意角|trigonometr"),
    Topic("solids_and_volume", "geometry", r"立体|长方体|正方体|体积|圆柱|圆锥|空间几何|solid geometry|\bvolumes?\b|three-dimensional"),
    Topic("perimeter_and_area", "geometry", r"周长|面积|\bareas?\b|perimeter"),
    Topic("circles", "geometry", r"圆周|扇形|圆的|圆心|^圆$|\bcircles?\b"),
    Topic("triangles", "geometry", r"三角形|勾股|全等|相似|triangle|pythagor"),
    Topic("quadrilaterals_and_polygons", "geometry", r"四边形|多边形|正方形|长方形|矩形|菱形|梯形|quadrilateral|polygon|rectangle"),
    Topic("transformations_and_symmetry", "geometry", r"平移|旋转|轴对称|中心对称|几何变换|symmetr|geometric transformation"),
    Topic("angles_and_lines", "geometry", r"角的|^角$|余角|补角|相交线|平行线|线段|直线、射线|\bangles?\b|parallel lines"),
    Topic("plane_figures", "geometry", r"图形|剪拼|折叠|plane figure|\bshapes\b"),
    # Counting and probability
    Topic("pigeonhole_principle", "probability", r"抽屉|最不利|pigeonhole"),
    Topic("inclusion_exclusion", "probability", r"容斥|inclusion"),
    Topic("binomial_theorem", "probability", r"二项式|binomial theorem"),
    Topic("permutations_and_combinations", "probability", r"排列|组合数|^组合$|组数|permutation|combinations"),
    Topic("counting_principles", "probability", r"加乘原理|加法原理|乘法原理|计数|counting principle"),
    Topic("enumeration", "probability", r"枚举|字典排序|enumerat"),
    Topic("statistics", "probability", r"统计|数据的|方差|众数|中位数|\bstatistics?\b"),
    Topic("probability_of_events", "probability", r"概率|古典概型|可能性|probability"),
    # Word problems
    Topic("equation_word_problems", "algebra", r"列方程|方程解应用题|方程与实际问题|方程组?应用题|方程组?的应用|方程的(行程|经济)问题|equation word problem"),
    Topic("age_problems", "other", r"年龄|\bage problem"),
    Topic("chickens_and_rabbits", "other", r"鸡兔|chickens? and rabbits"),
    Topic("surplus_and_shortage", "other", r"盈亏|surplus"),
    Topic("intervals_and_arrays", "other", r"植树|间隔|方阵|排队|锯木|直线型两端|planting"),
    Topic("unit_rate_problems", "other", r"归一|归总|unit rate"),
    Topic("work_problems", "other", r"工程|工时|work problem"),
    Topic("travel_problems", "other", r"行程|相遇|追及|流水|路程|速度|火车|环形跑道|\btravel|distance problem|speed"),
    Topic("concentration_problems", "other", r"浓度|concentration"),
    Topic("profit_and_economics", "other", r"经济|利润|\bprofit|economics"),
    Topic("averages", "other", r"平均数|移多补少|\baverages?\b"),
    Topic("sums_differences_and_multiples", "other", r"和差|差倍|和倍|二量|两量|倍的|sum and difference"),
    Topic("working_backwards", "other", r"还原|working backwards"),
    Topic("percentages_and_discounts", "other", r"百分|分百|折扣|打折|利息|percent|discount"),
    Topic("ratio_and_proportion", "other", r"比例|^比$|比和|按比|求比|\bratios?\b|proportion"),
    Topic("time_and_calendar", "other", r"时间|日期|日历|钟表|时钟|\btime\b|calendar|clock"),
    Topic("units_and_estimation", "other", r"单位换算|单位的|估算|人民币|units? of|estimation|measurement"),
    # Number theory
    Topic("diophantine_equations", "number_theory", r"不定方程|diophantine"),
    Topic("primes_and_factorisation", "number_theory", r"质数|合数|质因数|素数|\bprimes?\b|prime factor"),
    Topic("remainders_and_congruence", "number_theory", r"余数|同余|带余|remainder|congruence|modular"),
    Topic("divisibility", "number_theory", r"整除|divisib"),
    Topic("factors_and_multiples", "number_theory", r"因数|因倍|约数|倍数|公倍|\bgcd\b|\blcm\b|factors and multiples"),
    Topic("parity", "number_theory", r"奇偶|奇数|偶数|\bparity\b|odd and even"),
    Topic("perfect_squares", "number_theory", r"完全平方数|平方数|perfect square"),
    Topic("bases_and_place_value", "number_theory", r"进制|位值|页码|数与数字|number base|place value"),
    # Algebra
    Topic("multiplication_formulas", "algebra", r"乘法公式|平方差|完全平方公式|立方和|立方差|special products"),
    Topic("factoring_expressions", "algebra", r"因式分解|十字相乘|factoring|factori[sz]ation"),
    Topic("systems_of_linear_equations", "algebra", r"方程组|二元一次|三元一次|多元一次|systems? of (linear )?equations"),
    Topic("quadratic_equations", "algebra", r"二次方程|判别式|根与系数|韦达|quadratic equation"),
    Topic("fractional_equations", "algebra", r"分式方程|无理方程|其他方程|rational equation|fractional equation"),
    Topic("linear_equations", "algebra", r"一元一次方程|一次方程|方程基础|解方程|^方程$|简易方程|linear equation"),
    Topic("mean_inequalities", "algebra", r"基本不等式|均值不等式|柯西|几个重要的不等式|mean inequalit"),
    Topic("inequalities", "algebra", r"不等式|inequalit"),
    Topic("complex_numbers", "algebra", r"复数|complex number"),
    Topic("exponentials_and_logarithms", "algebra", r"指数|对数|logarithm|exponential"),
    Topic("quadratic_functions", "algebra", r"二次函数|quadratic function"),
    Topic("linear_functions", "algebra", r"一次函数|正比例函数|反比例函数|linear function"),
    Topic("functions_and_graphs", "algebra", r"函数|单调性|值域|定义域|\bfunctions?\b"),
    Topic("number_patterns", "other", r"数列规律|找规律|规律|数表|数列操作|number pattern"),
    Topic("periodic_patterns", "other", r"周期|periodic"),
    Topic("sequences", "algebra", r"数列|等差|等比|归纳递推|sequence|series"),
    Topic("absolute_value", "algebra", r"绝对值|absolute value"),
    Topic("roots_and_real_numbers", "algebra", r"二次根式|根式|实数|平方根|立方根|无理数|radical|square root|real number"),
    Topic("powers", "algebra", r"幂|乘方|科学记数|\bpowers\b|\bexponents\b|scientific notation"),
    Topic("rational_expressions", "algebra", r"分式|rational expression"),
    Topic("polynomials", "algebra", r"整式|多项式|单项式|代数式|合并同类项|polynomial|algebraic expression"),
    Topic("rational_numbers", "algebra", r"有理数|正数和负数|相反数|数轴|负数|rational number|negative number|number line"),
    # Arithmetic and logic
    Topic("sets_and_propositions", "other", r"集合|命题|充分条件|逻辑用语|\bsets\b|set theory"),
    Topic("number_puzzles", "other", r"数字谜|数阵|幻方|竖式|横式|数独|number puzzle|cryptarithm"),
    Topic("games_and_strategy", "other", r"操作|策略|统筹|优化|体育比赛|必胜|strateg|\bgames?\b"),
    Topic("logical_reasoning", "other", r"逻辑|真假话|推理|logic|reasoning"),
    Topic("fractions", "other", r"分数|\bfractions?\b"),
    Topic("decimals", "other", r"小数|decimals?"),
    Topic("whole_number_arithmetic", "other", r"整数|四则|加减法|乘除法|混合运算|凑整|定义新运算|数的运算|whole number|arithmetic operation"),
)  # fmt: skip

OF_FIELDS = re.compile(
    r"\s*(counting (&|and) probability|counting,? probability (&|and) statistics|probability (&|and) statistics|排列组合与概率|统计与概率"
    r"|方程与不等式|等式与不等式|数与式|数列与数表)\s*",
    re.IGNORECASE,
)
"""Names that stand for several topics at once."""
STEP = re.compile(r"\s*->\s*")


@cache
def _patterns() -> tuple[tuple[Topic, re.Pattern[str]], ...]:
    return tuple((topic, re.compile(topic.words, re.IGNORECASE)) for topic in TOPICS)


def topic_names() -> frozenset[str]:
    return frozenset(topic.name for topic in TOPICS)


def field_of_topic(name: str) -> Field:
    """Raises KeyError where there is no such topic."""
    return {topic.name: topic.field for topic in TOPICS}[name]


def topic_named(said: str | None) -> str | None:
    """The topic that the words of a source name: its own name, or a route, whose last step says most."""
    if not said:
        return None
    if said in topic_names():
        return said
    steps = [step for step in STEP.split(said.strip()) if step]
    for step in reversed(steps):
        if OF_FIELDS.fullmatch(step):
            continue
        found = next((topic.name for topic, words in _patterns() if words.search(step)), None)
        if found is not None:
            return found
    return None
