// Makes elements.

const SVG = "http://www.w3.org/2000/svg";

/** Run something when nothing else is to be done; Safari has no call for that. */
export const whenIdle = (run) => (self.requestIdleCallback ?? setTimeout)(run);

/** Whether a key belongs to an input method; Safari says 229 of the one that ends a composition. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

export const byId = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** A button that shows an icon of the sprite in index.html; `label` is its name and its tooltip. */
export function iconButton(icon, label, run, className = "icon small") {
  const button = element("button", { type: "button", className, title: label, onclick: run });
  button.setAttribute("aria-label", label);
  button.append(iconOf(icon));
  return button;
}

export function iconOf(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Offer a text as a file to save. */
export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
