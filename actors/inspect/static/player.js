// The controls of a simulated world: a seed, faults, and a time that can be run, stepped
// and wound back. They are there if the source has a player.

import { $, el, flag, seconds, text } from "./dom.js";
import { order } from "./page.js";

let parts = null;
let dragging = false;

const button = (label, action, fields = () => ({}), main = false) =>
  el("button", { type: "button", class: main ? "main" : "", onclick: () => order({ action, ...fields() }) }, label);

function build(p) {
  const seed = el("input", { type: "number", min: "0", step: "1", value: p.seed });
  const nodes = el("input", { type: "number", min: "2", max: "20", value: p.nodes });
  const speed = el("select", {}, ...[0.1, 0.25, 0.5, 1, 2, 5, 10, 30].map((v) => el("option", { value: v }, `${v}×`)));
  speed.onchange = () => order({ action: "speed", speed: speed.value });
  const slider = el("input", { type: "range", min: "0", step: "10", "aria-label": "Virtual time" });
  slider.oninput = () => { dragging = true; text(parts.clock, seconds(Number(slider.value))); };
  slider.onchange = () => { dragging = false; order({ action: "seek", to_ms: slider.value }); };
  const faults = el("fieldset", {}, el("legend", { class: "sr" }, "Faults"), ...p.kinds.map((k) => el("label", { class: "check" }, el("input", { type: "checkbox", value: k }), k)));
  const chosen = () => [...faults.querySelectorAll("input:checked")].map((i) => i.value).join(",");
  const play = button("Play", "play", () => ({}), true);
  const clock = el("span", { class: "clock" });
  const hazards = el("p", { class: "muted" });
  const broken = el("p", { class: "broken", role: "status" });
  const set = () => ({ seed: seed.value, nodes: nodes.value, faults: chosen() });
  const to = (by) => () => ({ to_ms: Math.max(0, Number(slider.value) + by) });
  $("player").replaceChildren(
    el("h2", { class: "h3", id: "player-head" }, "Simulated world"),
    el("div", { class: "bar" }, play, button("Step", "step"), button("−10 s", "seek", to(-10000)), button("−1 s", "seek", to(-1000)), button("+10 s", "seek", to(10000)),
      el("label", {}, "Speed ", speed), clock, slider),
    el("div", { class: "bar" }, el("label", {}, "Seed ", seed), el("label", {}, "Nodes ", nodes), button("Start this world", "new", set),
      button("Next seed", "new", () => ({ ...set(), seed: String(Number(seed.value) + 1) }))),
    el("details", {}, el("summary", {}, "Faults: none chosen means that the seed draws half of them"), faults),
    hazards, broken);
  parts = { seed, nodes, speed, slider, play, clock, faults, hazards, broken, world: "" };
}

/** Draws the player, if the state has one. */
export function player(state) {
  const p = state.player;
  $("player").hidden = !p || !state.control;
  if (!p || !state.control) return;
  if (!parts) build(p);
  const world = `${p.seed} ${p.nodes} ${p.chosen}`;
  if (world !== parts.world) {
    parts.world = world;
    parts.seed.value = p.seed;
    parts.nodes.value = p.nodes;
    for (const i of parts.faults.querySelectorAll("input")) i.checked = p.chosen.includes(i.value);
  }
  text(parts.play, p.playing ? "Pause" : "Play");
  parts.play.onclick = () => order({ action: p.playing ? "pause" : "play" });
  parts.speed.value = String(p.speed);
  parts.slider.max = p.end_ms;
  if (!dragging) {
    parts.slider.value = p.at_ms;
    text(parts.clock, seconds(p.at_ms));
  }
  flag(parts.slider, "aria-valuetext", true, seconds(p.at_ms));
  text(parts.hazards, `Faults of this world: ${p.hazards.join(", ") || "none"}. ${p.events.toLocaleString()} events so far. One seed always does the same.`);
  text(parts.broken, p.error || "");
}
