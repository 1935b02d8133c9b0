"use strict";
// The page's state is the step (0: everything at once), the pass of each loop, and the line that is pointed at. `render` shows it.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const steps = data.steps;
const state = { step: 0, passes: data.loops.map((loop) => loop.passes[loop.passes.length - 1]), pointed: null, kept: null };

// ---- what belongs together

const linesOf = { original: [...document.querySelectorAll("#original .line")], generated: [...document.querySelectorAll("#generated .line")] };
const nodes = new Map([...document.querySelectorAll("#graph .node[data-node]")].filter((n) => data.nodes[n.dataset.node]).map((n) => [n.dataset.node, n]));
const flows = [...document.querySelectorAll("#graph .node[data-node]")].filter((n) => data.flow[n.dataset.node]).map((n) => [n, data.flow[n.dataset.node]]);
const generatedFor = new Map(); // the user's line -> the generated lines that say it
data.code.forEach((said, i) => said.forEach((spot) => generatedFor.set(spot, [...(generatedFor.get(spot) || []), `g-${i + 1}`])));
const nodesFor = new Map(); // the user's line -> [node, passes]
for (const [key, said] of Object.entries(data.nodes)) {
  for (const [spot, passes] of said) nodesFor.set(spot, [...(nodesFor.get(spot) || []), [key, passes]]);
}
const heldBy = new Map();
for (const held of data.held) heldBy.set(held.line, [...(heldBy.get(held.line) || []), held]);
const stepsOn = new Map();
steps.forEach((step, i) => stepsOn.set(step.line, [...(stepsOn.get(step.line) || []), i]));
const counted = {};
const place = steps.map((step) => (counted[step.half] = (counted[step.half] || 0) + 1));

const fits = (passes, chosen = state.passes) => passes.every(([loop, pass]) => chosen[loop] === pass);
const saidBy = (id) => (id.startsWith("u") ? [id] : id.startsWith("g-") ? data.code[Number(id.slice(2)) - 1] : data.nodes[id].map(([spot]) => spot).filter(Boolean));

function nodesOf(spots, passes = state.passes) {
  const found = spots.flatMap((spot) => nodesFor.get(spot) || []);
  const inPass = found.filter(([, at]) => fits(at, passes));
  return [...new Set((inPass.length ? inPass : found).map(([key]) => key))].filter((key) => nodes.has(key));
}

// ---- values of lines

function reading(list) {
  // Several runs of a line in one pass (calls): the first few, in order.
  const shown = list.length > 3 ? [list[0], "...", list[list.length - 1]] : list;
  return shown.join("; ");
}

function heldText(spot, field) {
  const at = state.step - 1;
  const names = new Map();
  for (const held of heldBy.get(spot) || []) {
    if (!fits(held.passes) || held[field] === "") continue;
    if (state.step && at < (field === "value" ? held.known : held.back)) continue;
    names.set(held.name, [...(names.get(held.name) || []), held[field]]);
  }
  return [...names].map(([name, list]) => (names.size > 1 ? `${name} ${reading(list)}` : reading(list))).join(", ");
}

function generatedText(line) {
  const ran = (stepsOn.get(line) || []).filter((i) => (!state.step || i < state.step) && fits(steps[i].passes));
  const last = ran.length ? steps[ran[ran.length - 1]] : null;
  if (!last) return "";
  if (last.values.length === 1) return last.values[0][1];
  return last.values.map(([name, value]) => `${name} ${value}`).join(", ");
}

function whole(content) {
  const span = document.createElement("span");
  span.className = "part";
  span.append(...content);
  return span;
}

function parts(text) {
  // Lines are broken at spaces only, and first between the shape of an array and its range.
  const words = (piece) => piece.split(" ").flatMap((word, i) => (i ? [" ", whole([word])] : [whole([word])]));
  const found = /^((?:\(\d+,\)|\d+(?: x \d+)+),) (\S.*)$/.exec(text);
  return found ? [whole([found[1]]), " ", whole(words(found[2]))] : words(text);
}

function put(row, kind, text) {
  const span = row.querySelector(`:scope > .${kind}`);
  if (!span || span.dataset.text === text) return;
  span.dataset.text = text;
  span.replaceChildren();
  if (!text) return;
  const label = document.createElement("span");
  label.className = "hidden";
  label.textContent = ` ${kind} `;
  span.append(label, ...parts(text));
}

function showFlow() {
  // What is not yet known at this step is not yet shown in the graph.
  const at = state.step - 1;
  for (const [node, [known, back]] of flows) {
    node.classList.toggle("no-value", at >= 0 && at < known);
    node.classList.toggle("no-gradient", at >= 0 && at < back);
  }
}

