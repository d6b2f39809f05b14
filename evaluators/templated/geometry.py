"""Geometry: areas, lengths, angles, solids."""

from __future__ import annotations

from fractions import Fraction

from evaluators.templated._template import Draw, Exact, Parts, Template, root, tex


def rectangle_area(draw: Draw) -> Parts:
    a, b = draw.whole(3, 20), draw.whole(3, 20)
    return Parts(
        question=(
            f"What is the area of a rectangle with sides {a} and {b}?",
            f"长方形的两边长为{a}和{b}，它的面积是多少？",
        ),
        answer=a * b,
        steps=(f"The area is ${a} \\cdot {b} = {a * b}$.", f"面积是 ${a} \\cdot {b} = {a * b}$。"),
        plan=("Multiply the sides.", "两边相乘。"),
        program=f"print({a} * {b})",
    )


def distance(draw: Draw) -> Parts:
    x, y = draw.whole(-9, 9), draw.whole(-9, 9)
    dx, dy = draw.whole(1, 12), draw.whole(1, 12)
    length = root(dx * dx + dy * dy)
    return Parts(
        question=(
            f"How far apart are the points $({x}, {y})$ and $({x + dx}, {y + dy})$?",
            f"点 $({x}, {y})$ 与点 $({x + dx}, {y + dy})$ 之间的距离是多少？",
        ),
        answer=length,
        steps=(
            f"The coordinates differ by {dx} and {dy}, so the distance is "
            f"$\\sqrt{{{dx}^{{2}} + {dy}^{{2}}}} = \\sqrt{{{dx * dx + dy * dy}}}{_if_simpler(length, dx * dx + dy * dy)}$.",
            f"两点的坐标分别相差{dx}和{dy}，所以距离为 "
            f"$\\sqrt{{{dx}^{{2}} + {dy}^{{2}}}} = \\sqrt{{{dx * dx + dy * dy}}}{_if_simpler(length, dx * dx + dy * dy)}$。",
        ),
        plan=("Use Pythagoras with exact roots.", "用勾股定理，保留根号。"),
        program=f"from sympy import sqrt\nprint(sqrt({dx}**2 + {dy}**2))",
    )


def triangle_in_coordinates(draw: Draw) -> Parts:
    a, b = draw.whole(2, 12), draw.whole(-6, 6)
    c, d = draw.whole(-6, 6), draw.whole(2, 12)
    twice = abs(a * d - b * c)
    area = Fraction(twice, 2)
    return Parts(
        question=(
            f"Find the area of the figure with vertices $(0, 0)$, $({a}, {b})$ and $({c}, {d})$, taking 0 if they are collinear.",
            f"求以 $(0, 0)$、$({a}, {b})$、$({c}, {d})$ 为顶点的图形的面积（三点共线时面积记为0）。",
        ),
        answer=area,
        steps=(
            f"It is half of $|{a} \\cdot {d} - ({b}) \\cdot ({c})| = {twice}$, that is ${tex(area)}$.",
            f"面积等于 $|{a} \\cdot {d} - ({b}) \\cdot ({c})| = {twice}$ 的一半，即 ${tex(area)}$。",
        ),
        plan=("Half of the absolute determinant.", "取行列式绝对值的一半。"),
        program=f"from fractions import Fraction\nprint(Fraction(abs({a} * {d} - ({b}) * ({c})), 2))",
    )


def ring_area(draw: Draw) -> Parts:
    inner, gap = draw.whole(1, 12), draw.whole(1, 8)
    outer = inner + gap
    factor = outer * outer - inner * inner
    return Parts(
        question=(
            f"Two circles with the same centre have radii {inner} and {outer}. What is the area of the ring between them?",
            f"两个同心圆的半径分别为{inner}和{outer}，求夹在它们之间的圆环的面积。",
        ),
        answer=Exact(f"{factor}\\pi", f"{factor}*pi"),
        steps=(
            f"The ring has area $\\pi ({outer}^{{2}} - {inner}^{{2}}) = {factor}\\pi$.",
            f"圆环的面积为 $\\pi ({outer}^{{2}} - {inner}^{{2}}) = {factor}\\pi$。",
        ),
        plan=("Subtract the inner disc from the outer one, keeping pi exact.", "用大圆面积减去小圆面积，保留圆周率。"),
        program=f"from sympy import pi\nprint(pi * {outer}**2 - pi * {inner}**2)",
    )


