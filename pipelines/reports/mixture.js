"use strict";
// The browser of examples: filters on the left decide the list, a click or the arrow keys decide what is shown.
const samples = JSON.parse(document.getElementById("samples").textContent);
const list = document.getElementById("list"), detail = document.getElementById("detail");
const filters = ["source", "form", "language"];
let shown = [], chosen = 0;

for (const name of filters) {
  const select = document.getElementById(name);
  for (const value of ["", ...new Set(samples.map((sample) => sample[name]))].sort()) {
    select.append(new Option(value || "all", value));
  }
  select.addEventListener("change", update);
}
document.getElementById("search").addEventListener("input", update);
list.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || !shown.length) return;
  event.preventDefault();
  choose(Math.min(shown.length - 1, Math.max(0, chosen + step)));
});

function question(sample) {
  return sample.prompt.replace(/^User: /, "").replace(/\n[^\n]*\n\nAssistant:$/, "");
}

function update() {
  const words = document.getElementById("search").value.toLowerCase();
  shown = samples.filter((sample) =>
    filters.every((name) => ["", sample[name]].includes(document.getElementById(name).value)) &&
    (sample.prompt + sample.response).toLowerCase().includes(words));
  document.getElementById("count").textContent = `${shown.length} of ${samples.length}`;
  list.replaceChildren(...shown.map((sample, index) => {
    const item = element("div", "item");
    item.style.position = "static";
    item.append(element("b", "", `${sample.source} · ${sample.form} · ${sample.language}`), element("p", "", question(sample)));
    item.addEventListener("click", () => choose(index));
    return item;
  }));
  choose(0);
}

function choose(index) {
  list.children[chosen]?.classList.remove("chosen");
  chosen = index;
  const sample = shown[index];
  detail.replaceChildren();
  if (!sample) return;
  list.children[index].classList.add("chosen");
  list.children[index].scrollIntoView({ block: "nearest" });
  const facts = `${sample.id} · ${sample.subject || "no subject"} · reference ${sample.reference || "none"} · ` +
    (sample.verified ? "verified" : "not verified");
  detail.append(element("p", "note", facts), element("div", "text prompt", sample.prompt), response(sample.response));
}

// Programs and their outputs are set apart; everything else is text, never markup.
function response(text) {
  const box = element("div", "text");
  for (const part of text.split(/(```(?:python|output)\n[^]*?```)/)) {
    const block = /^```(python|output)\n([^]*?)\n?```$/.exec(part);
    box.append(block ? element("pre", block[1], block[2]) : document.createTextNode(part));
  }
  return box;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

update();