function showValues() {
  for (const row of linesOf.original) {
    put(row, "value", heldText(row.id, "value"));
    put(row, "gradient", heldText(row.id, "gradient"));
  }
  for (const row of linesOf.generated) {
    const line = Number(row.id.slice(2));
    put(row, "value", generatedText(line));
    const ran = stepsOn.get(line) || [];
    row.classList.toggle("later", state.step > 0 && ran.length > 0 && ran[0] >= state.step);
  }
}

// ---- the step at hand

function sourceOf(spot) {
  const row = byId(spot);
  return row ? row.querySelector("code").textContent.trim().replace(/:$/, "") : "";
}

function numberOf(id) {
  return id.slice(id.indexOf("-") + 1);
}

function passesText(passes) {
  const one = ([loop, pass]) => {
    const { label, count } = data.loops[loop];
    const where = passes.length > 1 ? ` of ${label}` : "";
    return pass > count ? `after the last pass${where}` : `pass ${pass}${where || ` of ${count}`}`;
  };
  return passes.map(one).join(", ");
}

function whatText(step) {
  const at = step.passes.length ? `, ${passesText(step.passes)}` : "";
  const from = step.said.length ? `: ${sourceOf(step.said[0])}` : ": bookkeeping";
  if (step.half === "forward") return `Forward ${place[state.step - 1]} of ${counted.forward}${at}${from}`;
  if (step.half === "backward") return `Backward ${place[state.step - 1]} of ${counted.backward}${at}${step.said.length ? `, back through${from.slice(1)}` : from}`;
  return step.half === "seed" ? "The backward pass begins" : "The result";
}

function formula(step) {
  const out = [];
  const add = (text, kind) => {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    out.push(span);
  };
  add(step.text, "statement");
  for (const [text, kind] of [[step.numbers === step.result ? "" : step.numbers, "numbers"], [step.result, "result"]]) {
    if (text && !step.text.endsWith(`= ${text}`)) {
      add(" = ", "equals");
      add(text, kind);
    }
  }
  const left = step.values.filter(([, value]) => step.values.length > 1 || value !== step.result);
  left.forEach(([name, value], i) => {
    add(i ? ", " : ", so ", "equals");
    add(`${name} = ${value}`, "result");
  });
  return out;
}

function showStep() {
  const step = state.step ? steps[state.step - 1] : null;
  byId("slider").value = state.step;
  byId("slider").setAttribute("aria-valuetext", step ? `step ${state.step} of ${steps.length}` : "everything at once");
  byId("count").textContent = step ? `step ${state.step} of ${steps.length}` : `${steps.length} steps`;
  byId("back").disabled = state.step === 0;
  byId("next").disabled = state.step === steps.length;
  byId("what").textContent = step ? whatText(step) : "Everything at once: each line with its value and its gradient. Point at a line to see what belongs to it, or step through.";
  byId("formula").className = step ? (step.half === "forward" || step.half === "backward" && !step.said.length ? "forward" : "backward") : "";
  byId("formula").replaceChildren(...(step ? formula(step) : []));
  for (const old of document.querySelectorAll(".now")) old.classList.remove("now");
  if (!step) return;
  const passes = [...state.passes];
  for (const [loop, pass] of step.passes) passes[loop] = pass;
  const lit = [step.line ? byId(`g-${step.line}`) : null, ...step.said.map(byId), ...nodesOf(step.said, passes).map((key) => nodes.get(key))].filter(Boolean);
  for (const element of lit) element.classList.add("now");
  for (const row of lit) {
    const scroller = row.closest(".rows");
    if (scroller) reveal(scroller, row);
  }
  const node = lit.find((element) => element.closest("#graph"));
  if (node) revealNode(node);
}

