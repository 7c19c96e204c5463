const TOMORROW = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
const BY_FORMAT = { "date-time": `${TOMORROW}T08:00:00Z`, date: TOMORROW, time: "09:00:00", email: "name@example.com",
  uri: "https://example.com/", uuid: "00000000-0000-4000-8000-000000000000" };

/** A value that a schema itself offers; null if it offers none. */
const offered = (schema) => schema.example ?? schema.examples?.[0] ?? schema.const ?? schema.default
  ?? schema.enum?.find((value) => value !== null) ?? BY_FORMAT[schema.format] ?? null;

/** Build an example from a schema, for documents and places that have none. */
export function sample(api, raw, inside = []) {
  const schema = api.plain(raw);
  const below = [...inside, schema.name];
  if (offered(schema) !== null) return offered(schema);
  if (schema.default === null || (schema.name && inside.includes(schema.name))) return null;
  if (schema.choices) return sample(api, schema.choices[0], below);
  if (schema.type === "object") return sampleObject(api, schema, below);
  if (schema.type === "array") return [sample(api, schema.items, below)].filter((item) => item !== null);
  if (schema.type === "string") return "text".padEnd(schema.minLength ?? 0, "-").slice(0, schema.maxLength);
  return schema.type === "boolean" ? true : schema.minimum ?? (schema.type ? 1 : null);
}

/** Leaves out what may be null and has no example: the reader should see what is worth sending. */
function sampleObject(api, schema, inside) {
  const pairs = Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, sample(api, inner, inside)]);
  return Object.fromEntries(pairs.filter(([name, value]) => value !== null || schema.required?.includes(name)));
}

/** The example of a request or response: the document's own, else one that is built. */
export function exampleOf(api, media) {
  return media.example ?? api.follow(Object.values(media.examples ?? {})[0]).value ?? sample(api, media.schema);
}

/** The example of a required parameter as text, and nothing for a parameter that can be left out. */
export function exampleOfParameter(api, param) {
  const schema = api.plain(param.schema);
  const value = param.required ? param.example ?? offered(schema) : null;
  return Array.isArray(value) ? value.join(",") : String(value ?? "");
}
