export const $ = (id) => document.getElementById(`page-${id}`);

/** Make an element. Strings become text nodes: nothing from the document is ever parsed as markup. */
export function el(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

export const span = (className, ...children) => el("span", { className }, ...children);
export const quiet = (label, onclick) => el("button", { type: "button", className: "quiet", onclick }, label);

export const onSubmit = (form, act) => form.addEventListener("submit", (event) => { event.preventDefault(); act(form); });

const LINK = /\[([^\]]+)\]\(((?:https:\/|\/|#)[^)\s]*)\)/;
const coded = (text) => text.split("`").map((part, i) => (i % 2 ? el("code", {}, part) : part));

/** Backticks enclose code, and links are as in Markdown: with blank lines, all the markup that descriptions use. */
export function inline(text) {
  const parts = text.split(LINK);
  const nodes = [];
  for (let i = 0; i < parts.length; i += 3) {
    nodes.push(...coded(parts[i]));
    if (i + 1 < parts.length) nodes.push(el("a", { href: parts[i + 2] }, ...coded(parts[i + 1])));
  }
  return nodes;
}

export const prose = (text = "") => text.split(/\n\s*\n/).filter(Boolean).map((part) => el("p", {}, ...inline(part)));

const COLOURED_BELOW = 200_000; // above this many characters, the elements of colours make the page slow

/** JSON as text with keys and values in colours. */
export function coloured(json) {
  if (json.length > COLOURED_BELOW) return [json];
  const nodes = [];
  let end = 0;
  for (const match of json.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g)) {
    nodes.push(json.slice(end, match.index), span(match[2] ? "key" : match[1] ? "text" : "other", match[0]));
    end = match.index + match[0].length;
  }
  return [...nodes, json.slice(end)];
}

/** Copy, and say so on the button. */
export async function copy(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch { button.textContent = "Press Ctrl+C"; }
  setTimeout(() => { button.textContent = label; }, 1500);
}

/** A titled block of text that can be copied; `title` is a string or elements. */
export function codeBlock(title, label, ...content) {
  const pre = el("pre", { tabIndex: 0, ariaLabel: label }, ...content);
  const button = quiet("Copy", () => {
    getSelection().selectAllChildren(pre); // for Ctrl+C: browsers close the clipboard to plain http from other machines
    copy(pre.textContent, button);
  });
  return el("figure", {}, el("figcaption", {}, title, button), pre);
}

/** Built when first opened, so that a type which contains itself comes to an end and a long document stays light. */
export function foldable(props, summary, build) {
  const details = el("details", props, el("summary", {}, ...summary));
  let built = false;
  const fill = () => {
    if (built) return;
    built = true;
    details.append(...build().flat(2).filter(Boolean));
  };
  details.addEventListener("toggle", () => { if (details.open) fill(); });
  /** Open it now, without waiting for the event. */
  details.unfold = () => { fill(); details.open = true; };
  if (details.open) fill();
  return details;
}

/** Buttons as tabs over a panel; `choose` is called with the name of the chosen tab. Arrow keys move between tabs. */
export function tabs(label, names, chosen, choose) {
  const list = el("div", { className: "tabs", role: "tablist", ariaLabel: label });
  const select = (name, focus) => {
    for (const tab of list.children) {
      const on = tab.dataset.name === name;
      tab.ariaSelected = String(on);
      tab.tabIndex = on ? 0 : -1;
      if (on && focus) tab.focus();
    }
    choose(name);
  };
  list.append(...names.map((name) => {
    const tab = el("button", { type: "button", role: "tab", onclick: () => select(name, false) }, name);
    tab.dataset.name = name;
    return tab;
  }));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = names.indexOf(document.activeElement.dataset.name);
    select(names[(at + step + names.length) % names.length], true);
    event.preventDefault();
  });
  list.select = (name) => select(name, false);
  list.select(chosen);
  return list;
}
