"use strict";
// The browser of examples: filters on the left decide the list, a click or the arrow keys decide what is shown.
const samples = JSON.parse(document.getElementById("samples").textContent);
const list = document.getElementById("list"), detail = document.getElementById("detail");
const filters = ["source", "form", "language", "outcome"];
let shown = [], chosen = 0;

for (const name of filters) {
  const select = document.getElementById(name);
  for (const value of ["", ...new Set(samples.map((sample) => sample[name]).filter(Boolean))].sort()) {
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
    filters.every((name) => ["", sample[name] || ""].includes(document.getElementById(name).value)) &&
    (sample.prompt + sample.response).toLowerCase().includes(words));
  document.getElementById("count").textContent = `${shown.length} of ${samples.length}`;
  list.replaceChildren(...shown.map((sample, index) => {
    const item = element("div", "item");
    item.style.position = "static";
    item.append(element("b", "", [sample.source, sample.form, sample.language, sample.outcome === "kept" ? "" : sample.outcome].filter(Boolean).join(" · ")), element("p", "", question(sample)));
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
  reveal(list.children[index]);
  const about = [sample.field, sample.topic, sample.subject].filter(Boolean).join(" · ") || "no subject";
  const facts = sample.outcome === "kept"
    ? `${sample.id} · ${about} · reference ${sample.reference || "none"} · ${sample.verification || "not looked at"}`
    : `${sample.id} · left out: ${sample.outcome.replaceAll("_", " ")}` + (sample.detail ? ` (${sample.detail})` : "");
  detail.append(element("p", "note", facts), element("div", "text prompt", sample.prompt), response(sample.response));
}

// Moves the list alone: scrollIntoView moves the page as well, which then opens at the browser instead of at its top.
function reveal(item) {
  const top = item.offsetTop, bottom = top + item.offsetHeight;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
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
