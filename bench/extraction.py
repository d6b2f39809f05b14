"""HTML to text, side by side: for each encoding of a formula, how many come back, and what a page costs.

    python bench/extraction.py             generated pages with known formulas
    MATHSIEVE_REAL_DATA=DIR python ...     and the real pages in DIR/realweb and DIR/messyweb
    MATHSIEVE_REAL_DATA=DIR python ... --cost    only the cost of these, in a few minutes

Recall: formulas whose TeX (spaces, braces and display style aside) stands in the text. Delimited: those that stand
between `$` or `\\(` marks. Valid: delimited formulas of the text that TeX could read. Cost is CPU time, so that other
work on the machine does not count; extractors take turns of 25 pages. Survivors are the pages that the recall keeps,
for which alone this extractor is meant: those that the recall pass's classifier (bench/recall_pass.py, a minute of
training) takes for mathematics. A random sample of all pages, those the recall would drop too, stands below. The last
column is a random sample of both collections together, in which each page is as likely as any other.
"""

from __future__ import annotations

import argparse
import html
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

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
PAGE = 58_000  # characters; the mean of the pages of Common Crawl on which the peers were first timed
TURN = 25  # pages: so few that all meet the same load, so many that each finds the processor's caches as in a worker of its own
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
        "image: address of a service": lambda tex: f'<img src="https://chart.example/chart?cht=tx&amp;chl={quote(tex)}" />',
        "image: QuickLaTeX": lambda tex: f'<img class="ql-img-inline-formula" alt="{html.escape(tex)}" title="Rendered by QuickLaTeX.com" src="ql_1.png"/>',
        "image: Zhihu": lambda tex: f'<img src="https://www.example/equation?tex={quote(tex)}" alt="{html.escape(tex)}" eeimg="1"/>',
        "MathJax 4": lambda tex: f'<mjx-container class="MathJax" jax="SVG"><svg data-latex="{html.escape(tex)}"><g></g></svg></mjx-container>',
        "MathML, prefixed": lambda tex: re.sub(r"<(/?)(?=[a-z])", r"<\1m:", mathml(tex, annotated=False)),
        "KaTeX before its script": lambda tex: f'<span class="katex--inline">{html.escape(tex)}</span>',
        "pandoc span.math": lambda tex: f'<span class="math inline">\\({html.escape(tex)}\\)</span>',
        "GitHub": lambda tex: f"<math-renderer>${html.escape(tex)}$</math-renderer>",
        "align, outside delimiters": lambda tex: f"\\begin{{align*}}{html.escape(tex)}\\end{{align*}}",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """The real pages of one collection, in random order."""

    name: str
    formulas: list[str]
    """As many as are asked for of those whose markup declares formulas."""
    survivors: list[str]
    """Pages that the recall keeps."""
    pages: list[str]


def collections(folder: Path, count: int) -> Iterator[Collection]:
    is_math = recalled(folder / "realweb")
    for name in ("realweb", "messyweb"):
        pages = [
            decode_html(capture.body, capture.content_type)[0]
            for path in sorted((folder / name).glob("*.warc.gz"))
            for capture in read_captures(str(path), Counter(), largest=2_000_000)
        ]
        random.Random(7).shuffle(pages)
        yield Collection(
            name=name,
            formulas=[page for page in pages if sources_of(page)][:count],
            survivors=list(filter(is_math, pages)),
            pages=pages,
        )


def recalled(realweb: Path) -> Callable[[str], bool]:
    """Whether the recall keeps a page: the verdict of a classifier trained as for the recall pass."""
    import fasttext

    from bench.recall_pass import topics_of, train_classifier
    from pipelines.corpus.normalisation import line
    from pipelines.crawl.text import cheap_text

    with tempfile.TemporaryDirectory(prefix="extraction-") as work:
        model = Path(work) / "model.bin"
        train_classifier(sorted(map(str, realweb.glob("*.warc.gz")))[1:], topics_of(realweb / "labels.csv"), model)
        classifier = fasttext.load_model(str(model))
    return lambda page: "__label__math" in classifier.predict(line(cheap_text(page.encode("utf-8", "replace"))[1]))[0]


