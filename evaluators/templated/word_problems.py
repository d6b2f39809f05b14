"""Word problems of primary and middle school, one kind for each of the topics that classes practise."""

from __future__ import annotations

from fractions import Fraction

from evaluators.templated._template import NAMES, Draw, Parts, Template, tex


def ages(draw: Draw) -> Parts:
    child, gap = draw.whole(4, 12), draw.whole(20, 32)
    years = draw.whole(1, 9)
    parent, who = child + gap, draw.word(NAMES)
    total = child + parent + 2 * years
    return Parts(
        question=(
            f"{who[0]} is {child} years old and {who[0]}'s father is {parent}. What will the sum of their ages be in {years} years?",
            f"{who[1]}今年{child}岁，爸爸今年{parent}岁。{years}年后两人的年龄和是多少岁？",
        ),
        answer=total,
        steps=(
            f"Today the sum is ${child} + {parent} = {child + parent}$. Both grow older by {years}, so it becomes "
            f"${child + parent} + 2 \\cdot {years} = {total}$.",
            f"今年的年龄和是 ${child} + {parent} = {child + parent}$。两人各长{years}岁，所以是 ${child + parent} + 2 \\cdot {years} = {total}$。",
        ),
        plan=("Add the years to both ages.", "两人的年龄都加上这些年数。"),
        program=f"child, parent, years = {child}, {parent}, {years}\nprint((child + years) + (parent + years))",
    )


def heads_and_legs(draw: Draw) -> Parts:
    hens, hares = draw.whole(3, 40), draw.whole(3, 40)
    heads, legs = hens + hares, 2 * hens + 4 * hares
    return Parts(
        question=(
            f"Chickens and rabbits in a yard have {heads} heads and {legs} legs. How many rabbits are there?",
            f"鸡兔同笼，共有{heads}个头，{legs}条腿，兔有多少只？",
        ),
        answer=hares,
        steps=(
            f"If all were chickens there would be $2 \\cdot {heads} = {2 * heads}$ legs. Each rabbit adds 2, so there are "
            f"$({legs} - {2 * heads}) / 2 = {hares}$ rabbits.",
            f"假设全是鸡，有 $2 \\cdot {heads} = {2 * heads}$ 条腿。每只兔多2条，所以兔有 $({legs} - {2 * heads}) / 2 = {hares}$ 只。",
        ),
        plan=("Try every number of rabbits.", "逐一尝试兔的只数。"),
        program=f"print(next(r for r in range({heads} + 1) if 2 * ({heads} - r) + 4 * r == {legs}))",
    )


def shared_sweets(draw: Draw) -> Parts:
    children, each, more, over = draw.whole(4, 30), draw.whole(2, 9), draw.whole(1, 4), draw.whole(1, 20)
    lack = more * children - over
    if lack <= 0:
        over, lack = 1, more * children - 1
    return Parts(
        question=(
            f"Sweets are shared among children. With {each} for each, {over} are left over; with {each + more} for each, {lack} are "
            "missing. How many children are there?",
            f"把糖分给小朋友，每人{each}颗多{over}颗，每人{each + more}颗少{lack}颗，有多少个小朋友？",
        ),
        answer=children,
        steps=(
            f"Giving ${each + more} - {each} = {more}$ more to each takes ${over} + {lack} = {over + lack}$ sweets, so there are "
            f"${over + lack} / {more} = {children}$ children.",
            f"每人多分 ${each + more} - {each} = {more}$ 颗，共需 ${over} + {lack} = {over + lack}$ 颗，所以有 ${over + lack} / {more} = {children}$ 人。",
        ),
        plan=("Divide surplus and shortage together by the difference.", "盈亏之和除以两次分配的差。"),
        program=f"print(({over} + {lack}) // ({each + more} - {each}))",
    )


