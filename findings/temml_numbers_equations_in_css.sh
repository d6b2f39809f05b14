#!/usr/bin/env bash
# The guess: Temml, which writes MathML for browsers to show, writes the number of an equation as text beside it.
# What happens: in `align` the numbers are counters of a style sheet; the markup holds an empty element of class tml-eqn for
# each. A reader of the page finds formulas without their numbers, and "by (2)" points nowhere. \tag{...} is text.
# temml 0.13.5 (npm); source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"; npm install --silent --no-fund --no-audit temml@0.13.5 >/dev/null 2>&1
cat > numbers.js <<'JS'
const temml = require("temml");
const numbered = temml.renderToString("\\begin{align} x &= 1 \\\\ y &= 7 \\end{align}", { displayMode: true });
const tagged = temml.renderToString("x = 1 \\tag{9}", { displayMode: true });
const text = (html) => html.replace(/<[^>]*>/g, "").replace(/\s+/g, "");
console.log("temml", require("temml/package.json").version);
console.log("align:", text(numbered), "elements tml-eqn:", (numbered.match(/tml-eqn/g) || []).length);
console.log("\\tag{9}:", text(tagged));
process.exit((numbered.match(/tml-eqn/g) || []).length >= 2 && !/2/.test(text(numbered)) && /9/.test(text(tagged)) ? 0 : 1);
JS
node numbers.js