def recall(tools: dict[str, Extractor], found: list[Collection]) -> None:
    """Prints how many of the formulas come back that real pages' own markup declares."""
    known = {collection.name: sum(len(sources_of(page)) for page in collection.formulas) for collection in found}
    print("\n## Formulas that real pages declare\n")
    print(
        "| extractor | recall, "
        + " | recall, ".join(f"{name} ({count})" for name, count in known.items())
        + " | delimited | valid % |"
    )
    print("|---|" + "---|" * (len(known) + 2))
    for name, extract in tools.items():
        cells: list[str] = []
        delimited = valid = 0
        for collection in found:
            recalled = 0
            for page in collection.formulas:
                text = extract(page)
                whole = normal(text)
                recalled += sum(tex in whole for tex in sources_of(page))
                formulas = found_formulas(text)
                delimited += len(formulas)
                valid += sum(not mistakes(tex) for tex in formulas)
            cells.append(percent(recalled, known[collection.name]))
        print(f"| {name} | " + " | ".join([*cells, str(delimited), percent(valid, delimited)]) + " |")


def cost(tools: dict[str, Extractor], found: list[Collection], count: int) -> None:
    """Prints CPU time a page, of survivors and of all pages."""
    parse = {"lexbor's parse alone": lambda page: str(len(page.encode("utf-8", "replace")) and LexborHTMLParser(page))}
    print(f"\n## Cost: CPU ms per {PAGE / 1e3:.0f} KB of HTML, and how many times that of mathsieve")
    for title, population in (
        ("survivors of the recall", {each.name: each.survivors for each in found}),
        ("all pages", {each.name: each.pages for each in found}),
    ):
        together = [page for pages in population.values() for page in pages]
        random.Random(8).shuffle(together)
        samples = {name: pages[:count] for name, pages in population.items()} | {"both": together[:count]}
        _cost(title, samples, {name: len(pages) for name, pages in population.items()}, tools | parse)


def _cost(title: str, samples: dict[str, list[str]], sizes: dict[str, int], tools: dict[str, Extractor]) -> None:
    """All extractors in turn on a few pages at a time."""
    spent: Counter[tuple[str, str]] = Counter()
    for collection, pages in samples.items():
        for first in range(0, len(pages), TURN):
            for name, extract in tools.items():
                begun = cpu()
                for page in pages[first : first + TURN]:
                    extract(page)
                spent[name, collection] += cpu() - begun
    size = {name: max(sum(map(len, pages)), 1) for name, pages in samples.items()}
    heads = [
        f"{name} ({len(pages)} of {sizes.get(name, sum(sizes.values()))}, {size[name] / max(len(pages), 1) / 1e3:.0f} KB each)"
        for name, pages in samples.items()
    ]
    print(f"\n| {title} | " + " | ".join(heads) + " |")
    print("|---|" + "---|" * len(samples))
    for name in tools:
        cells = [
            f"{1e3 * spent[name, each] * PAGE / size[each]:.2f} ({spent[name, each] / max(spent['mathsieve', each], 1e-9):.1f}x)"
            for each in samples
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=150, help="real pages of each collection (default 150)")
    parser.add_argument(
        "--cost", action="store_true", help="only what a real page costs, without lynx, whose cost is its start"
    )
    arguments = parser.parse_args()
    tools = extractors()
    if arguments.cost:
        tools.pop("lynx", None)
    else:
        generated(tools)
    folder = os.environ.get("MATHSIEVE_REAL_DATA")
    if folder is None:
        print("\nMATHSIEVE_REAL_DATA is not set: real pages left out", file=sys.stderr)
        return 0
    found = list(collections(Path(folder), arguments.pages))
    if not arguments.cost:
        recall(tools, found)
    cost(tools, found, arguments.pages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
