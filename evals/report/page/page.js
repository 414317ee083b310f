// The list of questions. Texts come from questions, answers and documents: they are only ever set as text.
"use strict";
(async () => {
  if (!("DecompressionStream" in window)) {
    document.getElementById("count").textContent = "This browser can't unpack the list of questions; use one of 2023 or later.";
    return;
  }
  const packed = Uint8Array.from(atob(document.getElementById("data").textContent), (letter) => letter.charCodeAt(0));
  const data = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  const PAGE = 100;
  const byId = (id) => document.getElementById(id);
  let shown = PAGE;

  function make(tag, style, ...children) {
    const element = document.createElement(tag);
    if (style) element.className = style;
    for (const child of children) if (child !== null) element.append(child);
    return element;
  }

  function outcome(run) {
    if (!run) return "absent";
    if (run.error) return "failed";
    return run.right === null || run.right === undefined ? "unknown" : run.right >= 1 ? "right" : "wrong";
  }

  const SIGNS = { right: "✓", wrong: "✗", failed: "failed", unknown: "?", absent: "not asked" };

  function chip(run, n) {
    const state = outcome(run);
    const answer = !run || !data.runs[n].written ? "" : run.status === "unanswerable" ? "unanswerable" : run.short || "no short answer";
    return make("span", `mark-chip ${state}`, `${data.runs[n].name} ${SIGNS[state]}${state === "failed" || !answer ? "" : ` ${answer}`}`);
  }

  function list(tag, heading, items) {
    return items.length ? [make("h4", "", heading), make(tag, "", ...items)] : [];
  }

  function passage(question, [place, rank, retrieval, rerank, steps, wasShown]) {
    const [title, text, isGold] = question.texts[place];
    const scores = `retrieval ${retrieval}${rerank === null ? "" : `, rerank ${rerank}`}${steps ? `, steps ${steps}` : ""}`;
    const item = make("li", isGold ? "gold" : "", make("strong", "", title), " ");
    item.value = rank;
    if (isGold) item.append(make("span", "tag", "gold"), " ");
    if (wasShown) item.append(make("span", "tag plain", "read by the writer"), " ");
    item.append(make("span", "soft", scores));
    if (text) item.append(make("p", "soft", text));
    return item;
  }

  function side(question, run, n) {
    const box = make("div", "side", make("h3", "", data.runs[n].name), make("div", "marks", chip(run, n)));
    if (!run) return box;
    const facts = [run.status && data.runs[n].written ? `${run.status}, confidence ${run.confidence}` : "", run.seconds === null ? "" : `${run.seconds.toFixed(2)} s`];
    box.append(make("p", "soft", facts.filter(Boolean).join("; ")));
    if (run.error) box.append(make("p", "problem", run.error));
    if (run.answer) box.append(make("h4", "", "Answer"), make("p", "", run.answer));
    box.append(
      ...list("ul", "Citations", run.citations.map(([number, title, quote, verified]) =>
        make("li", "", `[${number}] ${title}: “${quote}”`, verified ? null : make("span", "problem", " not verified")))),
      ...list("ul", "Gold passages", run.fates.map((fate, i) => make("li", "", `${question.passages[i] ?? ""}: `, make("strong", "", fate === "found" ? (data.runs[n].written ? "cited" : "would be read") : fate)))),
      ...list("ul", "Steps", run.steps.map(([id, text, answer, status]) =>
        make("li", "", `${id}: ${text} `, make("span", "soft", answer ? `→ ${answer}` : status.replace("_", " "))))),
      ...list("ol", "Evidence", run.evidence.map((item) => passage(question, item))),
      ...list("ul", "Trace", run.trace.map(([node, ms, detail]) => make("li", "", `${node}, ${ms} ms `, make("span", "soft", detail)))),
      ...list("ul", "Scores (%)", [make("li", "", run.scores.map((value, i) => (value === null ? "" : `${data.measures[i]}: ${+(100 * value).toFixed(1)}`)).filter(Boolean).join("; "))]),
    );
    return box;
  }

  function row(question) {
    const summary = make("summary", "",
      make("span", "asked", question.question, " ", make("small", "", [question.type, question.id].filter(Boolean).join(" · "))),
      make("div", "soft", question.gold.length ? `Gold: ${question.gold.join(" / ")}` : "No gold answer"),
      make("div", "marks", ...question.runs.map(chip)));
    const details = make("details", "", summary);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1)
        details.append(make("div", "opened", ...question.runs.map((run, n) => side(question, run, n))));
    });
    return make("li", "", details);
  }

  function option(select, value, text) {
    const one = make("option", "", text);
    one.value = value;
    byId(select).append(one);
  }

  // Outcomes by name, each a test of a question.
  const tests = { "": () => true };
  function offer(name, text, test) {
    if (!data.questions.some(test)) return;
    tests[name] = test;
    option("outcome", name, text);
  }
  const is = (n, state) => (question) => outcome(question.runs[n]) === state;
  offer("failed", "failed in some run", (q) => q.runs.some((run) => outcome(run) === "failed"));
  if (data.runs.length > 1) {
    offer("differ", "runs disagree", (q) => new Set(q.runs.filter(Boolean).map((run) => run.right >= 1 && !run.error)).size > 1);
    offer("none", "wrong in all runs", (q) => q.runs.every((run) => !run || run.error || run.right < 1));
    data.runs.slice(1).forEach((run, i) => {
      const [wonBy, lostBy] = [`${run.name} right, ${data.runs[0].name} wrong`, `${run.name} wrong, ${data.runs[0].name} right`];
      const good = (question, n) => question.runs[n] && !question.runs[n].error && question.runs[n].right >= 1;
      const both = (question) => question.runs[0] && question.runs[i + 1];
      offer(`won ${i}`, wonBy, (q) => both(q) && good(q, i + 1) && !good(q, 0));
      offer(`lost ${i}`, lostBy, (q) => both(q) && good(q, 0) && !good(q, i + 1));
    });
  }
  data.runs.forEach((run, n) => {
    offer(`wrong ${n}`, `${run.name}: wrong`, is(n, "wrong"));
    offer(`right ${n}`, `${run.name}: right`, is(n, "right"));
    if (run.written) offer(`unanswerable ${n}`, `${run.name}: unanswerable`, (q) => q.runs[n]?.status === "unanswerable" && !q.runs[n].error);
  });
  for (const type of [...new Set(data.questions.map((question) => question.type))].sort()) if (type) option("type", type, type);
  for (const fate of [...new Set(data.questions.flatMap((q) => q.runs.flatMap((run) => run?.fates ?? [])))].sort())
    if (fate !== "found") option("fate", fate, fate);

  function matches(question) {
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = [question.id, question.question, ...question.gold, ...question.runs.map((run) => (run ? `${run.short} ${run.answer}` : ""))].join(" ").toLowerCase();
    const [type, fate] = [byId("type").value, byId("fate").value];
    return (!type || question.type === type)
      && (!fate || question.runs.some((run) => run?.fates.includes(fate)))
      && tests[byId("outcome").value](question)
      && words.every((word) => text.includes(word));
  }

  function draw() {
    const found = data.questions.filter(matches);
    byId("list").replaceChildren(...found.slice(0, shown).map(row));
    byId("count").textContent = `${found.length.toLocaleString("en")} of ${data.questions.length.toLocaleString("en")} questions. ✓ and ✗: ${[...new Set(data.runs.map((run) => run.measure))].join(", ")}.${data.cut ? " Texts are cut short to keep this page small; the run folders hold them whole." : ""}`;
    byId("more").hidden = found.length <= shown;
  }

  for (const [id, event] of [["words", "input"], ["type", "change"], ["outcome", "change"], ["fate", "change"]])
    byId(id).addEventListener(event, () => { shown = PAGE; draw(); });
  document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
  byId("more").addEventListener("click", () => { shown += PAGE; draw(); });
  draw();
})();
