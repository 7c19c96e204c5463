import { AnswerView } from "./answer_view.js";
import { el, onSubmit, quiet, span } from "./dom.js";
import { isKey, newKey } from "./draft.js";
import { needsToken, rolesOf, takesToken } from "./openapi.js";
import { nameOf } from "./sign_in.js";

/** The form of an operation: fields, "Send", and the answer. `changed` is called after each change of the draft. */
export class TryForm {
  #page;
  #draft;
  #changed;
  #inputs = new Map();
  #area = null;
  #filledFor;
  #account = el("p", { className: "account" });
  #answer;

  constructor(page, draft, changed) {
    this.#page = page;
    this.#draft = draft;
    this.#changed = changed;
    const cursor = [...draft.values.keys()].find((param) => param.name === "cursor");
    this.#answer = new AnswerView(cursor && ((value) => this.#readOn(cursor, value)));
    this.node = el("section", { className: "try", ariaLabel: `Try: ${draft.operation.title}` }, this.#form(), this.#answer.node);
    this.#showAccount();
    page.sessions.addEventListener("change", () => this.#changeAccount());
  }

  #form() {
    const params = [...this.#draft.values.keys()];
    const optional = params.filter((param) => !param.required && !isKey(param));
    const shown = params.filter((param) => !optional.includes(param));
    const form = el("form", { noValidate: true },
      ...shown.map((param) => this.#field(param)),
      optional.length > 0 && el("details", { className: "optional" },
        el("summary", {}, `${optional.length} optional parameter${optional.length > 1 ? "s" : ""}`),
        ...optional.map((param) => this.#field(param))),
      this.#draft.body !== null && this.#bodyField(),
      el("div", { className: "bar" }, el("button", { className: "send" }, "Send"), this.#account));
    onSubmit(form, () => this.#send());
    return form;
  }

  #field(param) {
    const input = Object.assign(this.#inputFor(param), { value: this.#draft.values.get(param) });
    if (param.required) input.ariaRequired = "true";
    input.oninput = () => {
      this.#draft.values.set(param, input.value);
      this.#draft.touched.add(param);
      this.#changed();
    };
    this.#inputs.set(param, input);
    const renew = isKey(param) && quiet("New key", () => { input.value = newKey(); input.oninput(); });
    return el("div", { className: "field" },
      el("label", {}, el("span", {}, param.name, span("soft", ` ${param.in}`)), input), renew);
  }

  #inputFor({ schema: raw }) {
    const schema = this.#page.api.plain(raw);
    const options = schema.enum ?? (schema.type === "boolean" ? [true, false] : null);
    const placeholder = String(schema.default ?? (schema.type === "array" ? "several, with commas between" : this.#page.view.typeName(raw)));
    if (!options) return el("input", { autocomplete: "off", spellcheck: false, placeholder });
    return el("select", {}, el("option", { value: "" }, "–"), ...options.map((value) => el("option", {}, String(value))));
  }

  #bodyField() {
    const rows = Math.min(18, this.#draft.body.split("\n").length + 1);
    this.#area = el("textarea", { value: this.#draft.body, rows, spellcheck: false });
    this.#area.oninput = () => {
      this.#draft.body = this.#area.value || null;
      this.#draft.touched.add("body");
      this.#changed();
    };
    return el("label", {}, "Body", this.#area);
  }

  /** Fill in values that exist on this server, as far as the account can see them. */
  async fill() {
    this.#filledFor = this.#page.sessions.current?.user.id;
    await this.#page.examples.fill(this.#draft);
    for (const [param, input] of this.#inputs) input.value = this.#draft.values.get(param);
    if (this.#area) this.#area.value = this.#draft.body ?? "";
    this.#changed();
  }

  async #send() {
    const stopping = new AbortController();
    this.#answer.pending(() => stopping.abort());
    this.node.ariaBusy = "true";
    try {
      await this.fill();
      const session = this.#page.sessions.current;
      const started = performance.now();
      const reply = await this.#page.caller.send(this.#draft, session, stopping.signal);
      const json = await this.#answer.show(reply, started);
      if (reply.ok) this.#page.examples.remember(this.#draft.operation, json);
    } catch (error) {
      this.#answer.failed(error);
    }
    this.node.ariaBusy = "false";
  }

  #readOn(param, cursor) {
    const input = this.#inputs.get(param);
    input.value = cursor;
    input.oninput();
    this.#send();
  }

  /** Another account can see other objects, so that the examples are filled again where they are shown. */
  #changeAccount() {
    this.#showAccount();
    const user = this.#page.sessions.current?.user.id;
    if (user !== this.#filledFor && this.node.checkVisibility?.()) this.fill();
  }

  /** Say which account is used, and offer a fitting one. */
  #showAccount() {
    const { operation } = this.#draft;
    const { sessions, signIn } = this.#page;
    const { current } = sessions;
    const roles = rolesOf(operation);
    const fits = current && (!roles || current.user.role === null || roles.includes(current.user.role));
    if (!takesToken(operation)) return this.#account.replaceChildren(span("soft", "Needs no sign-in."));
    if (fits) return this.#account.replaceChildren("as ", el("a", { href: "#page-sign-in" }, nameOf(current)));
    if (!roles && !needsToken(operation)) return this.#account.replaceChildren(span("soft", "without an account"));
    const said = roles ? `For ${roles.join(" or ")} accounts. ` : "";
    const role = (roles ?? ["customer"]).find((one) => sessions.ofRole(one));
    const demo = (roles ?? ["customer"]).find((one) => signIn.demo.some((account) => account.role === one));
    const offer = role ? quiet(`Use ${nameOf(sessions.ofRole(role))}`, () => sessions.use(sessions.ofRole(role).user.id))
      : demo ? quiet(`Use the demo ${demo}`, () => signIn.asDemo(demo))
      : el("a", { href: "#page-sign-in" }, "Sign in");
    return this.#account.replaceChildren(span("soft", said), offer);
  }
}