def trees_along_a_road(draw: Draw) -> Parts:
    gap, count = draw.whole(2, 12), draw.whole(8, 60)
    length = gap * count
    return Parts(
        question=(
            f"Along one side of a road of {length} metres a tree stands every {gap} metres, at both ends too. How many trees are there?",
            f"在一条长{length}米的路的一侧植树，每隔{gap}米种一棵，两端都种，一共种多少棵？",
        ),
        answer=count + 1,
        steps=(
            f"There are ${length} / {gap} = {count}$ gaps, and one tree more than gaps: ${count} + 1 = {count + 1}$.",
            f"共有 ${length} / {gap} = {count}$ 个间隔，棵数比间隔多1：${count} + 1 = {count + 1}$。",
        ),
        plan=("Count the places from 0 to the end.", "数出从0到路端的位置。"),
        program=f"print(len(range(0, {length} + 1, {gap})))",
    )


def same_rate(draw: Draw) -> Parts:
    each, first, second = draw.whole(3, 40), draw.whole(2, 12), draw.whole(13, 40)
    return Parts(
        question=(
            f"{first} machines make {each * first} parts in an hour. How many parts do {second} such machines make in an hour?",
            f"{first}台机器每小时生产{each * first}个零件，照这样计算，{second}台机器每小时生产多少个零件？",
        ),
        answer=each * second,
        steps=(
            f"One machine makes ${each * first} / {first} = {each}$ parts, so they make ${each} \\cdot {second} = {each * second}$.",
            f"一台机器生产 ${each * first} / {first} = {each}$ 个，所以共生产 ${each} \\cdot {second} = {each * second}$ 个。",
        ),
        plan=("Find the rate of one machine first.", "先求一台机器的产量。"),
        program=f"print({each * first} // {first} * {second})",
    )


def two_workers(draw: Draw) -> Parts:
    first, second = draw.whole(3, 30), draw.whole(3, 30)
    days = Fraction(first * second, first + second)
    return Parts(
        question=(
            f"Anna alone finishes a job in {first} days, Ben alone in {second} days. In how many days do they finish it together?",
            f"一项工程，甲单独做{first}天完成，乙单独做{second}天完成，两人合作多少天完成？",
        ),
        answer=days,
        steps=(
            f"Each day they do $\\frac{{1}}{{{first}}} + \\frac{{1}}{{{second}}} = {tex(1 / days)}$ of it, so it takes ${tex(days)}$ days.",
            f"每天完成 $\\frac{{1}}{{{first}}} + \\frac{{1}}{{{second}}} = {tex(1 / days)}$，所以需要 ${tex(days)}$ 天。",
        ),
        plan=("Add the shares of a day.", "把每天完成的份额相加。"),
        program=f"from fractions import Fraction\nprint(1 / (Fraction(1, {first}) + Fraction(1, {second})))",
    )


def meeting(draw: Draw) -> Parts:
    first, second, hours = draw.whole(20, 90), draw.whole(20, 90), draw.whole(2, 9)
    way = (first + second) * hours
    return Parts(
        question=(
            f"Two towns are {way} km apart. From each a car drives to the other, one at {first} km/h and one at {second} km/h. After how "
            "many hours do they meet?",
            f"两地相距{way}千米，两车同时从两地相向而行，速度分别是每小时{first}千米和{second}千米，几小时后相遇？",
        ),
        answer=hours,
        steps=(
            f"Together they cover ${first} + {second} = {first + second}$ km an hour: ${way} / {first + second} = {hours}$.",
            f"速度和是 ${first} + {second} = {first + second}$，所以 ${way} / {first + second} = {hours}$。",
        ),
        plan=("Divide the way by the sum of the speeds.", "路程除以速度和。"),
        program=f"print({way} // ({first} + {second}))",
    )


