// Runs in the docs page: uses it by its buttons, as a reader does.
globalThis.driver = {
  /** Wait until a condition holds, and return its value. */
  async until(condition) {
    const end = Date.now() + 60_000;
    while (Date.now() < end) {
      const value = condition();
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`${condition} did not come true at ${location.hash}`);
  },

  /** Use the demo account of a role. */
  async use(role) {
    const rows = [...document.querySelectorAll("#page-accounts li")];
    const row = rows.find((one) => one.querySelector(".chip")?.textContent === role);
    const button = [...document.querySelectorAll("#page-demo button")].find((one) => one.textContent === role);
    (row?.querySelector("input") ?? button).click();
    await this.until(() => document.querySelector("#page-account").textContent === role);
  },

  /** Sign the account of a role out, with a wrong token at first, and return the statuses of the answers. */
  async signOutWithExpiredToken(role) {
    const statuses = [];
    const { fetch } = globalThis;
    globalThis.fetch = async (url, init) => {
      if (!url.endsWith("/v1/auth/logout")) return fetch(url, init);
      const reply = await fetch(url, statuses.length ? init : { ...init, headers: { Authorization: "Bearer expired" } });
      statuses.push(reply.status);
      return reply;
    };
    const row = () => [...document.querySelectorAll("#page-accounts li")].find((one) => one.querySelector(".chip")?.textContent === role);
    [...row().querySelectorAll("button")].find((one) => one.textContent === "Sign out").click();
    await this.until(() => !row());
    globalThis.fetch = fetch;
    return statuses;
  },

  /** Send an example as the demo account of a role. */
  async send(role, id) {
    await this.use(role);
    return this.press(await this.open(id));
  },

  /** Replace all access tokens by wrong ones, as if they had expired earlier than the page expects. */
  expireTokens() {
    const [name, stored] = Object.entries(sessionStorage)[0];
    const sessions = JSON.parse(stored);
    for (const session of Object.values(sessions.byId)) session.access = "expired";
    sessionStorage.setItem(name, JSON.stringify(sessions));
  },

  /** Return the form of an operation. */
  async open(id) {
    location.hash = id;
    return this.until(() => document.getElementById(id)?.querySelector(".try"));
  },

  /** Click "Send", and return "ok" or the answer. */
  async press(form) {
    form.querySelector(".send").click();
    const verdict = form.querySelector(".verdict");
    const status = () => verdict.querySelector("strong")?.textContent ?? "";
    await this.until(() => status() || verdict.textContent.startsWith("No answer"));
    if (verdict.textContent.includes("open,")) verdict.querySelector("button").click(); // a stream, which ends when it is stopped
    await this.until(() => form.ariaBusy === "false");
    const said = form.querySelector(".reply").innerText;
    for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = false; // a shorter page
    return status().startsWith("2") || verdict.textContent === "Stopped." ? "ok" : said;
  },
};
