"""Hidden text that readers are meant to open: solutions and hints behind a button, folded proofs, the other tabs of a program.
Menus, dialogs, forms and messages are hidden as well, and stay out."""

from __future__ import annotations

import re

from pipelines.extraction.document import Element
from pipelines.extraction.plain_math import MARK_OPEN
from pipelines.extraction.statements import SENTENCE_END, TEX_DELIMITED

OPENED_CLASS = re.compile(
    r"(?:^|[\s_-])(?:answers?|ans|solutions?|sol|hints?|proofs?|spoilers?|reveal\w*|collaps\w*|accordion\w*|toggle\w*|togglable|expand\w*|fold\w*|unfold\w*|details|tab-?(?:pane|panel|content)\w*|tabs?|more|readmore|explanation|steps?|walkthrough|jiexi|daan|jieda|lösung|loesung|corrige|correction|solucion|respuesta|show-?hide|hidden-?(?:content|text|answer))(?=$|[\s_\d-])",
    re.IGNORECASE,
)
"""Classes and ids of what a reader opens."""
OPENING_WORDS = re.compile(
    r"\b(?:show|hide|view|reveal|see|check|toggle|expand|read more|click|answers?|solutions?|hints?|proofs?|spoiler|explanation|details|lösung|antwort|hinweis|beweis|anzeigen|réponse|solution|corrigé|indice|afficher|voir|respuesta|solución|pista|mostrar|ver|risposta|soluzione|mostra|resposta|ответ|решение|показать|подсказка)\b|答案|解析|解答|提示|展开|显示|查看|点击|答え|解説|정답|풀이|해설",
    re.IGNORECASE,
)
"""What stands on the button before it."""
CONTROL = re.compile(r"<(button|summary|a|input|span|label|h[1-6]|div)\b([^<>]*)>([^<>]*)(?:</|$)", re.IGNORECASE)
DOES_SOMETHING = re.compile(r"onclick|toggle|collapse|aria-controls|aria-expanded|href=\"(?:#|javascript)|type=\"button\"|role=\"button\"|btn|button|value=", re.IGNORECASE)  # fmt: skip
SHUT_CLASS = re.compile(
    r"(?:^|[\s_-])(?:menus?|nav\w*|dropdown\w*|modal\w*|dialog\w*|pop-?up\w*|popover\w*|tooltip\w*|overlay\w*|login|log-in|signin|sign-in|register|errors?|alerts?|warning|messages?|msg|loading|loader|spinner|toast|notification|cookies?\w*|consent\w*|banner\w*|search\w*|template\w*|share\w*|cart|comment-?form|lang\w*|mobile\w*|sidebar\w*|footer\w*|header\w*|print\w*|noscript|mathjax\w*|mjx\w*|seo|keywords?|metadata|meta)(?=$|[\s_\d-])",
    re.IGNORECASE,
)
"""Classes and ids of what a program shows, not a reader opens."""
FIELDS = re.compile(r"<(?:input|select|textarea|form)\b(?![^<>]*type=\"(?:button|hidden)\")", re.IGNORECASE)
DEFINING_ONLY = re.compile(r"\\(?:newcommand|renewcommand|def|DeclareMathOperator|providecommand|let|gdef|require)\b")
BEFORE = 500
"""Characters of markup before a hidden element in which its button is looked for."""
SHORTEST_HIDDEN = 12
"""Characters of hidden text that is worth a button."""


def is_for_readers(element: Element) -> bool:
    """Whether a hidden element holds text that readers are meant to open."""
    names = f"{element.get('class')} {element.get('id')}"
    text = " ".join(element.text().split())
    if (
        len(text) < SHORTEST_HIDDEN
        or element.tag in ("nav", "footer", "header", "form", "span", "aside")
        or element.traits.role
    ):
        return False
    if (
        10 * element.links > 3 * element.length
        or SHUT_CLASS.search(names)
        or element.traits.kind in ("chrome", "never", "comments")
    ):
        return False
    before, markup = element.markup(BEFORE)
    if FIELDS.search(markup) or DEFINING_ONLY.search(text):
        return False
    if OPENED_CLASS.search(names) or _has_button(before) or element.is_controlled():
        return True
    formulas = MARK_OPEN in text or TEX_DELIMITED.search(text)
    return bool(formulas) and SENTENCE_END.search(text) is not None


def _has_button(before: str) -> bool:
    """Whether a control that opens something stands right before: nothing but its own end tags and blanks follow it."""
    controls = [*CONTROL.finditer(before)]
    if not controls or re.sub(r"<[^<>]*>|\s", "", before[controls[-1].end(3) :]).strip(" :.[]()▼▶+-"):
        return False
    tag, attributes, label = controls[-1].groups()
    value = re.search(r'value="([^"]*)"', attributes)
    words = f"{label} {value[1] if value else ''} "
    if tag.lower() in ("button", "summary"):
        return bool(words.strip())
    return OPENING_WORDS.search(words) is not None and DOES_SOMETHING.search(attributes) is not None