def salt_water(draw: Draw) -> Parts:
    salt, water = draw.whole(5, 90), draw.whole(100, 400)
    share = Fraction(100 * salt, salt + water)
    return Parts(
        question=(
            f"{salt} g of salt are dissolved in {water} g of water. What percentage of the solution is salt?",
            f"把{salt}克盐溶于{water}克水中，盐水的浓度是百分之几？",
        ),
        answer=share,
        steps=(
            f"The solution weighs ${salt} + {water} = {salt + water}$ g, and $100 \\cdot {salt} / {salt + water} = {tex(share)}$.",
            f"盐水重 ${salt} + {water} = {salt + water}$ 克，$100 \\cdot {salt} / {salt + water} = {tex(share)}$。",
        ),
        plan=("Divide the salt by the whole solution.", "盐的质量除以盐水的质量。"),
        program=f"from fractions import Fraction\nprint(Fraction(100 * {salt}, {salt} + {water}))",
    )


def profit(draw: Draw) -> Parts:
    cost, gain, count = draw.whole(5, 90), draw.whole(1, 40), draw.whole(3, 50)
    return Parts(
        question=(
            f"A shop buys {count} cups for {cost} coins each and sells them all for {cost + gain} coins each. What is its profit?",
            f"商店以每个{cost}元买进{count}个杯子，以每个{cost + gain}元全部卖出，利润是多少元？",
        ),
        answer=gain * count,
        steps=(
            f"Each cup brings ${cost + gain} - {cost} = {gain}$, together ${gain} \\cdot {count} = {gain * count}$.",
            f"每个赚 ${cost + gain} - {cost} = {gain}$，共 ${gain} \\cdot {count} = {gain * count}$。",
        ),
        plan=("Income less cost.", "收入减去成本。"),
        program=f"print({cost + gain} * {count} - {cost} * {count})",
    )


def average(draw: Draw) -> Parts:
    marks = [draw.whole(50, 100) for _ in range(4)]
    mean = Fraction(sum(marks), 4)
    told = ", ".join(map(str, marks))
    total = " + ".join(map(str, marks))
    return Parts(
        question=(
            f"Four tests gave the marks {told}. What is their average?",
            f"四次测验的成绩是{told.replace(', ', '、')}，平均分是多少？",
        ),
        answer=mean,
        steps=(
            f"The sum is ${total} = {sum(marks)}$, a quarter of it ${sum(marks)} / 4 = {tex(mean)}$.",
            f"总分是 ${total} = {sum(marks)}$，平均是 ${sum(marks)} / 4 = {tex(mean)}$。",
        ),
        plan=("Divide the sum by 4.", "总分除以4。"),
        program=f"from fractions import Fraction\nprint(Fraction(sum([{told}]), 4))",
    )


def back_to_the_start(draw: Draw) -> Parts:
    start, added, times = draw.whole(2, 40), draw.whole(1, 30), draw.whole(2, 9)
    end = (start + added) * times
    return Parts(
        question=(
            f"Somebody adds {added} to a number and multiplies the sum by {times}; the result is {end}. What was the number?",
            f"一个数加上{added}，再乘{times}，结果是{end}，这个数是多少？",
        ),
        answer=start,
        steps=(
            f"Backwards: ${end} / {times} = {start + added}$ and ${start + added} - {added} = {start}$.",
            f"倒推：${end} / {times} = {start + added}$，${start + added} - {added} = {start}$。",
        ),
        plan=("Undo the steps in reverse order.", "从结果倒推回去。"),
        program=f"print({end} // {times} - {added})",
    )


def divided_by_ratio(draw: Draw) -> Parts:
    a, unit = draw.whole(1, 9), draw.whole(2, 30)
    b = draw.other(1, 9, than=a)
    total = (a + b) * unit
    return Parts(
        question=(
            f"{total} marbles are divided in the ratio ${a}:{b}$. How many does the second child get?",
            f"把{total}颗弹珠按 ${a}:{b}$ 分给两个孩子，第二个孩子得多少颗？",
        ),
        answer=b * unit,
        steps=(
            f"One part is ${total} / ({a} + {b}) = {unit}$, and $ {b} \\cdot {unit} = {b * unit}$.",
            f"一份是 ${total} / ({a} + {b}) = {unit}$，$ {b} \\cdot {unit} = {b * unit}$。",
        ),
        plan=("Find one part first.", "先求一份。"),
        program=f"print({total} // ({a} + {b}) * {b})",
    )


