import { $, copy, el, onSubmit, quiet, span } from "./dom.js";
import { Problem, post } from "./session.js";

const PROOFS = { totp: "Code of the authenticator app", recovery_code: "Recovery code" };

/** The forms of accounts: sign in, the second step, demo accounts, and the accounts that are signed in. */
export class SignIn {
  constructor(sessions, baseUrl) {
    this.sessions = sessions;
    this.baseUrl = baseUrl;
    this.demo = [];
  }

  async start() {
    onSubmit($("login"), (form) => this.#attempt("/v1/auth/login", Object.fromEntries(new FormData(form)), form));
    onSubmit($("paste"), (form) => {
      this.sessions.paste(form.elements.token.value.trim());
      form.reset();
    });
    this.sessions.addEventListener("change", () => this.#show());
    this.sessions.addEventListener("lost", ({ detail }) => this.#say(`The session of ${detail.user.name} has ended; sign in again.`));
    this.#show();
    await this.#offerDemo();
  }

  /** Sign in as the demo account of a role. */
  async asDemo(role) {
    const { email, password } = this.demo.find((account) => account.role === role);
    await this.#attempt("/v1/auth/login", { email, password });
  }

  /** Demo accounts exist in development only; elsewhere there is no such address, and nothing is offered. */
  async #offerDemo() {
    const about = document.querySelector('meta[name="demo-accounts"]')?.content;
    if (!about) return;
    const reply = await fetch(about, { credentials: "omit" });
    this.demo = reply.ok ? (await reply.json()).accounts : [];
    $("demo").hidden = this.demo.length === 0;
    $("demo").replaceChildren(
      el("p", {}, "This server has demo accounts. Use one as:"),
      el("div", { className: "bar" }, ...this.demo.map(({ role, email }) =>
        el("button", { type: "button", title: email, onclick: () => this.asDemo(role) }, role))));
    this.sessions.dispatchEvent(new Event("change"));
  }

  async #attempt(path, body, form) {
    try {
      this.sessions.keep(await post(this.baseUrl + path, body));
      form?.reset();
      this.#endSecondStep();
      this.#say("");
    } catch (error) {
      if (error.code === "second_factor_required") this.#askSecondFactor(error.body);
      else this.#say(error instanceof Problem ? error.message : `No answer: ${error.message}`);
    }
  }

  #askSecondFactor({ challenge, kinds }) {
    const form = el("form", { id: "page-second" });
    const fields = kinds.filter((kind) => kind in PROOFS).map((kind) =>
      el("label", {}, PROOFS[kind], el("input", { name: kind, autocomplete: "one-time-code", spellcheck: false })));
    const passkey = kinds.includes("passkey") && "PublicKeyCredential" in window
      && el("button", { type: "button", onclick: () => this.#provePasskey(challenge) }, "Use a passkey");
    form.append(
      el("p", {}, "The password is right, and this account has a second factor. Prove one of:"),
      el("div", { className: "bar" }, ...fields, fields.length > 0 && el("button", {}, "Continue"), passkey || "",
        quiet("Cancel", () => this.#endSecondStep())));
    onSubmit(form, () => {
      const proof = [...new FormData(form)].filter(([, value]) => value.trim());
      this.#attempt("/v1/auth/second-factor", { challenge, ...Object.fromEntries(proof) });
    });
    $("second").replaceWith(form);
    form.querySelector("input, button").focus();
    this.#say("");
  }

  async #provePasskey(challenge) {
    try {
      const { provePasskey } = await import("/account/passkeys.js");
      const { ceremony, options } = await post(`${this.baseUrl}/v1/auth/passkey/begin`, { challenge });
      const credential = await provePasskey(options);
      await this.#attempt("/v1/auth/second-factor", { challenge, passkey: { ceremony, credential } });
    } catch (error) { this.#say(error.message); }
  }

  #endSecondStep() {
    $("second").replaceChildren();
    $("second").hidden = true;
  }

  #say(text) {
    $("session").textContent = text;
  }

  #show() {
    const { current, list } = this.sessions;
    $("account").textContent = current ? current.user.role ?? "token" : "Sign in";
    $("account").title = current ? `Signed in as ${nameOf(current)}` : "";
    $("accounts").replaceChildren(...list.map((session) => this.#row(session, session === current)));
  }

  #row(session, inUse) {
    const use = el("input", { type: "radio", name: "page-account", checked: inUse, onchange: () => this.sessions.use(session.user.id) });
    const label = el("label", {}, use, " ", nameOf(session), " ", session.user.role && span("chip", session.user.role));
    const copyToken = quiet("Copy token", async (event) => copy(await this.sessions.token(session), event.target));
    const out = quiet("Sign out", () => this.sessions.signOut(session));
    out.ariaLabel = `Sign out ${nameOf(session)}`;
    copyToken.ariaLabel = `Copy the access token of ${nameOf(session)}`;
    return el("li", {}, label, copyToken, out);
  }
}

export const nameOf = ({ user }) => user.email ?? user.phone ?? user.name;
