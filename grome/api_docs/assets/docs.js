import { Caller } from "./caller.js";
import { $, el, foldable, inline, prose, span } from "./dom.js";
import { LiveExamples } from "./live_examples.js";
import { Navigation } from "./navigation.js";
import { isProblem, OpenApi } from "./openapi.js";
import { operationSection } from "./operation_view.js";
import { SchemaView } from "./schema_view.js";
import { Sessions } from "./session.js";
import { SignIn } from "./sign_in.js";

const titleOf = (tag) => tag.charAt(0).toUpperCase() + tag.slice(1).replaceAll("_", " ").replaceAll("-", " ");

function showOverview({ info }) {
  document.title = `${info.title} API`;
  $("brand").textContent = `${info.title} API`;
  $("title").replaceChildren(info.title, el("small", {}, info.version));
  $("about").replaceChildren(...prose(info.description));
}

/** A group as a line that unfolds into its operations. */
function groupSection(page, { name, title, description, operations }) {
  const count = `${operations.length} operation${operations.length > 1 ? "s" : ""}`;
  const line = [el("h2", {}, title), span("count", count), ...prose(description)];
  const fold = foldable({ className: "group", id: `tag-${name}` }, line,
    () => operations.map((operation) => operationSection(page, operation)));
  operations.forEach((operation) => page.groupOf.set(operation.id, fold));
  return fold;
}

function schemaRow(page, name) {
  const [first] = (page.api.schemas[name].description ?? "").split(/(?<=\.)\s/);
  return foldable({ className: "schema", id: `schema-${name}` }, [el("h3", {}, name), span("soft", ...inline(first))],
    () => [el("div", { className: "below" }, ...page.view.content({ $ref: `#/components/schemas/${name}` }))]);
}

function schemasSection(page) {
  const names = Object.keys(page.api.schemas).sort();
  const [problems, others] = [names.filter(isProblem), names.filter((name) => !isProblem(name))];
  const rows = (some) => some.map((name) => schemaRow(page, name));
  const sections = [["schemas", "Schemas", others, "The types of bodies and answers."],
    ["problems", "Problems", problems, "The errors of operations, as sets of codes. [Errors](/docs/errors) explains each code."]];
  return sections.filter(([, , some]) => some.length).map(([id, title, some, about]) =>
    foldable({ className: "group", id }, [el("h2", {}, title), span("count", `${some.length} schemas`), ...prose(about)], () => rows(some)));
}

/** Unfold the place that the address names, and go there. */
function openPlace(page) {
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  if (id.startsWith("schema-")) document.getElementById(isProblem(id) ? "problems" : "schemas")?.unfold();
  page.groupOf.get(id)?.unfold();
  const place = document.getElementById(id);
  place?.unfold?.();
  page.navigation.mark(id);
  // Once more after the next layout: sections above can have changed their height.
  place?.scrollIntoView();
  requestAnimationFrame(() => place?.scrollIntoView());
}

function showDocument(api) {
  const sessions = new Sessions(api.baseUrl);
  const caller = new Caller(sessions);
  const page = { api, sessions, caller, view: new SchemaView(api), examples: new LiveExamples(api, caller, sessions),
    signIn: new SignIn(sessions, api.baseUrl), groupOf: new Map() };
  const groups = api.groups.map((group) => ({ ...group, title: titleOf(group.name) }));
  if (api.webhooks.length) {
    groups.push({ name: "webhooks-sent", title: "Webhooks that Grome sends", operations: api.webhooks,
      description: "Signed deliveries to the endpoints that barbers and admins have registered." });
  }
  page.navigation = new Navigation(page, groups);
  showOverview(api);
  $("operations").replaceChildren(...groups.map((group) => groupSection(page, group)), ...schemasSection(page));
  page.navigation.start();
  page.signIn.start();
  addEventListener("hashchange", () => openPlace(page));
  return page;
}

async function start() {
  try {
    const page = showDocument(await OpenApi.load("/openapi.json"));
    $("content").ariaBusy = "false";
    openPlace(page);
  } catch (error) {
    $("sign-in").hidden = true;
    $("about").replaceChildren(el("p", { className: "s5" }, `The API's description cannot be shown. ${error.message}`));
    $("content").ariaBusy = "false";
    throw error;
  }
}

start();
