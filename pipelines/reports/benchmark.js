"use strict";
// The browser of problems. Only what is in view is drawn; details are decoded when a problem is opened.
(async () => {
  const PLACES_IN_SIGHT = 3;
  const HEIGHT = 58; // of one line of the list, as in the style sheet
  const $ = (id) => document.getElementById(id);

  const decoded = new Map();
  function decode(id) {
    if (!decoded.has(id)) {
      decoded.set(id, (async () => {
        const bytes = Uint8Array.from(atob($(id).textContent.replace(/\s/g, "")), (c) => c.charCodeAt(0));
        const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
        return JSON.parse(await new Response(stream).text());
      })());
    }
    return decoded.get(id);
  }

  if (typeof DecompressionStream === "undefined") {
    $("detail").textContent = "This browser cannot unpack the problems (it needs DecompressionStream: any browser since 2023).";
    return;
  }
  const evaluations = await decode("index");
  const places = evaluations.map((e) => new Map(e.problems.map((p, i) => [p.id, i])));
  const state = { shown: [], chosen: null };

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function options(select, pairs, keep) {
    const before = keep ? select.value : null;
    select.replaceChildren(...pairs.map(([value, text]) => element("option", { value, textContent: text })));
    if (before !== null && pairs.some(([value]) => value === before)) select.value = before;
  }

  const current = () => Number($("evaluation").value);
  const beside = () => ($("beside").value === "" ? null : Number($("beside").value));
  const name = (e) => `${e.model} · ${e.title} ${e.form}`;

  function share(problem, profile) {
    const outcomes = problem.outcomes[profile] || [];
    return outcomes.length ? outcomes.filter((o) => o === "correct").length / outcomes.length : 0;
  }

  function other(problem) {
    const number = beside();
    if (number === null) return null;
    const place = places[number].get(problem.id);
    return place === undefined ? null : evaluations[number].problems[place];
  }

  const tests = {
    "": () => true,
    right: (p, g) => share(p, g) === 1,
    wrong: (p, g) => share(p, g) === 0,
    mixed: (p, g) => share(p, g) > 0 && share(p, g) < 1,
    no_answer: (p, g) => (p.outcomes[g] || []).includes("no_answer"),
    disagree: (p) => { const all = Object.keys(p.outcomes).map((g) => p.outcomes[g].map((o) => o === "correct").join()); return new Set(all).size > 1; },
    truncated: (p) => p.truncated,
    empty: (p) => p.empty,
    programs: (p) => p.programs > 0,
    timeouts: (p) => p.timeouts > 0,
    contaminated: (p) => p.contaminated,
    flipped: (p, g) => { const o = other(p); return o !== null && share(p, g) !== share(o, g); },
    gained: (p, g) => { const o = other(p); return o !== null && share(p, g) > share(o, g); },
    lost: (p, g) => { const o = other(p); return o !== null && share(p, g) < share(o, g); },
  };

  function evaluationChanged() {
    const e = evaluations[current()];
    options($("profile"), e.profiles.map((p) => [p, p]), true);
    const rest = evaluations.map((o, i) => [String(i), name(o), o]).filter(([i, , o]) => Number(i) !== current() && o.title === e.title);
    options($("beside"), [["", "nothing"], ...rest.map(([i, n]) => [i, n])], true);
    for (const key of ["subject", "level"]) {
      const values = [...new Set(e.problems.map((p) => p[key]).filter(Boolean))].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
      options($(key), [["", values.length ? "all" : "none told"], ...values.map((v) => [v, v])], true);
    }
    filter();
  }

  function filter() {
    const profile = $("profile").value, test = tests[$("outcome").value];
    const subject = $("subject").value, level = $("level").value;
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    state.shown = evaluations[current()].problems.filter((p) => {
      if ((subject && p.subject !== subject) || (level && p.level !== level) || !test(p, profile)) return false;
      if (!words.length) return true;
      p.haystack ??= [p.id, p.question, p.reference, ...p.predictions].join(" ").toLowerCase();
      return words.every((w) => p.haystack.includes(w));
    });
    const right = state.shown.reduce((sum, p) => sum + share(p, profile), 0);
    $("count").textContent = `${state.shown.length} of ${evaluations[current()].problems.length} problems, ${right.toFixed(right % 1 ? 1 : 0)} right`;
    $("spacer").style.height = `${state.shown.length * HEIGHT}px`;
    $("list").scrollTop = 0;
    draw();
  }

  function marks(problem, profile) {
    const s = share(problem, profile), outcomes = problem.outcomes[profile] || [];
    const text = outcomes.length === 1 ? (s ? "✓" : "✗") : `${outcomes.filter((o) => o === "correct").length}/${outcomes.length}`;
    return element("span", { className: s === 1 ? "right" : s === 0 ? "wrong" : "mixed", textContent: text });
  }

  function draw() {
    const list = $("list"), profile = $("profile").value;
    const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 4);
    const last = Math.min(state.shown.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + 4);
    $("spacer").replaceChildren(...state.shown.slice(first, last).map((problem, offset) => {
      const flags = element("span", { className: "marks" }, marks(problem, profile));
      const o = other(problem);
      if (o) flags.append(" | ", marks(o, profile));
      const item = element("div", { className: "item" + (problem.id === state.chosen ? " chosen" : "") }, flags,
        element("b", { textContent: problem.id + (problem.contaminated ? " ⚠" : "") }),
        element("p", { textContent: problem.question }));
      item.style.top = `${(first + offset) * HEIGHT}px`;
      item.onclick = () => choose(problem);
      return item;
    }));
  }

  async function choose(problem) {
    state.chosen = problem.id;
    draw();
    const sides = [current(), beside()].filter((n) => n !== null && places[n].has(problem.id));
    const columns = await Promise.all(sides.map((number) => column(number, problem.id)));
    if (state.chosen !== problem.id) return; // another one was chosen meanwhile
    const about = [problem.subject, problem.level && `level ${problem.level}`, problem.steps && `${problem.steps} steps`].filter(Boolean).join(" · ");
    const detail = await details(sides[0], problem.id);
    const head = [element("h3", { textContent: problem.id }), element("small", { textContent: about }),
      element("div", { className: "question", textContent: problem.question }),
      element("p", {}, "Reference: ", element("b", { textContent: problem.reference }))];
    if (problem.contaminated) head.push(element("p", { className: "mixed", textContent: "⚠ The training data contain this problem." }));
    head.push(...drawPlaces(detail.places));
    if (detail.solution) head.push(element("details", {}, element("summary", { textContent: "The source's solution" }), element("pre", { textContent: detail.solution })));
    $("detail").replaceChildren(...head, element("div", { className: "columns" }, ...columns));
    $("detail").scrollTop = 0;
  }

  // The first few places in sight, the others folded away: what the model wrote stands below.
  function drawPlaces(found) {
    const list = (some) => element("ul", {}, ...some.map(drawPlace));
    const rest = found.slice(PLACES_IN_SIGHT);
    return [...(found.length ? [list(found.slice(0, PLACES_IN_SIGHT))] : []),
      ...(rest.length ? [element("details", {}, element("summary", { textContent: `${rest.length} more places` }), list(rest))] : [])];
  }

  // A page or example that holds the problem, how it matched, and the words that agree.
  function drawPlace(place) {
    const web = /^https?:\/\//.test(place.place);
    const where = web ? element("a", { href: place.place, textContent: place.place, rel: "noreferrer" }) : element("b", { textContent: place.place });
    return element("li", {}, `${place.table}: `, where, ` (${place.match}, ${Math.round(100 * place.share)} %) `, element("q", { textContent: place.span }));
  }

  async function details(number, id) {
    const place = places[number].get(id), piece = evaluations[number].piece;
    return (await decode(`piece-${number}-${Math.floor(place / piece)}`))[place % piece];
  }

  async function column(number, id) {
    const detail = await details(number, id);
    return element("div", {}, element("h3", { textContent: name(evaluations[number]) }),
      ...(detail.prompts.length === 1 ? [promptView(detail.prompts[0])] : []),
      ...detail.samples.map((sample, index) => drawSample(sample, index, detail)));
  }

  const folded = (title, ...inside) => element("details", {}, element("summary", { textContent: title }), ...inside);

  // The prompt as it was sent: text, or the messages of a conversation as JSON.
  function promptView(text) {
    let messages = null;
    try { messages = JSON.parse(text); } catch { /* plain text */ }
    if (messages && !Array.isArray(messages)) messages = messages.messages;
    if (!Array.isArray(messages)) return folded("prompt as sent", element("pre", { textContent: text }));
    return folded("prompt as sent", ...messages.map((m) => element("pre", {},
      element("b", { textContent: `${m.role}\n` }), typeof m.content === "string" ? m.content : JSON.stringify(m.content ?? m, null, 1))));
  }

  const ENDINGS = { length: "cut by a limit of tokens", length_in_thinking: "cut while thinking", content_filter: "held back by a filter",
    refusal: "refused", tool_call: "called a tool that is not there", calls: "used all its calls", error: "failed", stop: "ended by itself" };

  function drawSample(sample, index, detail) {
    const count = detail.samples.length;
    const facts = [ENDINGS[sample.finish] || sample.finish];
    if (sample.tokens) facts.push(`${sample.tokens} tokens` + (sample.reasoning_tokens ? `, ${sample.reasoning_tokens} of thinking` : ""), `${sample.seconds} s`);
    if (sample.prompt_tokens) facts.push(`prompt ${sample.prompt_tokens} tokens`);
    if (sample.calls > 1) facts.push(`${sample.calls} calls`);
    if (sample.discarded_tokens) facts.push(`${sample.discarded_tokens} tokens thrown away`);
    if (count > 1) facts.unshift(`sample ${index}`);
    const verdicts = sample.grades.map(([profile, outcome, prediction, reason, stage, program]) =>
      element("div", { className: "verdict" }, element("b", { textContent: `${profile}: ` }),
        element("span", { className: outcome === "correct" ? "right" : "wrong", textContent: outcome }),
        ` · extracted ${prediction === null ? "nothing" : `“${prediction.slice(0, 300)}”`} · ${reason} · decided by ${stage}` +
        (program === null ? "" : ` · last program output alone ${program ? "right" : "wrong"}`)));
    const runs = sample.programs.map(([code, status, output, seconds], i) =>
      folded(`program ${i + 1}: ${status}, ${seconds} s`, element("pre", { textContent: code }), element("pre", { className: "output", textContent: output })));
    const thinking = sample.reasoning ? [folded("thinking", element("div", { className: "thinking", textContent: sample.reasoning }))] : [];
    if (thinking.length && !sample.text.trim()) thinking[0].open = true; // there is nothing else to see
    return element("div", { className: "sample" }, element("small", { textContent: facts.join(" · ") }), ...verdicts,
      ...(detail.prompts.length > 1 && sample.prompt !== null ? [promptView(detail.prompts[sample.prompt])] : []), ...thinking, ...runs,
      ...(sample.error ? [element("p", { className: "wrong", textContent: sample.error })] : []),
      ...(sample.text.trim() ? [trajectory(sample.text)] : [element("p", { className: "mixed", textContent: "The answer is empty." })]));
  }

  // Code and output blocks are set apart; everything a model wrote stays text.
  function trajectory(text) {
    const box = element("div", { className: "text" });
    for (const part of text.split(/(```[a-zA-Z]*\n[\s\S]*?(?:```|$))/)) {
      const block = /^```([a-zA-Z]*)\n([\s\S]*?)(?:```|$)$/.exec(part);
      box.append(block ? element("pre", { className: block[1] === "output" ? "output" : "code", textContent: block[2].trimEnd() }) : part);
    }
    return box;
  }

  options($("evaluation"), evaluations.map((e, i) => [String(i), name(e)]), false);
  $("evaluation").onchange = evaluationChanged;
  for (const id of ["beside", "profile", "outcome", "subject", "level"]) $(id).onchange = filter;
  let pause;
  $("search").oninput = () => { clearTimeout(pause); pause = setTimeout(filter, 120); };
  $("list").onscroll = () => requestAnimationFrame(draw);
  window.addEventListener("resize", draw);
  $("list").onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const place = state.shown.findIndex((p) => p.id === state.chosen) + step;
    if (!state.shown[place]) return;
    const list = $("list"), top = place * HEIGHT;
    if (top < list.scrollTop) list.scrollTop = top;
    if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
    choose(state.shown[place]);
  };
  for (const button of document.querySelectorAll("button[data-flips]")) {
    button.onclick = () => {
      const { a, b, profile } = button.dataset;
      $("evaluation").value = evaluations.findIndex((e) => name(e) === a);
      evaluationChanged();
      $("beside").value = evaluations.findIndex((e) => name(e) === b);
      $("profile").value = profile;
      $("outcome").value = "flipped";
      filter();
      $("browser").scrollIntoView();
    };
  }
  evaluationChanged();
  if (state.shown.length) choose(state.shown[0]);
})();
