// Light, dark, or as the system says; kept in this browser.

import { $, el } from "./dom.js";

const names = ["system", "light", "dark"];
let theme = "system";
try {
  theme = localStorage.getItem("hustings-theme") ?? "system";
} catch {
  /* storage may be switched off */
}

function apply() {
  if (!names.includes(theme)) theme = "system";
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $("theme").replaceChildren(el("span", { class: "wide" }, "Theme: "), theme);
  $("theme").setAttribute("aria-label", "Theme: " + theme);
}

$("theme").addEventListener("click", () => {
  theme = names[(names.indexOf(theme) + 1) % names.length];
  try {
    localStorage.setItem("hustings-theme", theme);
  } catch {
    /* then it lasts as long as the page */
  }
  apply();
});
apply();
