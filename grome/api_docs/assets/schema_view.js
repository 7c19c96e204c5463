import { el, foldable, inline, prose, span } from "./dom.js";

const shown = (value) => `\`${typeof value === "string" && value ? value : JSON.stringify(value)}\``;

function range(low, high, unit = "") {
  if (low === undefined && high === undefined) return null;
  if (high === undefined) return `at least ${low}${unit}`;
  return low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`;
}

function limitTexts(schema) {
  const when = (key, say) => (schema[key] === undefined ? null : say(schema[key]));
  return [
    when("const", (value) => `always ${shown(value)}`),
    when("enum", (values) => (values.length > 1 ? `one of ${values.map(shown).join(" ")}` : `always ${shown(values[0])}`)),
    when("exclusiveMinimum", (n) => `over ${n}`), when("exclusiveMaximum", (n) => `under ${n}`),
    range(schema.minimum, schema.maximum), when("multipleOf", (n) => `a multiple of ${n}`),
    range(schema.minLength, schema.maxLength, " characters"), range(schema.minItems, schema.maxItems, " items"),
    when("pattern", (pattern) => `matches ${shown(pattern)}`), when("default", (value) => `default ${shown(value)}`),
  ].filter(Boolean);
}

/** Shows schemas in words and as trees. Names of schemas are links to their entries. */
export class SchemaView {
  constructor(api) {
    this.api = api;
  }

  /** The type as text, e.g. "array of BookingOut or null". */
  typeName(raw) {
    return this.#typeParts(raw).map((part) => part.text ?? part).join("");
  }

  /** The type as nodes, with links. */
  type(raw) {
    return this.#typeParts(raw).map((part) => (part.text ? el("a", { href: `#schema-${part.text}` }, part.text) : part));
  }

  #typeParts(raw) {
    const schema = this.api.plain(raw);
    const values = schema.enum?.filter((value) => value !== null) ?? [schema.const].filter((value) => value !== undefined);
    let parts = [[schema.type ?? "anything", schema.format].filter(Boolean).join(", ")];
    if (schema.name) parts = [{ text: schema.name }];
    else if (values.length) parts = [[...new Set(values.map((value) => typeof value))].join(" or ")];
    else if (schema.choices) parts = schema.choices.flatMap((choice, i) => [...(i ? [" or "] : []), ...this.#typeParts(choice)]);
    else if (schema.type === "array") parts = ["array of ", ...this.#typeParts(schema.items)];
    return schema.nullable || schema.enum?.includes(null) ? [...parts, " or null"] : parts;
  }

  /** Ranges, lengths, choices and defaults in words, or nothing. */
  limits(raw) {
    const schema = this.api.plain(raw);
    const ofItems = schema.type === "array" ? limitTexts(this.api.plain(schema.items)) : [];
    const texts = [...limitTexts(schema), ...ofItems.map((text) => `each ${text}`)];
    return texts.length > 0 && span("limits", ...texts.map((text) => el("span", {}, ...inline(text))));
  }

  /** The level below a schema, as [name, schema, required]; an array shows its items. */
  members(raw) {
    const schema = this.api.plain(raw);
    if (schema.type === "array") return this.members(schema.items);
    if (schema.choices) return schema.choices.map((choice, i) => [i ? "or" : "either", choice, false]);
    const { properties = {}, required = [], additionalProperties: others } = schema;
    const named = Object.entries(properties).map(([name, inner]) => [name, inner, required.includes(name)]);
    return typeof others === "object" ? [...named, ["any name", others, false]] : named;
  }

  tree(raw) {
    return el("div", { className: "tree" }, ...this.members(raw).map((member) => this.node(member)));
  }

  node([name, raw, required]) {
    const line = [span("name", name), span("type", ...this.type(raw)), required && span("required", "required"),
      ...prose(this.api.plain(raw).description), this.limits(raw)];
    if (this.members(raw).length) return foldable({ className: "node" }, line, () => [this.tree(raw)]);
    return el("div", { className: "node" }, ...line);
  }

  /** A whole schema with the name of its type. */
  block(raw, mediaType) {
    return [el("p", {}, span("name", ...this.type(raw)), span("type", mediaType)), ...this.content(raw)];
  }

  /** The description of a schema, and its members or limits. */
  content(raw) {
    return [...prose(this.api.plain(raw).description), this.members(raw).length > 0 ? this.tree(raw) : this.limits(raw)];
  }
}
