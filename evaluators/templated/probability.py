"""Probability: urns, dice, coins, counting."""

from __future__ import annotations

from fractions import Fraction
from math import comb

from evaluators.templated._template import Draw, Parts, Template, tex

COLOURS = (("red", "红"), ("blue", "蓝"), ("green", "绿"), ("white", "白"))


def one_draw(draw: Draw) -> Parts:
    hits, misses = draw.whole(1, 12), draw.whole(1, 12)
    total = hits + misses
    chance = Fraction(hits, total)
    reduced = f" = {tex(chance)}" if chance.denominator != total else ""
    return Parts(
        question=(
            f"A bag holds {hits} red and {misses} blue balls. What is the probability of drawing a red one?",
            f"袋中有{hits}个红球和{misses}个蓝球，任取一个，取到红球的概率是多少？",
        ),
        answer=chance,
        steps=(
            f"There are ${hits} + {misses} = {total}$ balls, so it is $\\frac{{{hits}}}{{{total}}}{reduced}$.",
            f"共有 ${hits} + {misses} = {total}$ 个球，所以概率为 $\\frac{{{hits}}}{{{total}}}{reduced}$。",
        ),
        plan=("Divide exactly.", "作精确的除法。"),
        program=f"from fractions import Fraction\nprint(Fraction({hits}, {hits} + {misses}))",
    )


def two_draws(draw: Draw) -> Parts:
    hits, misses, colour = draw.whole(2, 9), draw.whole(2, 9), draw.word(COLOURS)
    total = hits + misses
    chance = Fraction(hits * (hits - 1), total * (total - 1))
    return Parts(
        question=(
            f"An urn contains {hits} {colour[0]} and {misses} black marbles. Two of them are taken out together. "
            f"With what probability are both {colour[0]}?",
            f"盒子里装着{hits}颗{colour[1]}珠子和{misses}颗黑珠子，同时取出两颗，两颗都是{colour[1]}色的概率为多少？",
        ),
        answer=chance,
        steps=(
            f"There are $\\frac{{{total} \\cdot {total - 1}}}{{2}} = {comb(total, 2)}$ pairs, of which "
            f"$\\frac{{{hits} \\cdot {hits - 1}}}{{2}} = {comb(hits, 2)}$ are {colour[0]}. The ratio is ${tex(chance)}$.",
            f"一共有 $\\frac{{{total} \\cdot {total - 1}}}{{2}} = {comb(total, 2)}$ 种取法，其中两颗都是{colour[1]}色的有 "
            f"$\\frac{{{hits} \\cdot {hits - 1}}}{{2}} = {comb(hits, 2)}$ 种。比值为 ${tex(chance)}$。",
        ),
        plan=("Count the pairs of the colour among all pairs.", "用同色的取法数除以全部取法数。"),
        program=(
            f"from fractions import Fraction\nfrom math import comb\nprint(Fraction(comb({hits}, 2), comb({total}, 2)))"
        ),
    )


def dice_sum(draw: Draw) -> Parts:
    sides, other = draw.one_of((4, 6, 8, 10, 12)), draw.one_of((4, 6, 8, 10, 12, 20))
    target = draw.whole(3, sides + other - 1)
    ways = sum(1 for first in range(1, sides + 1) if 1 <= target - first <= other)
    chance = Fraction(ways, sides * other)
    return Parts(
        question=(
            f"A fair die with {sides} faces and a fair die with {other} faces are thrown, both numbered from 1. "
            f"How likely is it that the numbers add up to {target}?",
            f"掷一枚{sides}面的均匀骰子和一枚{other}面的均匀骰子（均从1开始编号），点数之和恰好为{target}的可能性是多大？",
        ),
        answer=chance,
        steps=(
            f"Of the ${sides} \\cdot {other} = {sides * other}$ equally likely outcomes, {ways} give the sum {target}. "
            f"The probability is ${tex(chance)}$.",
            f"全部 ${sides} \\cdot {other} = {sides * other}$ 种等可能结果中，有{ways}种的和为{target}。"
            f"概率为 ${tex(chance)}$。",
        ),
        plan=("Count the outcomes with this sum.", "枚举和为该数的结果。"),
        program=(
            f"from fractions import Fraction\nways = sum(a + b == {target} for a in range(1, {sides + 1}) "
            f"for b in range(1, {other + 1}))\nprint(Fraction(ways, {sides} * {other}))"
        ),
    )


