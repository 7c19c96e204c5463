import { Draft } from "./draft.js";

const MOST_STEPS = 4; // a source needs values from other sources, e.g. free times need a barber

/**
 * Fills drafts with values that exist: `x-example-from` names a GET operation, and where in its answer the value is.
 * A value that the draft has under the same name, an id of the account that is signed in under that role, and an id that
 * this page has created come first, so that the values of a request belong together.
 */
export class LiveExamples {
  #api;
  #caller;
  #sessions;
  #created = new Map();

  constructor(api, caller, sessions) {
    this.#api = api;
    this.#caller = caller;
    this.#sessions = sessions;
  }

  /** Fill in what the reader has not changed. Values that cannot be found stay as they are. */
  async fill(draft) {
    const answers = new Map();
    for (const param of draft.values.keys()) {
      const source = sourceOf(param);
      if (draft.touched.has(param) || !source) continue;
      const value = this.#ownId(param.name) ?? await this.#find(source, draft, answers, 0);
      if (value !== undefined && value !== null) draft.values.set(param, String(value));
    }
    if (draft.body !== null && !draft.touched.has("body")) await this.#fillBody(draft, answers);
  }

  /** Remember the id of an object that an operation has created, for the operations on that object. */
  remember(operation, answer) {
    if (operation.method !== "post" || typeof answer?.id !== "string") return;
    const below = `${operation.path}/{`;
    const names = this.#api.operations.filter(({ path }) => path.startsWith(below) && path.indexOf("}") === path.length - 1)
      .map(({ path }) => path.slice(below.length, -1));
    for (const name of names) this.#created.set(name, answer.id);
  }

  #ownId(name) {
    const role = /^(barber|customer)_id$/.exec(name)?.[1];
    return this.#created.get(name) ?? (role && this.#sessions.ofRole(role)?.user.id);
  }

  async #fillBody(draft, answers) {
    let body;
    try { body = JSON.parse(draft.body); } catch { return; }
    await this.#fillValue(draft.operation.body.schema, body, draft, answers);
    draft.body = JSON.stringify(body, null, 2);
  }

  /** Fill in the properties that the example has, at any depth. */
  async #fillValue(raw, value, draft, answers) {
    const schema = this.#api.plain(raw);
    if (Array.isArray(value)) {
      for (const item of value) await this.#fillValue(schema.items, item, draft, answers);
    } else if (value && typeof value === "object") {
      const { properties = {} } = schema;
      for (const name of Object.keys(value)) await this.#fillProperty(name, properties[name], value, draft, answers);
    }
  }

  async #fillProperty(name, schema, object, draft, answers) {
    const source = sourceOf(schema);
    const found = source && (this.#ownId(name) ?? await this.#find(source, draft, answers, 0));
    if (found === undefined || found === null) return this.#fillValue(schema, object[name], draft, answers);
    object[name] = Array.isArray(object[name]) && !Array.isArray(found) ? [found] : found;
    draft.found.set(name, found); // sources of later properties use it
  }

  async #find(source, draft, answers, step) {
    const operation = this.#api.byId.get(source.operation);
    if (!operation || step > MOST_STEPS) return undefined;
    const request = new Draft(this.#api, operation);
    for (const param of operation.params) await this.#complete(request, param, draft, answers, step);
    const session = this.#sessionFor(source);
    const { url } = request.request;
    const key = `${session?.user.id} ${url}`;
    if (!answers.has(key)) answers.set(key, await this.#caller.json(request, session));
    return at(answers.get(key), source.pointer);
  }

  async #complete(request, param, draft, answers, step) {
    const given = draft.known(param.name) ?? this.#ownId(param.name);
    const source = sourceOf(param);
    if (param.in === "header") return;
    if (param.required && given !== undefined) request.values.set(param, String(given));
    else if (source && (param.required || param.in === "path")) {
      const value = await this.#find(source, draft, answers, step + 1);
      if (value !== undefined && value !== null) request.values.set(param, String(value));
    }
  }

  /** The account in use where its role fits, else another signed-in account of the role. */
  #sessionFor(source) {
    return source.as ? this.#sessions.ofRole(source.as) ?? this.#sessions.current : this.#sessions.current;
  }
}

const sourceOf = (node) => node?.["x-example-from"];

/** Follow a JSON pointer (RFC 6901), in which `*` is the first item of a list in which the rest is found. */
function at(json, pointer) {
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return within(json, parts);
}

function within(node, [part, ...rest]) {
  if (part === undefined) return node;
  if (part !== "*") return within(node?.[part], rest);
  return (node ?? []).map((item) => within(item, rest)).find((value) => value !== undefined && value !== null);
}