def minutes_between(draw: Draw) -> Parts:
    first, begin, length = draw.whole(6, 17), draw.whole(0, 59), draw.whole(20, 300)
    hour, minute = divmod(first * 60 + begin + length, 60)
    return Parts(
        question=(
            f"A film begins at {first}:{begin:02d} and ends at {hour}:{minute:02d}. How many minutes does it last?",
            f"一部电影{first}:{begin:02d}开始，{hour}:{minute:02d}结束，一共多少分钟？",
        ),
        answer=length,
        steps=(
            f"The end is minute ${hour} \\cdot 60 + {minute} = {hour * 60 + minute}$ of the day, the beginning minute "
            f"${first} \\cdot 60 + {begin} = {first * 60 + begin}$: ${hour * 60 + minute} - {first * 60 + begin} = {length}$.",
            f"结束是当天第 ${hour} \\cdot 60 + {minute} = {hour * 60 + minute}$ 分，开始是第 ${first} \\cdot 60 + {begin} = {first * 60 + begin}$ 分："
            f"${hour * 60 + minute} - {first * 60 + begin} = {length}$。",
        ),
        plan=("Count both times in minutes.", "把时刻都化成分钟。"),
        program=f"print(({hour} * 60 + {minute}) - ({first} * 60 + {begin}))",
    )


def money_left(draw: Draw) -> Parts:
    price, count, left, who = draw.whole(2, 40), draw.whole(2, 15), draw.whole(1, 60), draw.word(NAMES)
    paid = price * count + left
    return Parts(
        question=(
            f"{who[0]} buys {count} books of the same price and pays with {paid} coins. {left} coins come back. What is the price of a book?",
            f"{who[1]}买了{count}本同样的书，付了{paid}元，找回{left}元，每本书多少元？",
        ),
        answer=price,
        steps=(
            f"With the price $x$, ${count}x + {left} = {paid}$. So ${count}x = {paid} - {left}$ and $({paid} - {left}) / {count} = {price}$.",
            f"设每本 $x$ 元，${count}x + {left} = {paid}$。所以 $({paid} - {left}) / {count} = {price}$。",
        ),
        plan=("Set up the equation and solve it.", "列方程求解。"),
        program=f"print(({paid} - {left}) // {count})",
    )


TEMPLATES = (
    Template(name="ages", field="other", topic="age_problems", make=ages),
    Template(name="heads_and_legs", field="other", topic="chickens_and_rabbits", make=heads_and_legs),
    Template(name="shared_sweets", field="other", topic="surplus_and_shortage", make=shared_sweets),
    Template(name="trees_along_a_road", field="other", topic="intervals_and_arrays", make=trees_along_a_road),
    Template(name="same_rate", field="other", topic="unit_rate_problems", make=same_rate),
    Template(name="two_workers", field="other", topic="work_problems", make=two_workers),
    Template(name="meeting", field="other", topic="travel_problems", make=meeting),
    Template(name="salt_water", field="other", topic="concentration_problems", make=salt_water),
    Template(name="profit", field="other", topic="profit_and_economics", make=profit),
    Template(name="average", field="other", topic="averages", make=average),
    Template(name="back_to_the_start", field="other", topic="working_backwards", make=back_to_the_start),
    Template(name="divided_by_ratio", field="other", topic="ratio_and_proportion", make=divided_by_ratio),
    Template(name="minutes_between", field="other", topic="time_and_calendar", make=minutes_between),
    Template(name="money_left", field="algebra", topic="equation_word_problems", make=money_left),
)
