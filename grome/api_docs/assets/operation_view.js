import { codeIn, LANGUAGES } from "./code_samples.js";
import { codeBlock, coloured, el, foldable, inline, prose, span, tabs } from "./dom.js";
import { Draft } from "./draft.js";
import { exampleOf } from "./samples.js";
import { TryForm } from "./try_form.js";

const LANGUAGE = "grome.docs.language";
export const badge = (method, text = method) => span(`method ${method}`, text);

/** An operation as a line that unfolds into its parameters, body, answers, samples and form. */
export function operationSection(page, operation) {
  const { id, title, path, method, deprecated } = operation;
  const line = [badge(method), el("code", { className: "route" }, ...breakable(path)),
    el("h3", {}, title), deprecated && span("required", "deprecated")];
  return foldable({ id, className: "operation" }, line, () => [operationBody(page, operation)]);
}

/** A path that can break before its slashes only. */
const breakable = (path) => path.split(/(?=\/)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));

function operationBody(page, operation) {
  const { id, about, params, requestBody, body, bodyType, responses } = operation;
  const bodyTitle = page.api.follow(requestBody).required ? "Request body" : "Request body, may be left out";
  return el("div", { className: "inside" },
    el("div", { className: "told" },
      el("p", { className: "callers" }, callers(operation["x-roles"]), el("a", { href: `#${id}`, className: "anchor" }, "Link to this")),
      ...prose(about),
      params.length > 0 && [el("h4", {}, "Parameters"), el("table", {}, el("tbody", {}, ...params.map((param) => paramRow(page, param))))],
      body && [el("h4", {}, bodyTitle), ...page.view.block(body.schema, bodyType)],
      el("h4", {}, "Answers"), ...Object.entries(responses ?? {}).map((answer) => answerRow(page, answer))),
    operation.path.startsWith("/") ? desk(page, operation) : hookDesk(page, operation));
}

const callers = (roles) => roles && ["May be called by ", ...roles.map((role) => span("chip", role)), " "];

function paramRow(page, param) {
  const { name, in: place, required, schema } = param;
  const title = el("th", { scope: "row" }, el("div", { className: "name" }, name), span("soft", place),
    required && span("required", "required"));
  const about = param.description ?? page.api.plain(schema).description;
  return el("tr", {}, title, el("td", {}, ...prose(about), span("type", ...page.view.type(schema), " "), page.view.limits(schema)));
}

function answerInside(page, { headers = {}, content = {} }) {
  const header = ([name, raw]) =>
    page.view.node([name, { description: page.api.follow(raw).description, ...page.api.follow(raw).schema }]);
  return [el("div", { className: "below" },
    ...Object.entries(content).flatMap(([mediaType, media]) => page.view.block(media.schema ?? {}, mediaType)),
    Object.keys(headers).length > 0 && el("h4", {}, "Headers"), ...Object.entries(headers).map(header))];
}

function answerRow(page, [status, raw]) {
  const answer = page.api.follow(raw);
  // Descriptions of errors name each code once, as a link to its page and a sentence: a line each reads best.
  const lines = (answer.description ?? "").split(/ (?=\[`)/);
  const line = [span(`status s${status[0]}`, status), el("div", {}, ...lines.map((text) => el("div", {}, ...inline(text))))];
  if (!answer.content && !answer.headers) return el("div", { className: "answer" }, el("div", {}, ...line));
  return foldable({ className: "answer" }, line, () => answerInside(page, answer));
}

function desk(page, operation) {
  const draft = new Draft(page.api, operation);
  const code = codeBlock("", "Request as code", "");
  const pre = code.querySelector("pre");
  let language = LANGUAGES.includes(localStorage.getItem(LANGUAGE)) ? localStorage.getItem(LANGUAGE) : LANGUAGES[0];
  const write = () => { pre.textContent = codeIn(language, draft); };
  const choice = tabs("Language of the sample", LANGUAGES, language, (name) => {
    language = name;
    localStorage.setItem(LANGUAGE, name);
    write();
  });
  code.querySelector("figcaption").prepend(choice);
  const form = new TryForm(page, draft, write);
  form.fill();
  return el("div", { className: "desk" }, form.node, code, ...answerExample(page, operation));
}

function hookDesk(page, operation) {
  if (!operation.body) return el("div", { className: "desk" });
  const example = JSON.stringify(exampleOf(page.api, operation.body), null, 2);
  return el("div", { className: "desk" }, codeBlock("Example of a delivery", "Example of a delivery", ...coloured(example)));
}

function answerExample(page, { responses = {} }) {
  const [status, raw] = Object.entries(responses).find(([code]) => code.startsWith("2")) ?? [];
  const [type, media] = Object.entries(page.api.follow(raw).content ?? {})[0] ?? [];
  if (!media?.schema || !type.includes("json")) return [];
  const example = JSON.stringify(exampleOf(page.api, media), null, 2);
  return [codeBlock(`Example answer, ${status}`, "Example answer", ...coloured(example))];
}
