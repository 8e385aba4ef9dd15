// Small helpers. Whatever ids and names contain, it is set as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** Sets a node's text if it differs, so that nothing is announced or drawn twice. */
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

/** Makes an element with properties and children. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/**
 * Makes the children of parent those of items, keeping the elements of those that stay,
 * so that focus and scrolling survive. make(item) makes one, update(node, item) fills it.
 */
export function sync(parent, items, key, make, update) {
  const old = new Map();
  for (const node of parent.children) old.set(node.dataset.key, node);
  let at = parent.firstElementChild;
  for (const item of items) {
    const k = String(key(item));
    let node = old.get(k);
    if (node) {
      old.delete(k);
    } else {
      node = make(item);
      node.dataset.key = k;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
    update(node, item);
  }
  for (const node of old.values()) node.remove();
}

/** Sets or removes an attribute. */
export function flag(node, name, on, value = "true") {
  if (on) node.setAttribute(name, value);
  else node.removeAttribute(name);
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });

/** An instant as people read it: the time of the day, to the millisecond. */
export const time = (ms) => clock.format(new Date(ms));

/** A span in seconds. */
export const seconds = (ms) => (Math.max(ms, 0) / 1000).toFixed(1) + " s";

let hide;

/** Says something for a moment. */
export function say(message) {
  const node = $("said");
  node.textContent = message;
  node.classList.add("shown");
  clearTimeout(hide);
  hide = setTimeout(() => node.classList.remove("shown"), 6000);
}
