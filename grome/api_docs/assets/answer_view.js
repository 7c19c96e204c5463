import { codeBlock, coloured, el, quiet, span } from "./dom.js";
import { reformatted } from "./draft.js";

/** Shows an answer: status, time, headers, and the body by its type. `next` is called with a cursor to read on. */
export class AnswerView {
  constructor(next) {
    this.next = next;
    this.verdict = el("p", { className: "verdict", role: "status" });
    this.details = el("div");
    this.node = el("div", { className: "reply", hidden: true }, this.verdict, this.details);
  }

  pending(stop) {
    this.node.hidden = false;
    this.verdict.replaceChildren("Waiting for the answer … ", quiet("Stop", stop));
    this.details.replaceChildren();
  }

  failed(error) {
    this.verdict.replaceChildren(span("s5", error.name === "AbortError" ? "Stopped." : `No answer: ${error.message}`));
  }

  /** Show the answer, and return its JSON, or null for another type. */
  async show(reply, started) {
    const spent = () => Math.round(performance.now() - started);
    const type = reply.headers.get("content-type") ?? "";
    const status = el("strong", { className: `s${String(reply.status)[0]}` }, `${reply.status} ${reply.statusText}`.trim());
    this.details.replaceChildren(headersOf(reply));
    if (type.startsWith("text/event-stream")) {
      this.verdict.prepend(status, " open, ");
      await this.#stream(reply);
      this.verdict.replaceChildren(status, ` after ${spent()} ms`);
      return null;
    }
    const content = await reply.blob();
    this.verdict.replaceChildren(status, ` in ${spent()} ms, ${sizeOf(content.size)}`);
    this.verdict.dataset.status = reply.status;
    return this.#body(content, type);
  }

  async #body(content, type) {
    if (content.size === 0) return this.#add(el("p", { className: "soft" }, "No body."));
    if (!/[/+]json|^text\//.test(type)) return this.#add(downloadOf(content, type));
    const text = await content.text();
    if (!/[/+]json/.test(type)) return this.#add(codeBlock("Body", "Body of the answer", text));
    const json = asJson(text);
    if (type.includes("problem")) this.#add(...problemParts(json));
    this.#add(codeBlock("Body", "Body of the answer", ...coloured(reformatted(text, 2))));
    if (json?.next_cursor && this.next) this.#add(quiet("Next page", () => this.next(json.next_cursor)));
    return json;
  }

  async #stream(reply) {
    const block = codeBlock("Events", "Events of the stream", "");
    const pre = block.querySelector("pre");
    this.#add(block);
    for await (const part of textOf(reply.body)) pre.append(part);
  }

  #add(...nodes) {
    this.details.append(...nodes);
    return null;
  }
}

async function* textOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}

function headersOf(reply) {
  const lines = [...reply.headers].map(([name, value]) => `${name}: ${value}`);
  return el("details", { className: "headers" }, el("summary", {}, `${lines.length} headers`), el("pre", { tabIndex: 0 }, lines.join("\n")));
}

/** What is wrong in words, with a link to the page of the error. */
function problemParts(problem) {
  const page = /\/docs\/errors\/\w+$/.exec(problem?.type ?? "")?.[0];
  if (!page) return [];
  const faults = (problem.errors ?? []).map(({ field, message }) => el("li", {}, el("code", {}, field), ` ${message}`));
  return [
    el("p", {}, `${problem.detail || problem.title} `, el("a", { href: page }, "Cause and remedy of ", el("code", {}, problem.code))),
    faults.length > 0 && el("ul", { className: "faults" }, ...faults),
  ].filter(Boolean);
}

function downloadOf(content, type) {
  return el("p", {}, el("a", { href: URL.createObjectURL(content), download: "answer" }, "Save the body"), ` (${type || "no type"})`);
}

const sizeOf = (bytes) => (bytes < 10_000 ? `${bytes} bytes` : `${Math.round(bytes / 1_000)} kB`);

function asJson(text) {
  try { return JSON.parse(text); } catch { return null; }
}
