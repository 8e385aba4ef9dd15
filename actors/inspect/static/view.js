// What the state looks like.

import { $, el, flag, seconds, sync, text, time } from "./dom.js";
import * as lanes from "./lanes.js";
import * as machine from "./machine.js";
import { back, choose, order, refresh, shown, travel, app as page } from "./page.js";

let told = []; // the moments last read

export function draw(app) {
  const { state } = app;
  // Before an election was first seen there is nothing of it, but the way back to now.
  told = state.detail?.moments ?? (app.as ? told : []);
  drawHead(app, state.detail);
  drawMachine(app, state.detail);
  drawCandidates(app, state.detail?.seats ?? []);
  drawStory(app, told);
  drawList(app, state);
  drawNodes(state);
}

function drawHead(app, d) {
  text($("title"), app.state.title);
  text($("name"), d ? d.election : app.election ?? "No election yet");
  const leader = $("leader");
  const words = !d ? "Nothing has been seen of it." : d.leader ? ` leads with token ${d.token || "none: it holds no lease"}` : { moving: "Nobody leads: candidates are voting.", vacant: "Nobody leads.", idle: "Nobody here stands in it, or nothing is known yet." }[d.status];
  leader.replaceChildren(...(d?.leader ? [el("strong", {}, d.leader), words] : [words]));
  document.title = d?.leader ? `${d.leader} leads ${d.election}` : app.state.title;
  const past = $("past");
  past.hidden = !app.as;
  if (app.as && app.moment) past.textContent = `This is how it was at ${time(app.moment.at_ms)}: ${app.moment.text}`;
}

/** Shows how long the leader may still be trusted; called often. */
export function countdown(app) {
  const d = app.state.detail;
  const known = d && !app.as && app.trusted.get(d.leader);
  $("trust").hidden = !known;
  if (!known) return;
  const left = Math.max(0, known.left - (app.state.rate ?? 1) * (performance.now() - known.read));
  const ttl = d.seats.find((s) => s.node === d.leader)?.session?.ttl_ms || 5000;
  const node = $("trust-text");
  if (!node.firstChild) node.append(el("b"), " of trust left");
  text(node.firstChild, seconds(left));
  const bar = $("trust-bar");
  bar.max = ttl;
  bar.value = left;
  bar.classList.toggle("low", left < ttl / 3);
}

function drawMachine(app, d) {
  const seat = shown();
  sync($("whose"), d && d.seats.length > 1 ? d.seats.slice(0, 24) : [], (s) => s.node,
    (s) => el("button", { type: "button", onclick: () => { page.node = s.node; machine.still(); draw(page); } }, s.node),
    (b, s) => flag(b, "aria-pressed", true, String(s.node === seat?.node)));
  machine.light(seat?.state ?? "");
  if (app.moment?.kind === "moved") machine.mark(app.moment.from, app.moment.to);
  document.querySelector(".machine").setAttribute("aria-label", seat ? `The state machine of ${seat.node}: it is ${seat.state}` : "The state machine of an election");
  text($("explain"), seat?.explain ?? "");
}

const actions = (scope, note, stands) =>
  (page.as ? [] : page.state.control?.actions ?? []).filter(
    (a) => a.scope === scope && (!a.when || a.when === (note || "running")) && (!a.if || !stands || a.if.includes(stands)));

/** How a node stands in an election, in the words of an action's "if". */
const stands = (s) => (s.stood_down ? "stood down" : s.state === "won" ? "leads" : s.state === "idle" ? "idle" : "stands");

function buttons(node, scope, fields, note = "", how = "") {
  sync(node, actions(scope, note, how), (a) => a.name,
    (a) => el("button", { type: "button", class: a.danger ? "danger" : "" }),
    (b, a) => {
      text(b, a.label);
      b.title = a.help;
      b.setAttribute("aria-label", `${a.label} ${fields.node ?? ""}: ${a.help}`);
      b.onclick = () => order({ action: a.name, ...fields });
    });
}

function standing(n) {
  if (!n) return ["", ""];
  if (n.note) return ["cut", n.note];
  if (!n.up) return ["down", "not in the fleet"];
  if (n.here && !n.link) return ["cut", "no link to Redis"];
  return ["", "up"];
}

function drawCandidates(app, seats) {
  const nodes = new Map(app.state.nodes.map((n) => [n.id, n]));
  sync($("candidates"), seats, (s) => s.node,
    () => el("li", {}, el("span", { class: "nr" }), el("span", { class: "who" }, el("span"), el("small")), el("span"), el("span"), el("span", { class: "buttons" })),
    (li, s) => {
      const [nr, who, pill, up, acts] = li.children;
      text(nr, `${seats.indexOf(s) + 1}.`);
      text(who.firstChild, s.node);
      const waits = s.pending.length ? `, waits for ${s.pending.length}` : "";
      text(who.lastChild, `rank ${s.rank}, round ${s.round}${waits}${s.draining ? ", is giving up the office" : ""}${s.stood_down ? ", stood down" : ""}`);
      const over = s.state === "won" && s.trusted_ms === 0; // it stands still, and has not noticed
      pill.className = `state-pill ${over ? "inconclusive" : s.state}`;
      text(pill, over ? "won, trust over" : s.state);
      const [kind, words] = standing(nodes.get(s.node));
      up.className = `up ${kind}`;
      text(up, words);
      buttons(acts, "seat", { node: s.node, election: s.election }, nodes.get(s.node)?.note, stands(s));
    });
}