def at_least_one(draw: Draw) -> Parts:
    top, n = draw.whole(1, 5), draw.whole(2, 5)
    bottom = draw.whole(top + 1, 9)
    miss = 1 - Fraction(top, bottom)
    chance = 1 - miss**n
    return Parts(
        question=(
            f"An archer hits the target with probability ${tex(Fraction(top, bottom))}$ at each of {n} independent shots. "
            "What is the chance that at least one arrow hits?",
            f"一名弓箭手每箭命中靶子的概率都是 ${tex(Fraction(top, bottom))}$，且各箭互不影响。他射{n}箭，至少中一箭的概率等于多少？",
        ),
        answer=chance,
        steps=(
            f"All {n} shots miss with probability $({tex(miss)})^{{{n}}} = {tex(miss**n)}$. "
            f"So the chance is $1 - {tex(miss**n)} = {tex(chance)}$.",
            f"{n}箭都不中的概率为 $({tex(miss)})^{{{n}}} = {tex(miss**n)}$。所求概率为 $1 - {tex(miss**n)} = {tex(chance)}$。",
        ),
        plan=("Take the complement: no arrow hits.", "考虑对立事件：一箭都不中。"),
        program=f"from fractions import Fraction\nmiss = 1 - Fraction({top}, {bottom})\nprint(1 - miss ** {n})",
    )


def expected_prize(draw: Draw) -> Parts:
    fields = draw.whole(5, 12)
    big, small = draw.whole(10, 60), draw.whole(1, 9)
    winners = draw.whole(1, 3)
    mean = Fraction(winners * big + (fields - winners) * small, fields)
    return Parts(
        question=(
            f"A wheel has {fields} equal sectors. {winners} of them pay {big} points and the others pay {small} points. "
            "Find the expected number of points of one spin.",
            f"转盘被等分成{fields}个扇形，其中{winners}个得{big}分，其余各得{small}分。转动一次，得分的期望是多少？",
        ),
        answer=mean,
        steps=(
            f"The points of all sectors add up to ${winners} \\cdot {big} + {fields - winners} \\cdot {small} = "
            f"{winners * big + (fields - winners) * small}$. Divided by {fields} this is ${tex(mean)}$.",
            f"所有扇形的分数之和为 ${winners} \\cdot {big} + {fields - winners} \\cdot {small} = "
            f"{winners * big + (fields - winners) * small}$。除以{fields}得 ${tex(mean)}$。",
        ),
        plan=("Average over the sectors.", "对所有扇形求平均。"),
        program=(
            f"from fractions import Fraction\npoints = [{big}] * {winners} + [{small}] * {fields - winners}\n"
            "print(Fraction(sum(points), len(points)))"
        ),
    )


def committee(draw: Draw) -> Parts:
    women, men = draw.whole(3, 9), draw.whole(3, 9)
    a, b = draw.whole(1, 3), draw.whole(1, 3)
    ways = comb(women, a) * comb(men, b)
    return Parts(
        question=(
            f"A choir with {women} altos and {men} tenors sends {a} alto{'s' * (a > 1)} and {b} tenor{'s' * (b > 1)} to a "
            "festival. In how many ways can they be chosen?",
            f"合唱团有{women}名女声和{men}名男声，要选{a}名女声和{b}名男声参加音乐节，共有多少种选法？",
        ),
        answer=ways,
        steps=(
            f"The altos can be chosen in {comb(women, a)} ways and the tenors in {comb(men, b)} ways, together "
            f"${comb(women, a)} \\cdot {comb(men, b)} = {ways}$.",
            f"女声有{comb(women, a)}种选法，男声有{comb(men, b)}种选法，共 ${comb(women, a)} \\cdot {comb(men, b)} = {ways}$ 种。",
        ),
        plan=("Multiply two binomial coefficients.", "两个组合数相乘。"),
        program=f"from math import comb\nprint(comb({women}, {a}) * comb({men}, {b}))",
    )


TEMPLATES = (
    Template(name="one_draw", field="probability", topic="probability_of_events", make=one_draw, easy=True),
    Template(name="two_draws", field="probability", topic="probability_of_events", make=two_draws),
    Template(name="dice_sum", field="probability", topic="probability_of_events", make=dice_sum),
    Template(name="at_least_one", field="probability", topic="probability_of_events", make=at_least_one),
    Template(name="expected_prize", field="probability", topic="probability_of_events", make=expected_prize),
    Template(name="committee", field="probability", topic="permutations_and_combinations", make=committee),
)