function reveal(scroller, row) {
  const top = row.offsetTop;
  if (top < scroller.scrollTop || top + row.offsetHeight > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top - scroller.clientHeight / 3;
}

function revealNode(node) {
  const canvas = byId("graph");
  const [inner, outer] = [node.getBoundingClientRect(), canvas.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) canvas.scrollLeft += inner.left - outer.left - outer.width / 2;
  if (inner.top < outer.top || inner.bottom > outer.bottom) canvas.scrollTop += inner.top - outer.top - outer.height / 2;
}

// ---- pointing

function showPointed() {
  for (const old of document.querySelectorAll(".lit, .pointed")) old.classList.remove("lit", "pointed");
  const id = state.pointed || state.kept;
  byId("linked").textContent = id ? linkedText(id) : "";
  if (!id) return;
  for (const element of counterparts(id)) element.classList.add("lit");
  const own = nodes.get(id) || byId(id);
  own.classList.add(nodes.has(id) ? "lit" : "pointed");
}

function counterparts(id) {
  const spots = saidBy(id);
  const lines = [...spots, ...(id.startsWith("g-") ? [] : spots.flatMap((spot) => generatedFor.get(spot) || []))];
  const lit = nodes.has(id) ? [] : nodesOf(spots).map((key) => nodes.get(key));
  return [...new Set(lines)].filter((line) => line !== id).map(byId).filter(Boolean).concat(lit);
}

function ranges(list) {
  // Numbers of lines in few words: 3, 8 to 10.
  const runs = [];
  for (const number of list.map(Number)) {
    const last = runs[runs.length - 1];
    if (last && last[1] === number - 1) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}${last === first + 1 ? ", " : " to "}${last}`)).join(", ");
}

function linkedText(id) {
  const found = counterparts(id);
  const own = found.filter((e) => e.id.startsWith("u")).map((e) => numberOf(e.id));
  const made = found.filter((e) => e.id.startsWith("g-")).map((e) => numberOf(e.id));
  const name = (words, list) => (list.length ? `${words} line${list.length > 1 ? "s" : ""} ${ranges(list)}` : "");
  const what = id.startsWith("g-") ? `Generated line ${numberOf(id)}` : id.startsWith("u") ? `Line ${numberOf(id)}` : "This node";
  const parts = [name("the function's", own), name("generated", made)].filter(Boolean);
  return `${what}: ${parts.join("; ") || "no line of the other text belongs to it"}`;
}

function point(id) {
  if (state.pointed === id) return;
  state.pointed = id;
  showPointed();
}

function keep(id) {
  state.kept = state.kept === id ? null : id;
  showPointed();
}

// ---- moving

function go(step) {
  state.step = Math.max(0, Math.min(steps.length, step));
  for (const [loop, pass] of state.step ? steps[state.step - 1].passes : []) state.passes[loop] = Math.min(pass, data.loops[loop].count);
  render();
}

function choose(loop, pass) {
  state.passes[loop] = pass;
  const here = state.step ? steps[state.step - 1] : null;
  if (here) {
    const wanted = (s) => s.half === here.half && s.passes.some(([l, p]) => l === loop && p === pass);
    const same = steps.findIndex((s) => wanted(s) && s.line === here.line && fits(s.passes));
    const found = same >= 0 ? same : steps.findIndex(wanted);
    if (found >= 0) return go(found + 1);
  }
  return render();
}

function render() {
  showValues();
  showFlow();
  showStep();
  showPointed();
  document.querySelectorAll("#loops select").forEach((select, loop) => { select.value = state.passes[loop]; });
}

function chooser(loop, number) {
  const label = document.createElement("label");
  const code = document.createElement("code");
  const select = document.createElement("select");
  code.textContent = loop.label;
  for (const pass of loop.passes) select.add(new Option(`pass ${pass} of ${loop.count}`, pass));
  select.addEventListener("change", () => choose(number, Number(select.value)));
  label.append(code, select);
  return label;
}

// ---- what the user does

function keyed(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === "SELECT") return;
  const row = event.target.closest?.(".line");
  const moves = { ArrowLeft: state.step - 1, ArrowRight: state.step + 1, Home: 0, End: steps.length };
  if (event.key in moves) go(moves[event.key]);
  else if (row && (event.key === "ArrowUp" || event.key === "ArrowDown")) moveFocus(row, event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter" && (row || event.target.dataset?.node)) keep(row ? row.id : event.target.dataset.node);
  else if (event.key === "Escape") { state.kept = state.pointed = null; showPointed(); }
  else return;
  event.preventDefault();
}

function moveFocus(row, by) {
  const list = row.closest("#original") ? linesOf.original : linesOf.generated;
  const next = list[list.indexOf(row) + by];
  if (!next) return;
  row.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function watch(element, id) {
  element.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") point(id); });
  element.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") point(null); });
  element.addEventListener("focus", () => { if (element.matches(":focus-visible")) point(id); });
  element.addEventListener("blur", () => point(null));
  element.addEventListener("click", () => keep(id));
}

function themed(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light colours" : "Switch to dark colours");
}

function begin() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  themed(dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => themed(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => themed(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  byId("slider").max = steps.length;
  byId("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  byId("back").addEventListener("click", () => go(state.step - 1));
  byId("next").addEventListener("click", () => go(state.step + 1));
  byId("loops").append(...data.loops.map(chooser));
  for (const list of Object.values(linesOf)) list.forEach((row, i) => { row.tabIndex = i ? -1 : 0; watch(row, row.id); });
  for (const [key, node] of nodes) {
    node.dataset.line = "";
    if (nodes.size <= 60) { node.tabIndex = 0; node.setAttribute("role", "button"); node.setAttribute("aria-label", `node ${node.textContent.trim()}`); }
    watch(node, key);
  }
  document.addEventListener("keydown", keyed);
  render();
}

begin();