function drawStory(app, all) {
  const moments = all.filter((m) => app.steps || m.tone !== "step");
  const newest = moments.slice(-200).reverse();
  sync($("story"), newest, (m) => m.id || `${m.at_ms} ${m.node} ${m.to}`,
    (m) => {
      const line = m.id ? el("button", { type: "button", title: "Look at this moment" }, m.text) : el("span", {}, m.text);
      line.classList.add(m.tone || "plain");
      if (m.id) line.onclick = () => travel(m);
      return el("li", {}, el("time", { dateTime: new Date(m.at_ms).toISOString() }, time(m.at_ms)), line);
    },
    (li, m) => flag(li, "aria-current", app.as !== 0 && m.id === app.as));
  drawSlider(app, all.filter((m) => m.id));
  lanes.draw(app, app.state.detail?.seats ?? [], all);
}

let stops = [];

function drawSlider(app, moments) {
  stops = moments;
  const slider = $("slider");
  const at = app.as ? stops.findIndex((m) => m.id >= app.as) : stops.length;
  slider.max = stops.length;
  slider.value = at < 0 ? stops.length : at;
  slider.disabled = stops.length === 0;
  slider.setAttribute("aria-valuetext", app.moment ? `${time(app.moment.at_ms)}: ${app.moment.text}` : "now");
  $("back").disabled = Number(slider.value) <= 0;
  $("forth").disabled = $("now").disabled = !app.as;
}

/** Looks at the last moment at or before an instant. */
lanes.onpick((at) => {
  const i = stops.findLastIndex((m) => m.at_ms <= at);
  if (i >= 0) travel(stops[i]);
});

function slide(to) {
  if (to >= stops.length) back();
  else if (stops[to]) travel(stops[to]);
}

/** While one looks at the past, the present goes on: the slider gets longer. */
export function reachedEnd(app, data) {
  for (const e of data.entries ?? []) if (e.text) told.push(e);
  drawStory(app, told);
}

function drawList(app, state) {
  const { summary: s } = state;
  const n = (count, word) => (count ? `${count.toLocaleString()} ${word}` : "");
  text($("summary"), [n(s.led, "led"), n(s.moving, "voting"), n(s.vacant, "vacant"), n(s.idle, "idle")].filter(Boolean).join(", ") || "none yet");
  sync($("rows"), state.rows, (r) => r.election,
    (r) => el("li", {}, el("button", { type: "button", onclick: () => choose(r.election) }, el("b", {}, r.election), el("span"))),
    (li, r) => {
      const [b] = li.children;
      b.title = r.election;
      b.lastChild.className = r.status;
      text(b.lastChild, r.leader || { moving: "voting", vacant: "vacant", idle: "idle" }[r.status]);
      flag(b, "aria-current", r.election === app.election);
    });
  const from = Math.min(state.offset + 1, state.matched);
  text($("range"), `${from.toLocaleString()}–${(state.offset + state.rows.length).toLocaleString()} of ${state.matched.toLocaleString()}`);
  $("prev").disabled = state.offset === 0;
  $("next").disabled = state.offset + state.rows.length >= state.matched;
}

function drawNodes(state) {
  buttons($("orders"), "fleet", {});
  sync($("nodes"), state.nodes.slice(0, 100), (n) => n.id,
    () => el("li", {}, el("span", { class: "who" }, el("span"), el("small")), el("span"), el("span", { class: "buttons" })),
    (li, n) => {
      const [who, up, acts] = li.children;
      text(who.firstChild, n.id);
      text(who.lastChild, ` rank ${n.rank}${n.original ? ", an original" : ""}${n.here ? "" : ", another process"}`);
      const [kind, words] = standing(n);
      up.className = `up ${kind}`;
      text(up, words);
      if (n.here) buttons(acts, "node", { node: n.id }, n.note);
    });
}

let typing;
$("q").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { page.q = $("q").value; page.offset = 0; refresh(); }, 120);
});
$("status").addEventListener("change", () => { page.status = $("status").value; page.offset = 0; refresh(); });
$("prev").addEventListener("click", () => { page.offset = Math.max(0, page.offset - page.limit); refresh(); });
$("next").addEventListener("click", () => { page.offset += page.limit; refresh(); });
$("steps").addEventListener("change", () => { page.steps = $("steps").checked; if (page.state) draw(page); });
$("jump").addEventListener("click", () => { $("list-head").scrollIntoView({ block: "start" }); $("q").focus({ preventScroll: true }); });
$("slider").addEventListener("input", () => slide(Number($("slider").value)));
$("back").addEventListener("click", () => slide(Number($("slider").value) - 1));
$("forth").addEventListener("click", () => slide(Number($("slider").value) + 1));
$("now").addEventListener("click", () => back());
