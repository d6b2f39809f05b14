"""HTML to text, side by side: for each encoding of a formula, how many come back, and what a page costs.

    python bench/extraction.py             generated pages with known formulas
    MATHSIEVE_REAL_DATA=DIR python ...     and the real pages in DIR/realweb and DIR/messyweb

Recall: formulas whose TeX (spaces, braces and display style aside) stands in the text. Delimited: those that stand
between `$` or `\\(` marks. Valid: delimited formulas of the text that TeX could read. Cost is CPU time, so that other
work on the machine does not count; extractors take turns page by page.
"""

from __future__ import annotations

import argparse
import html
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from pipelines.crawl.decoding import decode_html
from pipelines.crawl.planted_formulas import katex_html, mathml, unicode_html
from pipelines.crawl.warc import read_captures
from pipelines.extraction import html_to_text
from pipelines.extraction.tex import clean, mistakes

FORMULAS = (
    r"x^{2}+y^{2}=z^{2}", r"\frac{a}{b+c}", r"\sum_{k=1}^{n} k", r"\sqrt{x+1}", r"\alpha \le \beta", r"a_{n+1}=2 a_{n}", r"f(x)=x^{3}", r"\int_{0}^{1} t^{2} dt",
    r"\lambda_{1} \ne \lambda_{2}", r"e^{x+y}", r"\frac{x^{2}}{2}", r"\sin x", r"x \in \mathbb{R}", r"n \to \infty", r"\pi r^{2}", r"x_{i}^{2}",
)  # fmt: skip
DELIMITED = re.compile(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
PROSE = (
    "The value of this expression is needed in the proof of the next statement, and the reader may check it by hand: "
)
Extractor = Callable[[str], str]


def encodings() -> dict[str, Callable[[str], str]]:
    """One formula as each kind of page writes it."""
    return {
        r"`\(...\)`": lambda tex: f"\\({html.escape(tex)}\\)",
        r"`\[...\]`": lambda tex: f"\\[{html.escape(tex)}\\]",
        "`$...$`": lambda tex: f"${html.escape(tex)}$",
        "`$$...$$`": lambda tex: f"$${html.escape(tex)}$$",
        "environment": lambda tex: f"\\begin{{equation}}{html.escape(tex)}\\end{{equation}}",
        "script math/tex": lambda tex: f'<script type="math/tex">{tex}</script>',
        "MathJax 2 rendered": mathjax2,
        "MathJax 3 assistive": lambda tex: f'<mjx-container class="MathJax" jax="CHTML"><mjx-math aria-hidden="true"></mjx-math><mjx-assistive-mml>{mathml(tex, annotated=False)}</mjx-assistive-mml></mjx-container>',
        "KaTeX": katex_html,
        "KaTeX rendered only": lambda tex: re.sub(r'<span class="katex-mathml">.*?</math></span>', "", katex_html(tex), flags=re.DOTALL),
        "MathML + TeX": mathml,
        "MathML": lambda tex: mathml(tex, annotated=False),
        "image: WordPress": lambda tex: f'<img src="https://s0.wp.example/latex.php?latex={quote(tex)}&amp;bg=ffffff" class="latex" />',
        "image: codecogs": lambda tex: f'<img src="https://latex.codecogs.com/gif.latex?{quote(tex)}" />',
        "image: Sphinx imgmath": lambda tex: f'<img class="math" src="../_images/math/0f1e.png" alt="{html.escape(tex)}"/>',
        "image: doxygen": lambda tex: f'<img class="formulaInl" alt="${html.escape(tex)}$" src="form_7.png"/>',
        "Wikipedia": lambda tex: f'<span class="mwe-math-element"><span style="display: none;">{mathml("{" + tex + "}")}</span><img class="mwe-math-fallback-image-inline" alt="{html.escape(tex)}"/></span>',
        "Sphinx span.math": lambda tex: f'<span class="math notranslate nohighlight">\\({html.escape(tex)}\\)</span>',
        "StackExchange": lambda tex: f'<span class="math-container">${html.escape(tex)}$</span>',
        "LaTeXML": lambda tex: f'<math class="ltx_Math" alttext="{html.escape(tex)}" display="inline"><mi>x</mi></math>',
        "data attribute": lambda tex: f'<span class="ztext-math" data-tex="{html.escape(tex)}"></span>',
        "sub/sup, Unicode": unicode_html,
    }  # fmt: skip


def mathjax2(tex: str) -> str:
    """What MathJax 2 leaves: a preview, visible spans that repeat the characters, and the source."""
    visible = "".join(f'<span class="mi">{html.escape(character)}</span>' for character in tex if character.isalnum())
    return f'<span class="MathJax_Preview"></span><span class="MathJax" id="MathJax-Element-1-Frame">{visible}</span><script type="math/tex" id="MathJax-Element-1">{tex}</script>'


def page_of(render: Callable[[str], str], draw: random.Random) -> str:
    """An article with every formula once, between running text, inside a page with navigation and footer."""
    paragraphs = "".join(
        f"<p>{PROSE}{render(tex)} as was said above.</p>" for tex in draw.sample(FORMULAS, len(FORMULAS))
    )
    return (
        '<!DOCTYPE html><html><head><title>Notes</title><script src="MathJax.js"></script></head><body><nav><ul><li><a href="/">Home</a></li></ul></nav>'
        f"<main><article><h1>Notes on formulas</h1>{paragraphs}</article></main><footer>All rights reserved</footer></body></html>"
    )


def extractors() -> dict[str, Extractor]:
    """This extractor and the peers that are installed."""
    found: dict[str, Extractor] = {"mathsieve": html_to_text}
    try:
        import trafilatura

        found["trafilatura"] = lambda page: trafilatura.extract(page) or ""
    except ImportError:
        print("trafilatura is not installed: left out (pip install trafilatura)", file=sys.stderr)
    try:
        from resiliparse.extract.html2text import extract_plain_text

        found["resiliparse"] = lambda page: extract_plain_text(page, main_content=True, alt_texts=True)
    except ImportError:
        print("resiliparse is not installed: left out (pip install resiliparse)", file=sys.stderr)
    if shutil.which("lynx"):
        found["lynx"] = _lynx
    else:
        print("lynx is not installed: left out (apt-get install lynx)", file=sys.stderr)
    return found


def _lynx(page: str) -> str:
    command = ["lynx", "-stdin", "-dump", "-nolist", "-width=1000", "-display_charset=utf-8", "-assume_charset=utf-8"]
    return subprocess.run(
        command, input=page.encode("utf-8", "replace"), capture_output=True, check=False
    ).stdout.decode("utf-8", "replace")


def normal(tex: str) -> str:
    """TeX with what does not change its meaning taken out."""
    tex = re.sub(r"\\(?:displaystyle|textstyle|left|right|limits|,|;|!|quad|qquad)(?![A-Za-z])", "", tex)
    tex = (
        tex.replace("\\leq", "\\le")
        .replace("\\geq", "\\ge")
        .replace("\\neq", "\\ne")
        .replace("\\rightarrow", "\\to")
        .replace("\\operatorname", "")
    )
    return re.sub(r"[\s{}]", "", tex)


def found_formulas(text: str) -> list[str]:
    """The delimited formulas of a text."""
    return [next(group for group in groups if group) for groups in DELIMITED.findall(text) if any(groups)]


def cpu() -> float:
    own, children = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own + children.ru_utime + children.ru_stime


def generated(tools: dict[str, Extractor]) -> None:
    """Prints recall, delimiters and validity by encoding."""
    print("## Formulas that come back from generated pages (recall / delimited / valid, %)\n")
    print("| encoding | " + " | ".join(tools) + " |\n|---|" + "---|" * len(tools))
    for name, render in encodings().items():
        page = page_of(render, random.Random(3))
        cells = []
        for extract in tools.values():
            text = extract(page)
            delimited = found_formulas(text)
            whole = normal(text)
            recalled = sum(normal(tex) in whole for tex in FORMULAS)
            marked = sum(any(normal(tex) in normal(other) for other in delimited) for tex in FORMULAS)
            valid = sum(not mistakes(tex) for tex in delimited)
            cells.append(
                f"{percent(recalled, len(FORMULAS))} / {percent(marked, len(FORMULAS))} / {percent(valid, len(delimited))}"
            )
        print(f"| {name} | " + " | ".join(cells) + " |")


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f}" if whole else "-"


