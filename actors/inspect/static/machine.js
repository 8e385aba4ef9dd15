// The drawing: lights the current state, and moves a token along the arrow of each
// transition, one after the other.

import { flag } from "./dom.js";

const svg = document.querySelector(".machine");
const token = svg.querySelector(".token");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const LONGEST = 6; // more than so many wait: only the last are shown
let queue = [];
let moving = false;
let lit = "";
let after = ""; // the state to light when the queue is empty

/** Lights a state. While a transition moves, when that is done. */
export function light(state) {
  after = state;
  if (moving) return;
  show(state);
  const taken = svg.querySelector(".taken");
  if (taken && !taken.id.endsWith("-" + state)) mark("", ""); // of another machine
}

function show(state) {
  if (lit === state) return;
  lit = state;
  for (const node of svg.querySelectorAll(".state")) node.classList.toggle("current", node.id === "state-" + state);
  const frame = svg.parentElement; // on a phone it scrolls: keep the current state in sight
  const box = svg.querySelector(".current rect")?.getBoundingClientRect();
  if (box && frame.scrollWidth > frame.clientWidth) {
    const inside = frame.getBoundingClientRect();
    frame.scrollLeft += box.left + box.width / 2 - inside.left - inside.width / 2;
  }
}

/** Marks the arrow that was taken last. */
export function mark(from, to) {
  for (const node of svg.querySelectorAll(".taken")) node.classList.remove("taken");
  const edge = from && svg.querySelector(`#edge-${CSS.escape(from)}-${CSS.escape(to)}`);
  if (edge) edge.classList.add("taken");
  return edge;
}

/** Shows a transition happen. */
export function move(from, to) {
  queue.push([from, to]);
  queue = queue.slice(-LONGEST);
  if (!moving) next();
}

/** Forgets what was to be shown. */
export function still() {
  queue = [];
  mark("", "");
}

function next() {
  const step = queue.shift();
  if (!step) {
    moving = false;
    flag(token, "class", true, "token");
    show(after);
    return;
  }
  moving = true;
  const [from, to] = step;
  show(from);
  const edge = mark(from, to);
  if (!edge || calm.matches || document.hidden) {
    show(to);
    setTimeout(next, document.hidden ? 0 : 250);
    return;
  }
  const line = edge.querySelector(".line");
  const length = line.getTotalLength();
  const lasts = queue.length > 2 ? 180 : 420;
  const begin = performance.now();
  flag(token, "class", true, "token moving");
  requestAnimationFrame(function frame(now) {
    const t = Math.min(Math.max((now - begin) / lasts, 0), 1);
    const p = line.getPointAtLength(length * (1 - (1 - t) ** 2));
    token.setAttribute("cx", p.x);
    token.setAttribute("cy", p.y);
    if (t < 1) {
      requestAnimationFrame(frame);
      return;
    }
    show(to);
    next();
  });
}
