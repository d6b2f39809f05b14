"use strict";
// A reader's verdicts on the sample of the report, page by page. They lie in the browser's storage until they are downloaded,
// as lines that `mathsieve label --labels` reads. Page texts are shown as text, never as markup.
const sample = JSON.parse(document.getElementById("sample").textContent);
const reader = document.getElementById("reader");
const place = `mathsieve labels ${sample.length} ${sample[0].url} ${sample[sample.length - 1].digest}`;
const verdicts = stored();
let at = Math.max(0, sample.findIndex((page, number) => !isWhole(verdicts[number])));

function stored() {
  try { return JSON.parse(localStorage.getItem(place)) || {}; } catch { return {}; }
}

function store() {
  try { localStorage.setItem(place, JSON.stringify(verdicts)); } catch { /* private windows have none: download before closing */ }
}

function isWhole(verdict) {
  return verdict !== undefined && verdict.mathematics !== undefined && verdict.teaching !== undefined;
}

function show() {
  const page = sample[at], verdict = verdicts[at] || {};
  const done = sample.filter((_, number) => isWhole(verdicts[number])).length;
  document.getElementById("page-url").textContent = page.url;
  document.getElementById("page-text").textContent = page.text;
  document.getElementById("page-text").scrollTop = 0;
  document.getElementById("progress").textContent = `page ${at + 1} of ${sample.length}, ${done} judged`;
  document.getElementById("download").disabled = done === 0 || reader.value.trim() === "";
  for (const button of document.querySelectorAll("#labelling .mathematics")) {
    button.classList.toggle("chosen", button.dataset.answer === verdict.mathematics);
  }
  for (const button of document.querySelectorAll("#labelling .teaching")) {
    button.classList.toggle("chosen", Number(button.dataset.value) === verdict.teaching);
  }
}

function go(step) {
  at = Math.min(sample.length - 1, Math.max(0, at + step));
  show();
}

// The page after follows once both questions are answered.
function judge(part) {
  verdicts[at] = { ...verdicts[at], ...part };
  store();
  go(isWhole(verdicts[at]) ? 1 : 0);
}

function labels() {
  const today = new Date().toISOString().slice(0, 10);
  const own = { by: "person", who: reader.value.trim(), why: "", when: today };
  return sample.flatMap(({ text, ...page }, number) => (isWhole(verdicts[number]) ? [{ ...page, ...verdicts[number], ...own }] : []));
}

function download() {
  const lines = labels().map((label) => JSON.stringify(label) + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines], { type: "application/jsonl" }));
  link.download = "labels.jsonl";
  link.click();
  URL.revokeObjectURL(link.href);
}

for (const button of document.querySelectorAll("#labelling .mathematics")) {
  button.addEventListener("click", () => judge({ mathematics: button.dataset.answer }));
}
for (const button of document.querySelectorAll("#labelling .teaching")) {
  button.addEventListener("click", () => judge({ teaching: Number(button.dataset.value) }));
}
document.getElementById("before").addEventListener("click", () => go(-1));
document.getElementById("after").addEventListener("click", () => go(1));
document.getElementById("download").addEventListener("click", download);
reader.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (event.target === reader || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "y" || event.key === "n") judge({ mathematics: event.key === "y" ? "yes" : "no" });
  else if (/^[0-5]$/.test(event.key)) judge({ teaching: Number(event.key) });
  else if (event.key === "ArrowLeft" || event.key === "ArrowRight") go(event.key === "ArrowLeft" ? -1 : 1);
});
show();