SOURCES = (
    re.compile(r'<annotation[^>]*encoding="application/x-tex"[^>]*>(.*?)</annotation>', re.DOTALL),
    re.compile(r'<script[^>]*type="math/tex[^"]*"[^>]*>(.*?)</script>', re.DOTALL),
    re.compile(r'<img[^>]*class="(?:math|formulaInl|formulaDsp|mwe-math-fallback[^"]*|latex)"[^>]*alt="([^"]*)"'),
    re.compile(r'<img[^>]*alt="([^"]*)"[^>]*class="(?:math|formulaInl|formulaDsp|mwe-math-fallback[^"]*|latex)"'),
    re.compile(r'<(?:span|div) class="(?:math notranslate nohighlight|math-container|math)">\s*(?:\\\(|\\\[|\$\$?)(.*?)(?:\\\)|\\\]|\$\$?)\s*</(?:span|div)>', re.DOTALL),
)  # fmt: skip


def sources_of(page: str) -> set[str]:
    """The TeX that a page's own markup gives, found by pattern in its source: the truth for real pages."""
    found = {normal(clean(html.unescape(tex))) for pattern in SOURCES for tex in pattern.findall(page)}
    return {tex for tex in found if len(tex) > 2}


def real_pages(folder: Path, count: int) -> Iterator[tuple[str, str]]:
    for name in ("realweb", "messyweb"):
        pages = []
        for path in sorted((folder / name).glob("*.warc.gz")):
            pages += [
                (name, decode_html(capture.body, capture.content_type)[0])
                for capture in read_captures(str(path), Counter(), largest=2_000_000)
            ]
        random.Random(7).shuffle(pages)
        pages.sort(
            key=lambda found: not sources_of(found[1])
        )  # stable: every other page of the sample has known formulas
        known = sum(bool(sources_of(page)) for _, page in pages)
        half = min(count // 2, known)
        yield from [*pages[:half], *pages[known : known + count - half]]


def real(tools: dict[str, Extractor], pages: list[tuple[str, str]]) -> None:
    """Prints recall of the formulas that real pages' markup declares, validity, and cost."""
    cost: dict[str, list[float]] = {name: [] for name in tools}
    recalled: Counter[tuple[str, str]] = Counter()
    known: Counter[str] = Counter()
    delimited: Counter[str] = Counter()
    valid: Counter[str] = Counter()
    for source, page in pages:
        truth = sources_of(page)
        known[source] += len(truth)
        for name, extract in tools.items():
            begun = cpu()
            text = extract(page)
            cost[name].append(cpu() - begun)
            whole = normal(text)
            recalled[name, source] += sum(tex in whole for tex in truth)
            formulas = found_formulas(text)
            delimited[name] += len(formulas)
            valid[name] += sum(not mistakes(tex) for tex in formulas)
    size = sum(len(page) for _, page in pages)
    print(f"\n## Real pages: {len(pages)} pages, {size / len(pages) / 1e3:.0f} thousand characters on average\n")
    print(
        "| extractor | recall, "
        + " | recall, ".join(f"{source} ({count})" for source, count in known.items())
        + " | delimited | valid % | CPU ms/page, mean | median | CPU ms per 58 KB | times mathsieve |"
    )
    print("|---|" + "---|" * (len(known) + 6))
    for name, seconds in cost.items():
        cells = [percent(recalled[name, source], count) for source, count in known.items()]
        mean, middle = 1e3 * statistics.mean(seconds), 1e3 * statistics.median(seconds)
        cells += [
            str(delimited[name]),
            percent(valid[name], delimited[name]),
            f"{mean:.1f}",
            f"{middle:.1f}",
            f"{1e3 * sum(seconds) / size * 58e3:.1f}",
            f"{sum(seconds) / sum(cost['mathsieve']):.1f}",
        ]
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=150, help="real pages of each collection (default 150)")
    arguments = parser.parse_args()
    tools = extractors()
    generated(tools)
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if folder is None:
        print("\nMATHSIEVE_REAL_DATA is not set: real pages left out", file=sys.stderr)
        return 0
    real(tools, list(real_pages(Path(folder), arguments.pages)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