def interior_angle(draw: Draw) -> Parts:
    n = draw.whole(5, 90)
    angle = Fraction(180 * (n - 2), n)
    return Parts(
        question=(
            f"Each interior angle of a regular polygon with {n} sides measures how many degrees?",
            f"正{n}边形的每个内角等于多少度？",
        ),
        answer=angle,
        steps=(
            f"The interior angles add up to $180 \\cdot {n - 2} = {180 * (n - 2)}$ degrees. Each is one of {n}: ${tex(angle)}$.",
            f"内角和为 $180 \\cdot {n - 2} = {180 * (n - 2)}$ 度，平均分给{n}个角，每个为 ${tex(angle)}$ 度。",
        ),
        plan=("Divide the sum of the angles by their number.", "用内角和除以角的个数。"),
        program=f"from fractions import Fraction\nprint(Fraction(180 * ({n} - 2), {n}))",
    )


def box_diagonal(draw: Draw) -> Parts:
    a, b, c = draw.whole(1, 12), draw.whole(1, 12), draw.whole(1, 12)
    square = a * a + b * b + c * c
    length = root(square)
    return Parts(
        question=(
            f"A box measures {a} by {b} by {c}. How long is its space diagonal?",
            f"一个长方体的长、宽、高分别为{a}、{b}、{c}，求它的体对角线的长度。",
        ),
        answer=length,
        steps=(
            f"It is $\\sqrt{{{a}^{{2}} + {b}^{{2}} + {c}^{{2}}}} = \\sqrt{{{square}}}{_if_simpler(length, square)}$.",
            f"体对角线长为 $\\sqrt{{{a}^{{2}} + {b}^{{2}} + {c}^{{2}}}} = \\sqrt{{{square}}}{_if_simpler(length, square)}$。",
        ),
        plan=("The square of the diagonal is the sum of three squares.", "对角线的平方等于三条棱的平方和。"),
        program=f"from sympy import sqrt\nprint(sqrt({a}**2 + {b}**2 + {c}**2))",
    )


def shadow(draw: Draw) -> Parts:
    stick, cast, tree = draw.whole(1, 6), draw.whole(1, 9), draw.whole(10, 60)
    height = Fraction(stick * tree, cast)
    return Parts(
        question=(
            f"A stick {stick} m high casts a shadow of {cast} m. At the same time a tower casts a shadow of {tree} m. "
            "What is the height of the tower in metres?",
            f"一根高{stick}米的木棍影长{cast}米，同一时刻一座塔的影长是{tree}米，这座塔高多少米？",
        ),
        answer=height,
        steps=(
            f"By similar triangles the height is $\\frac{{{stick} \\cdot {tree}}}{{{cast}}} = {tex(height)}$.",
            f"由相似三角形，塔高为 $\\frac{{{stick} \\cdot {tree}}}{{{cast}}} = {tex(height)}$。",
        ),
        plan=("Height and shadow are proportional.", "高度与影长成正比。"),
        program=f"from fractions import Fraction\nprint(Fraction({stick} * {tree}, {cast}))",
    )


def _if_simpler(length: Exact | int, square: int) -> str:
    shown = tex(length)
    return "" if shown == f"\\sqrt{{{square}}}" else f" = {shown}"


TEMPLATES = (
    Template(name="rectangle_area", field="geometry", topic="perimeter_and_area", make=rectangle_area, easy=True),
    Template(name="distance", field="geometry", topic="coordinate_geometry", make=distance),
    Template(
        name="triangle_in_coordinates", field="geometry", topic="coordinate_geometry", make=triangle_in_coordinates
    ),
    Template(name="ring_area", field="geometry", topic="circles", make=ring_area),
    Template(name="interior_angle", field="geometry", topic="quadrilaterals_and_polygons", make=interior_angle),
    Template(name="box_diagonal", field="geometry", topic="solids_and_volume", make=box_diagonal),
    Template(name="shadow", field="geometry", topic="triangles", make=shadow),
)
