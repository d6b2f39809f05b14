"""Which hidden text is content: what readers are meant to open, not menus, dialogs and messages."""

from __future__ import annotations

import pytest

from pipelines.extraction import html_to_text

LINE = "Count the ways to choose three of seven different colours, and explain each step of your reasoning. "
HIDDEN = "There are thirty-five ways to do so."


def text_of(hidden: str) -> str:
    return html_to_text(f"<h1>Colours</h1><p>{LINE * 3}</p>{hidden}<p>{LINE * 2}</p>")


@pytest.mark.parametrize(
    "markup",
    [
        '<button>Open</button><div style="display:none">{}</div>',
        '<input type="button" value="Show the answer"><div style="display: none">{}</div>',
        '<a href="#" onclick="flip()">Lösung</a><div hidden><p>{}</p></div>',
        '<a href="javascript:flip()">查看答案</a><div hidden><p>{}</p></div>',
        '<div class="solution" style="display:none">{}</div>',
        '<div id="hint-2" hidden>{}</div>',
        '<div class="tab-pane" style="display:none">{}</div>',
        '<div class="collapse" aria-hidden="true">{}</div>',
        '<a data-toggle="x" aria-controls="z9">Open</a><p>Then:</p><div id="z9" style="visibility:hidden">{}</div>',
        "<i onclick=\"flip('z9')\">+</i><p>Then:</p><div id='z9' hidden>{}</div>",
        '<div style="display:none">{} So \\(n=35\\).</div>',
    ],
)
def test_what_readers_open_stays(markup: str) -> None:
    assert HIDDEN in text_of(markup.replace("{}", HIDDEN))


@pytest.mark.parametrize(
    "markup",
    [
        '<div style="display:none">{}</div>',
        '<a href="/other">Answer</a><div style="display:none">{}</div>',
        '<button>Open</button><p>Then:</p><div style="display:none">{}</div>',
        '<button>Menu</button><div class="dropdown" style="display:none">{}</div>',
        '<button>Log in</button><div style="display:none">{} <input name="password"></div>',
        '<button>Open</button><div style="display:none" role="dialog">{}</div>',
        '<button>Open</button><nav style="display:none">{}</nav>',
        '<div class="answer error" style="display:none">{}</div>',
        '<div class="more" style="display:none"><a href="/a">{}</a></div>',
        '<div class="solution sidebar" style="display:none">{}</div>',
        '<div class="answer" style="display:none">\\(\\newcommand{\\a}{b}\\) {}</div>',
    ],
)
def test_what_a_program_shows_stays_out(markup: str) -> None:
    assert HIDDEN not in text_of(markup.replace("{}", HIDDEN))
