// The page. The server's state.json is the truth: the stream says that it has changed, and
// the page draws it anew, at most four times a second.

import { $, say, text } from "./dom.js";
import * as lanes from "./lanes.js";
import * as machine from "./machine.js";
import { Stream } from "./stream.js";
import { draw, countdown, reachedEnd } from "./view.js";
import { player } from "./player.js";
import "./theme.js";

const GAP = 250;

export const app = {
  state: null,
  read: 0, // when the state was read, on our clock
  election: new URLSearchParams(location.hash.slice(1)).get("election"),
  node: null, // whose machine was chosen; null: the leader's
  as: 0, // the entry after which to look; 0: now
  moment: null, // the entry itself
  q: "",
  status: "",
  offset: 0,
  limit: 50,
  steps: false,
  trusted: new Map(), // by node; not an object, which has members of its own
};

let answered = true;
let wanted = false;
let running = false;
let last = 0;

/** Reads the state and draws it; calls that come meanwhile become one. */
export function refresh() {
  wanted = true;
  if (running) return;
  running = true;
  setTimeout(read, Math.max(0, last + GAP - performance.now()));
}

async function read() {
  wanted = false;
  last = performance.now();
  const query = new URLSearchParams({ q: app.q, status: app.status, offset: app.offset, limit: app.limit });
  if (app.election !== null) query.set("election", app.election);
  if (app.as) query.set("as", app.as);
  try {
    const asked = app.as;
    const answer = await fetch("state.json?" + query);
    if (!answer.ok) throw new Error(await answer.text());
    const state = await answer.json();
    if (!answered) live(...stream.standing); // which may have gone on meanwhile
    answered = true;
    if (asked === app.as) take(state);
  } catch {
    answered = false;
    live(false, "no answer; trying again");
    setTimeout(refresh, 2000);
  }
  running = false;
  if (wanted) refresh();
}

function take(state) {
  if (app.state && app.state.run !== state.run) back(false);
  if (app.as && state.as > app.as) {
    say("That moment is not recorded any more.");
    back();
    return;
  }
  app.state = state;
  app.read = performance.now();
  app.trusted.clear();
  for (const s of state.detail?.seats ?? []) if (s.trusted_ms > 0) app.trusted.set(s.node, { left: s.trusted_ms, read: app.read });
  if (!state.detail && state.rows.length && app.election === null) {
    choose(state.rows[0].election, false);
    return;
  }
  draw(app);
  player(state);
  stream.watch(app.election, `${state.run}-${state.last}`);
}

/** Shows an election. */
export function choose(election, noted = true) {
  app.election = election;
  app.node = null;
  back(false);
  if (noted) history.pushState(null, "", "#" + new URLSearchParams({ election }));
  refresh();
}

/** Whose machine is shown. */
export function shown() {
  const d = app.state?.detail;
  if (!d) return null;
  const name = app.moment?.node || app.node || d.leader;
  return d.seats.find((s) => s.node === name) ?? d.seats.find((s) => s.node === d.leader) ?? d.seats[0] ?? null;
}

/** Looks at the state after an entry. */
export function travel(moment) {
  machine.still();
  app.moment = moment;
  app.as = moment.id;
  refresh();
}

/** Returns to the present. */
export function back(load = true) {
  if (!app.as) return;
  app.as = 0;
  app.moment = null;
  machine.still();
  if (load) refresh();
}

export function live(ok, words) {
  $("live").className = ok ? "live on" : "live off";
  text($("live"), words);
}

let unread = [];
let telling = 0;

/** Tells screen readers the news, a few at a time. */
function announce(entry) {
  if (!entry.text || entry.tone === "step") return;
  unread.push(entry.text);
  telling ||= setTimeout(() => {
    $("news").textContent = unread.slice(-3).join(". ");
    unread = [];
    telling = 0;
  }, 1000);
}

export const stream = new Stream({
  live,
  reload: refresh,
  changes(data) {
    for (const [node, left] of Object.entries(data.trusted ?? {})) app.trusted.set(node, { left, read: performance.now() });
    if (app.state) {
      app.state.rate = data.rate;
      app.state.now_ms = data.now_ms;
      app.read = performance.now();
    }
    for (const e of data.entries ?? []) {
      announce(e);
      if (!app.as && e.kind === "moved" && shown()?.node === e.node) machine.move(e.from, e.to);
    }
    if (data.dirty && !app.as) refresh();
    else if (data.dirty) reachedEnd(app, data);
  },
});

/** Gives an order, and says what came of it. */
export async function order(fields) {
  const control = app.state?.control;
  if (!control) return false;
  try {
    const answer = await fetch("control", { method: "POST", headers: { "X-Hustings-Token": control.token }, body: new URLSearchParams(fields) });
    const words = await answer.text();
    let said = words;
    try {
      said = JSON.parse(words).text;
    } catch {
      /* refusals are plain text */
    }
    if (said) say(said);
    refresh();
    return answer.ok;
  } catch {
    say("The order did not arrive.");
    return false;
  }
}

addEventListener("popstate", () => {
  const election = new URLSearchParams(location.hash.slice(1)).get("election");
  if (election !== null) choose(election, false);
});
document.addEventListener("visibilitychange", () => document.hidden || refresh());

(function frame() {
  if (app.state) countdown(app);
  if (app.state && !document.hidden) lanes.tick(app);
  setTimeout(() => requestAnimationFrame(frame), 100);
})();
refresh();
// Deadlines and session figures change without an event.
setInterval(() => document.hidden || app.as || refresh(), 2000);
