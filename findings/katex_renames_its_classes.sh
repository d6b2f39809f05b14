#!/usr/bin/env bash
# The guess: KaTeX's HTML keeps the class names that readers of its pages have relied on for ten years: base, strut, vlist.
# What happens: KaTeX 0.19 gives some of them a prefix (katex-base, katex-strut) and leaves others (vlist, mord) as they
# are. Whoever finds formulas by `.base` finds none in new pages, and must know both spellings.
# katex 0.16.22 and 0.19.1 (npm); source: run here.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"; mkdir old new
(cd old && npm install --silent --no-fund --no-audit katex@0.16.22 >/dev/null 2>&1)
(cd new && npm install --silent --no-fund --no-audit katex@0.19.1 >/dev/null 2>&1)
cat > classes.js <<'JS'
const { createRequire } = require("module");
const at = createRequire(process.cwd() + "/" + process.argv[2] + "/");
const html = at("katex").renderToString("\\frac{a}{b}", { output: "html" });
const found = new Set([...html.matchAll(/class="([^"]*)"/g)].flatMap((one) => one[1].split(" ")));
console.log([...found].sort().join(" "));
JS
old=$(node classes.js old); new=$(node classes.js new)
echo "katex 0.16.22: $old"; echo "katex 0.19.1:  $new"
[[ " $old " == *" base "* && " $old " == *" strut "* && " $old " == *" vlist "* ]]
[[ " $new " == *" katex-base "* && " $new " == *" katex-strut "* && " $new " != *" base "* && " $new " == *" vlist "* ]]
