import { exampleOf, exampleOfParameter } from "./samples.js";

const isArray = (api, param) => api.plain(param.schema).type === "array";
export const isKey = (param) => param.in === "header" && param.name.toLowerCase() === "idempotency-key";
// randomUUID is missing on plain http from other machines; any text that nobody repeats will do there.
export const newKey = () => crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join("-");

/** A request that is being written: values of parameters as text, and the body as JSON text, or null. */
export class Draft {
  constructor(api, operation) {
    this.api = api;
    this.operation = operation;
    this.values = new Map(operation.params.map((param) => [param, isKey(param) ? newKey() : exampleOfParameter(api, param)]));
    this.body = operation.body ? JSON.stringify(this.#exampleBody(operation.body), null, 2) : null;
    this.touched = new Set(); // parameters that the reader has changed, and "body"
    this.found = new Map(); // values of properties that were found on the server, by name
  }

  /** A `key` in the body is an idempotency key too. */
  #exampleBody(media) {
    const body = structuredClone(exampleOf(this.api, media));
    if (typeof body?.key === "string") body.key = newKey().slice(0, this.api.plain(media.schema).properties?.key?.maxLength);
    return body;
  }

  /** The value of a name in the path, the query or at the top of the body. */
  known(name) {
    for (const [param, value] of this.values) if (param.name === name && value !== "") return value;
    return this.found.get(name) ?? asObject(this.body)?.[name];
  }

  /** The request for fetch, without a token. */
  get request() {
    const { operation, body } = this;
    const query = new URLSearchParams();
    const headers = body === null ? {} : { "Content-Type": operation.bodyType };
    let { path } = operation;
    for (const [param, value] of [...this.values].filter((pair) => pair[1] !== "")) {
      if (param.in === "path") path = path.replace(`{${param.name}}`, () => encodeURIComponent(value));
      else if (param.in === "header") headers[param.name] = value;
      else for (const part of this.#parts(param, value)) query.append(param.name, part);
    }
    const search = query.size ? `?${query}` : "";
    return { url: this.api.baseUrl + path + search, method: operation.method.toUpperCase(), headers, body };
  }

  #parts(param, value) {
    const repeats = isArray(this.api, param) && param.explode !== false;
    return (repeats ? value.split(",") : [value]).map((part) => part.trim());
  }
}

/** JSON with another indent; text that is no JSON, such as a half-typed body, stays as it is. */
export function reformatted(json, indent) {
  try { return JSON.stringify(JSON.parse(json), null, indent); } catch { return json; }
}

function asObject(json) {
  try { return JSON.parse(json); } catch { return null; }
}
