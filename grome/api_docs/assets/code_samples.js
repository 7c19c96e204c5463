import { needsToken } from "./openapi.js";
import { reformatted } from "./draft.js";

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl({ url, method, headers, body }, operation) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${shell(url)}`];
  if (needsToken(operation)) lines.push('-H "Authorization: Bearer $TOKEN"');
  lines.push(...Object.entries(headers).map(([name, value]) => `-H ${shell(`${name}: ${value}`)}`));
  if (body !== null) lines.push(`-d ${shell(reformatted(body))}`);
  return lines.join(" \\\n  ");
}

/** A JSON value as a Python literal. */
function pythonLiteral(value, indent = "    ") {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const items = Array.isArray(value)
    ? value.map((item) => pythonLiteral(item, inner))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonLiteral(item, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return items.length ? `${open}\n${items.map((item) => `${inner}${item},\n`).join("")}${indent}${close}` : open + close;
}

function python({ url, method, headers, body }, operation) {
  const others = Object.entries(headers).filter(([name]) => body === null || name !== "Content-Type");
  const lines = others.map(([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  if (needsToken(operation)) lines.unshift('        "Authorization": f"Bearer {token}",\n');
  const parts = [`    ${JSON.stringify(url)},\n`];
  if (lines.length) parts.push(`    headers={\n${lines.join("")}    },\n`);
  if (body !== null) parts.push(`    json=${pythonBody(body)},\n`);
  const call = ["GET", "POST", "PUT", "PATCH", "DELETE"].includes(method) ? method.toLowerCase() : "request";
  const withBody = call === "delete" && body !== null; // httpx has no body for its `delete`
  const head = withBody ? `httpx.request(\n    "DELETE",\n` : `httpx.${call}(\n`;
  return `import httpx\n\nresponse = ${head}${parts.join("")})\nresponse.raise_for_status()\nprint(response.text)`;
}

function pythonBody(body) {
  try { return pythonLiteral(JSON.parse(body)); } catch { return JSON.stringify(body); }
}

function javascript({ url, method, headers, body }, operation) {
  const lines = Object.entries(headers).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  if (needsToken(operation)) lines.unshift("    Authorization: `Bearer ${token}`,\n");
  const parts = method === "GET" ? [] : [`  method: "${method}",\n`];
  if (lines.length) parts.push(`  headers: {\n${lines.join("")}  },\n`);
  if (body !== null) parts.push(`  body: JSON.stringify(${reformatted(body, 2).replaceAll("\n", "\n  ")}),\n`);
  const init = parts.length ? `, {\n${parts.join("")}}` : "";
  return `const response = await fetch(${JSON.stringify(url)}${init});\n`
    + "if (!response.ok) throw new Error((await response.json()).detail);\nconsole.log(await response.text());";
}

const WRITERS = { curl, Python: python, JavaScript: javascript };
export const LANGUAGES = Object.keys(WRITERS);

/** The request of a draft as code in a language. */
export const codeIn = (language, draft) => WRITERS[language](draft.request, draft.operation);
