/** Make an element with properties and children. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export const find = (selector, root = document) => root.querySelector(selector);
export const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

const texts = JSON.parse(find("#page").dataset.texts);

/** Return the text of this name in the reader's language, with `{name}` replaced by `values.name`. */
export function text(name, values = {}) {
  return texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

const language = document.documentElement.lang;
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const days = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const regions = new Intl.DisplayNames(language, { type: "region" });
export const momentText = (moment) => moments.format(new Date(moment));
export const dayText = (moment) => days.format(new Date(moment));
export const countryText = (code) => regions.of(code);

const NOTICE_MS = 10_000;
let noticeEnd;

/** Tell what has happened, to screen readers too; it goes after some seconds or with the next notice. */
export function notice(message) {
  find("#notice").textContent = message;
  clearTimeout(noticeEnd);
  noticeEnd = setTimeout(() => { find("#notice").textContent = ""; }, NOTICE_MS);
}

/** Move the focus to a heading, so that a screen reader reads the new part of the page. */
export function focusHeading(part) {
  find("h1, h2, h3", part)?.focus();
}
