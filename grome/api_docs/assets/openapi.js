const METHODS = ["get", "post", "put", "patch", "delete"];

/** The OpenAPI document, with references followed and operations by their ids. */
export class OpenApi {
  constructor(document) {
    this.document = document;
    this.info = document.info;
    this.schemas = document.components?.schemas ?? {};
    this.operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) => this.#operationsAt(path, item));
    this.webhooks = Object.entries(document.webhooks ?? {}).flatMap(([name, item]) => this.#operationsAt(name, this.follow(item)));
    this.byId = new Map(this.operations.map((operation) => [operation.id, operation]));
  }

  static async load(url) {
    const reply = await fetch(url);
    if (!reply.ok) throw new Error(`${url} answered ${reply.status}`);
    return new OpenApi(await reply.json());
  }

  follow(node) {
    return node?.$ref ? this.follow(this.#at(node.$ref)) : node ?? {};
  }

  #at(pointer) {
    const unescaped = (part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    return pointer.slice(2).split("/").reduce((node, part) => node?.[unescaped(part)], this.document);
  }

  /** A schema without $ref, allOf and "X or null": its keywords, and name, nullable, choices where they apply. */
  plain(raw) {
    if (typeof raw !== "object" || raw === null) return {};
    const { $ref, allOf, anyOf, oneOf, ...rest } = raw;
    if ($ref) return { name: $ref.split("/").pop(), ...this.plain(this.#at($ref)), ...rest };
    if (allOf) return [...allOf.map((part) => this.plain(part)), rest].reduce(merged);
    const options = anyOf ?? oneOf ?? (Array.isArray(rest.type) ? rest.type.map((type) => ({ ...rest, type })) : null);
    if (!options) return rest;
    const choices = options.filter((option) => option.type !== "null");
    const nullable = choices.length < options.length;
    if (choices.length > 1) return { ...rest, choices, nullable };
    const only = this.plain(choices[0]);
    return { ...only, ...rest, type: only.type, nullable: nullable || only.nullable };
  }

  /** Groups in the order of the document's own list of tags; a tag that the list lacks comes after. */
  get groups() {
    const byTag = new Map();
    for (const operation of this.operations) {
      const name = operation.tags?.[0] ?? "other";
      byTag.set(name, [...(byTag.get(name) ?? []), operation]);
    }
    const listed = (this.document.tags ?? []).filter((tag) => byTag.has(tag.name));
    const names = new Set([...listed.map((tag) => tag.name), ...byTag.keys()]);
    return [...names].map((name) =>
      ({ ...listed.find((tag) => tag.name === name), name, operations: byTag.get(name) }));
  }

  /** The page's own origin, with the path of the server entry that lies on it: the policy lets the page call no other. */
  get baseUrl() {
    const servers = (this.document.servers ?? [{ url: "/" }]).map((server) => new URL(server.url, location.href));
    const own = servers.find((url) => url.origin === location.origin);
    return (own?.href ?? location.origin).replace(/\/$/, "");
  }

  #operationsAt(path, item) {
    return METHODS.filter((method) => item[method]).map((method) => this.#read(path, method, item));
  }

  #read(path, method, item) {
    const operation = item[method];
    const [bodyType, body] = Object.entries(this.follow(operation.requestBody).content ?? {})[0] ?? [];
    const params = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((param) => this.follow(param));
    const { operationId: id = `${method}-${path}`, summary = path } = operation;
    const [title, ...more] = summary.split(/(?<=[.?!]) +/); // headings stay short where a summary has several sentences
    const about = [more.join(" "), operation.description].filter(Boolean).join("\n\n");
    return { ...operation, id, title: title.replace(/\.$/, ""), about, summary, path, method, params, body, bodyType };
  }
}

const merged = (one, two) => ({ ...one, ...two,
  properties: { ...one.properties, ...two.properties }, required: [...(one.required ?? []), ...(two.required ?? [])] });

// An empty alternative in `security` means: a token is welcome but not needed.
const ways = (operation) => (operation.security ?? []).map((way) => Object.keys(way).length > 0);
export const takesToken = (operation) => ways(operation).includes(true);
export const needsToken = (operation) => takesToken(operation) && !ways(operation).includes(false);

/** Roles that may call an operation, or null for any account. */
export function rolesOf(operation) {
  const roles = operation["x-roles"] ?? ["anyone"];
  return roles.includes("anyone") ? null : roles;
}

/** Whether a schema is the problem of some codes, of which there are hundreds. */
export const isProblem = (name) => name.endsWith("Problem") && name !== "Problem";
