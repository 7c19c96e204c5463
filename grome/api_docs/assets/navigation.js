import { $, el, foldable, span } from "./dom.js";
import { isProblem } from "./openapi.js";
import { badge } from "./operation_view.js";

const MOST_FOUND = 60;

/** The list at the side: groups of operations, and what a search finds among operations and schemas. */
export class Navigation {
  #page;
  #entries;

  constructor(page, groups) {
    this.#page = page;
    this.#entries = [...groups.flatMap(({ operations }) => operations.map(operationEntry)), ...schemaEntries(page.api)];
    this.groups = groups;
  }

  start() {
    this.#showGroups();
    $("search").oninput = () => this.#search();
    $("search").onkeydown = (event) => {
      if (event.key === "Escape" && $("search").value) {
        $("search").value = "";
        this.#search();
        event.stopPropagation();
      }
    };
    $("menu").onclick = () => this.#openMenu($("menu").ariaExpanded !== "true");
    $("side").addEventListener("click", (event) => { if (event.target.closest("a")) this.#openMenu(false); });
    $("side").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || $("menu").ariaExpanded !== "true") return;
      this.#openMenu(false);
      $("menu").focus(); // else the focus would stay in the folded part
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
      event.preventDefault();
      this.#openMenu(true);
      $("search").focus();
    });
  }

  /** Mark the entry of an operation, in the group that holds it. */
  mark(id) {
    $("groups").querySelectorAll("[aria-current]").forEach((link) => { link.ariaCurrent = null; });
    const group = this.groups.find(({ operations }) => operations.some((operation) => operation.id === id));
    if (!group || $("search").value) return;
    const fold = $("groups").querySelector(`[data-tag="${CSS.escape(group.name)}"]`);
    fold.unfold();
    const link = fold.querySelector(`a[href="#${CSS.escape(id)}"]`);
    link.ariaCurrent = "location";
    link.scrollIntoView({ block: "nearest" });
  }

  #showGroups() {
    const folds = this.groups.map(({ name, title, operations }) => {
      const fold = foldable({}, [title, span("count", String(operations.length))], () => [list(operations.map(operationEntry))]);
      fold.dataset.tag = name;
      return fold;
    });
    $("groups").replaceChildren(...folds, el("a", { href: "#schemas", className: "all" }, "Schemas",
      span("count", String(Object.keys(this.#page.api.schemas).filter((name) => !isProblem(name)).length))));
  }

  #search() {
    const wanted = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (!wanted.length) {
      $("found").textContent = "";
      return this.#showGroups();
    }
    const scored = this.#entries.map((entry) => [score(entry, wanted), entry]).filter(([points]) => points !== 0);
    scored.sort(([one], [two]) => two - one);
    const found = scored.map(([, entry]) => entry);
    const cut = found.length > MOST_FOUND ? `, the first ${MOST_FOUND} are shown` : "";
    $("found").textContent = found.length ? `${found.length} found${cut}` : "Nothing matches.";
    return $("groups").replaceChildren(list(found.slice(0, MOST_FOUND)));
  }

  #openMenu(open) {
    $("side").classList.toggle("open", open);
    $("menu").ariaExpanded = String(open);
  }
}

/** Every word must occur; names count more than descriptions, operations more than schemas, and those more than problems. */
function score({ name, words, rank }, wanted) {
  if (!wanted.every((word) => name.includes(word) || words.includes(word))) return 0;
  return rank + wanted.reduce((sum, word) => sum + (name.includes(word) ? 3 : 0) + (name.startsWith(word) ? 1 : 0), 0);
}

function operationEntry(operation) {
  const { id, method, path, title, summary, about, tags = [] } = operation;
  const short = method === "delete" ? "del" : method;
  return { rank: 3, name: `${title} ${path} ${id}`.toLowerCase(), words: `${method} ${tags.join(" ")} ${summary} ${about}`.toLowerCase(),
    link: () => el("a", { href: `#${id}`, title: path }, badge(method, short), el("span", {}, title)) };
}

function schemaEntries(api) {
  return Object.entries(api.schemas).map(([name, schema]) => {
    const { description = "", properties = {} } = schema;
    return { rank: isProblem(name) ? -8 : 1, name: name.toLowerCase(), words: `${description} ${Object.keys(properties).join(" ")}`.toLowerCase(),
      link: () => el("a", { href: `#schema-${name}` }, span("method", "{ }"), el("span", {}, name)) };
  });
}

const list = (entries) => el("ul", {}, ...entries.map((entry) => el("li", {}, entry.link())));
