import { Draft } from "./draft.js";

const MOST_STEPS = 4; // a source needs values from other sources, e.g. free times need a barber
const FRESH_MS = 5_000; // answers of sources are used for several examples

/**
 * Fills drafts with values that exist: `x-example-from` names a GET operation, and where in its answer the value is.
 * Ids that this page has created, and ids of the account that is signed in under a role, come before the source. A source
 * is asked with the values that the draft has under the same names, so that the values of a request belong together.
 */
export class LiveExamples {
  #api;
  #caller;
  #sessions;
  #created = new Map(); // by the path of the object
  #answers = new Map();
  #answersSince = 0;

  constructor(api, caller, sessions) {
    this.#api = api;
    this.#caller = caller;
    this.#sessions = sessions;
  }

  /** Fill in what the reader has not changed. Values that cannot be found stay as they are. */
  async fill(draft) {
    if (Date.now() > this.#answersSince + FRESH_MS) this.#forget();
    for (const param of draft.values.keys()) {
      if (draft.touched.has(param) || !param.required) continue;
      const source = sourceOf(param);
      const value = this.#ownId(param.name, draft.operation) ?? (source && await this.#find(source, draft, 0));
      if (isFound(value)) draft.values.set(param, String(value));
    }
    if (draft.body !== null && !draft.touched.has("body")) await this.#fillBody(draft);
  }

  /** Remember the id of an object that an operation has created, for the operations on that object. */
  remember(operation, answer) {
    if (operation.method !== "get") this.#forget();
    if (operation.method !== "post" || typeof answer?.id !== "string") return;
    const below = `${operation.path}/{`;
    const paths = this.#api.operations.map(({ path }) => path)
      .filter((path) => path.startsWith(below) && path.indexOf("}") === path.length - 1);
    for (const path of paths) this.#created.set(path, answer.id);
  }

  #forget() {
    this.#answers.clear();
    this.#answersSince = Date.now();
  }

  #ownId(name, { path }) {
    const end = path.indexOf(`{${name}}`) + name.length + 2;
    const role = /^(barber|customer)_id$/.exec(name)?.[1];
    return this.#created.get(path.slice(0, end)) ?? (role && this.#sessions.ofRole(role)?.user.id);
  }

  async #fillBody(draft) {
    let body;
    try { body = JSON.parse(draft.body); } catch { return; }
    await this.#fillValue(draft.operation.body.schema, body, draft);
    draft.body = JSON.stringify(body, null, 2);
  }

  /** Fill in the properties that the example has, at any depth. */
  async #fillValue(raw, value, draft) {
    const schema = this.#api.plain(raw);
    if (Array.isArray(value)) {
      for (const item of value) await this.#fillValue(schema.items, item, draft);
    } else if (value && typeof value === "object") {
      const { properties = {} } = schema;
      // A barber before the services and times, which are found by the barber.
      const names = Object.keys(value).sort((one, two) => two.endsWith("_id") - one.endsWith("_id"));
      for (const name of names) await this.#fillProperty(name, properties[name], value, draft);
    }
  }

  async #fillProperty(name, schema, object, draft) {
    const source = sourceOf(schema);
    const found = source && (this.#ownId(name, draft.operation) ?? await this.#find(source, draft, 0));
    if (!isFound(found)) return this.#fillValue(schema, object[name], draft);
    object[name] = Array.isArray(object[name]) && !Array.isArray(found) ? [found] : found;
    draft.found.set(name, found); // sources of later properties use it
  }

  async #find(source, draft, step) {
    const operation = this.#api.byId.get(source.operation);
    if (!operation || step > MOST_STEPS) return undefined;
    const request = new Draft(this.#api, operation);
    for (const param of operation.params) await this.#complete(request, param, draft, step);
    const session = this.#sessionFor(source);
    if (source.as && !session) return undefined;
    const { url } = request.request;
    const key = `${session?.user.id} ${url}`;
    if (!this.#answers.has(key)) this.#answers.set(key, this.#caller.json(request, session));
    return at(await this.#answers.get(key), source.pointer);
  }

  async #complete(request, param, draft, step) {
    const given = draft.known(param.name) ?? this.#ownId(param.name, request.operation);
    const source = sourceOf(param);
    if (param.in === "header") return;
    if (param.required && given !== undefined) request.values.set(param, String(given));
    else if (source && (param.required || param.in === "path")) {
      const value = await this.#find(source, draft, step + 1);
      if (isFound(value)) request.values.set(param, String(value));
    }
  }

  /** The account in use where its role fits, else another signed-in account of the role. */
  #sessionFor(source) {
    return source.as ? this.#sessions.ofRole(source.as) ?? this.#sessions.current : this.#sessions.current;
  }
}

const isFound = (value) => value !== undefined && value !== null;
const sourceOf = (node) => node?.["x-example-from"];

/** Follow a JSON pointer (RFC 6901), in which `*` is the first item of a list in which the rest is found. */
function at(json, pointer) {
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  return within(json, parts);
}

function within(node, [part, ...rest]) {
  if (part === undefined) return node;
  if (part !== "*") return within(node?.[part], rest);
  return (node ?? []).map((item) => within(item, rest)).find(isFound);
}
