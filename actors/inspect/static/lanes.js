// Who was in which state when: a lane for each candidate, drawn from the moments that the
// list tells in words. A click looks at that instant.

import { $, time } from "./dom.js";

const svg = $("lanes-svg");
const SPAN = 120_000; // shows at most so long,
const LEAST = 10_000; // and at least so long, in ms
const MOST = 12; // lanes
const ROW = 18;
const END = 8;
const NS = "http://www.w3.org/2000/svg";

let known = null; // what was drawn: { rows, from, to, live }
let pick = () => {};

/** Calls f with the instant that was clicked. */
export const onpick = (f) => { pick = f; };

function shape(parent, tag, attributes, words) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (words !== undefined) node.textContent = words;
  parent.append(node);
  return node;
}

/** The states of each seat over time, oldest first. */
function rowsOf(seats, moments, app) {
  const rows = new Map(seats.slice(0, MOST).map((s) => [s.node, { name: s.node, parts: [] }]));
  for (const m of moments) {
    if (m.kind === "moved") rows.get(m.node)?.parts.push({ at: m.at_ms, state: m.to });
    if (m.kind === "stopped") rows.get(m.node)?.parts.push({ at: m.at_ms, state: "idle" });
  }
  for (const s of seats) { // a state from before what is recorded
    const row = rows.get(s.node);
    if (row && !row.parts.length && !app.as) row.parts.push({ at: Date.parse(s.since) || 0, state: s.state });
  }
  return [...rows.values()];
}

/**
 * When a term was over, though its holder went on: a node that stands still does not
 * notice. Another's taking office says so, since Redis lets nobody in before.
 */
function overtaken(rows, row, at, until) {
  let over = until;
  for (const other of rows) {
    if (other === row) continue;
    for (const p of other.parts) if (p.state === "won" && p.at > at && p.at < over) over = p.at;
  }
  return over;
}

/** Draws the lanes anew. */
export function draw(app, seats, moments) {
  const told = moments.filter((m) => m.kind === "moved" || m.kind === "stopped");
  $("lanes").hidden = !told.length || !seats.length;
  if ($("lanes").hidden) { known = null; return; }
  const oldest = told[0].at_ms;
  if (!app.as) known = { rows: rowsOf(seats, moments, app), oldest };
  else if (!known) known = { rows: rowsOf(seats, moments, app), oldest };
  paint(app);
}

const nowOf = (app) => app.state.now_ms + (app.state.rate ?? 1) * (performance.now() - app.read);

let painted = 0;

/** Moves the lanes on with time; called often. */
export function tick(app) {
  if (known && !app.as && (app.state.rate ?? 1) > 0 && performance.now() - painted > 480) paint(app);
}

function paint(app) {
  painted = performance.now();
  const width = svg.clientWidth;
  if (!width) return;
  if (!app.as || !known.to) {
    known.to = Math.max(nowOf(app), known.oldest + 1);
    known.from = known.to - Math.min(Math.max(known.to - known.oldest, LEAST), SPAN);
  }
  const { rows, from, to } = known;
  const NAMES = 16 + 7 * Math.min(Math.max(...rows.map((r) => r.name.length)), 12); // room for the names
  const x = (at) => NAMES + ((Math.min(Math.max(at, from), to) - from) / (to - from)) * (width - NAMES - END);
  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${rows.length * ROW}`);
  svg.setAttribute("height", rows.length * ROW);
  rows.forEach((row, i) => {
    const y = i * ROW;
    shape(svg, "text", { x: 0, y: y + 13, class: "name" }, row.name.length > 12 ? row.name.slice(0, 11) + "…" : row.name);
    shape(svg, "line", { x1: NAMES, x2: width - END, y1: y + ROW / 2, y2: y + ROW / 2, class: "rail" });
    row.parts.forEach((part, k) => {
      const until = row.parts[k + 1]?.at ?? to;
      if (until < from || part.state === "idle") return;
      const high = part.state === "won" ? 12 : part.state === "lost" ? 2 : 8;
      const over = part.state === "won" ? overtaken(rows, row, part.at, until) : until;
      const bar = (begin, end, kind) => {
        const wide = Math.max(x(end) - x(begin), 1.5);
        shape(svg, "rect", { x: x(begin), y: y + (ROW - high) / 2, width: wide, height: high, rx: Math.min(high / 2, wide / 3, 3), class: kind });
      };
      if (over > from) bar(part.at, over, part.state);
      if (over < until && until > from) bar(over, until, "over");
    });
  });
  if (app.moment) shape(svg, "line", { x1: x(app.moment.at_ms), x2: x(app.moment.at_ms), y1: 0, y2: rows.length * ROW, class: "cursor" });
  $("lanes-span").textContent = `${time(from).slice(0, 8)} – ${time(to).slice(0, 8)}`;
  svg.onclick = (e) => {
    const at = from + ((e.clientX - svg.getBoundingClientRect().left - NAMES) / (width - NAMES - END)) * (to - from);
    if (at >= from) pick(at);
  };
}
