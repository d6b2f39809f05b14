"use strict";
// The part of a browser that pipelines/reports/labelling.js touches. A reader's steps come as JSON, what is shown and the file
// that is downloaded are printed.
const fs = require("fs"), vm = require("vm");
const [script, sample, steps] = process.argv.slice(2);
const elements = {}, listeners = {}, saved = {};
let file = null;

function element(dataset = {}) {
  const chosen = new Set(), handlers = {};
  return {
    dataset, value: "", textContent: "", disabled: false, handlers,
    classList: { toggle: (name, on) => (on ? chosen.add(name) : chosen.delete(name)), contains: (name) => chosen.has(name) },
    addEventListener: (name, handler) => (handlers[name] = handler),
    click: () => handlers.click?.(),
  };
}

for (const id of ["sample", "reader", "page-url", "page-text", "progress", "download", "before", "after"]) elements[id] = element();
elements.sample.textContent = sample;
const mathematics = ["yes", "no"].map((answer) => element({ answer }));
const teaching = [0, 1, 2, 3, 4, 5].map((value) => element({ value: String(value) }));
vm.runInNewContext(fs.readFileSync(script, "utf-8"), {
  document: {
    getElementById: (id) => elements[id],
    querySelectorAll: (name) => (name.endsWith(".mathematics") ? mathematics : teaching),
    addEventListener: (name, handler) => (listeners[name] = handler),
    createElement: () => ({ click: () => {} }),
  },
  localStorage: { getItem: (name) => saved[name] ?? null, setItem: (name, value) => (saved[name] = value) },
  URL: { createObjectURL: (blob) => (file = blob.text), revokeObjectURL: () => {} },
  Blob: class { constructor(parts) { this.text = parts.join(""); } },
});
for (const step of JSON.parse(steps)) {
  if (step.key) listeners.keydown({ key: step.key, target: null });
  else if (step.reader) { elements.reader.value = step.reader; elements.reader.handlers.input(); }
  else if (step.press) (step.press === "yes" ? mathematics[0] : elements[step.press]).click();
}
console.log(JSON.stringify({
  url: elements["page-url"].textContent, progress: elements.progress.textContent, file, saved: Object.values(saved)[0] ?? null,
  locked: elements.download.disabled,
}));
