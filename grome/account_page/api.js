const KEY = "grome.account.tokens";
const DEVICE = "grome.account.device";
const REFRESH_MARGIN_MS = 60_000;

/** A refused request: `code` is stable, `errors` name the fields. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title);
    Object.assign(this, { status, code: body.code, errors: body.errors ?? [], body });
  }
}

/**
 * Calls the API as the person that is signed in.
 *
 * The tokens live as long as the tab. A copy of the tab has the same tokens, so each tab tells the others its new ones:
 * a refresh token that is used twice looks like theft.
 */
class Api {
  #tokens = JSON.parse(sessionStorage.getItem(KEY));
  #refreshing = null;
  #tabs = new BroadcastChannel(KEY);

  /** Asks the person for a proof of identity, and resolves to whether there was one. */
  onStepUp = async () => false;
  onSignedOut = () => {};

  constructor() {
    this.#tabs.onmessage = ({ data }) => {
      if (data.replaced === this.#tokens?.refresh_token) this.#store(data.tokens);
    };
  }

  get isSignedIn() {
    return this.#tokens !== null;
  }

  /** Keep the tokens of a sign-in, a step-up or an added factor. */
  keep({ access_token, refresh_token, expires_in }) {
    const replaced = this.#tokens?.refresh_token;
    this.#store({ access_token, refresh_token, expiresAt: Date.now() + expires_in * 1_000 });
    if (replaced) this.#tabs.postMessage({ replaced, tokens: this.#tokens });
  }

  forget() {
    this.#tokens = null;
    sessionStorage.removeItem(KEY);
  }

  /** Send a request of the person that is signed in. Throws Problem. */
  async call(method, path, body) {
    try {
      return await send(method, path, body, await this.#accessToken());
    } catch (fault) {
      if (fault.code === "step_up_required" && (await this.onStepUp())) {
        return send(method, path, body, await this.#accessToken());
      }
      this.#endIfSignedOut(fault);
      throw fault;
    }
  }

  async #accessToken() {
    if (Date.now() > this.#tokens.expiresAt - REFRESH_MARGIN_MS) {
      this.#refreshing ??= this.#refresh().finally(() => { this.#refreshing = null; });
      await this.#refreshing;
    }
    return this.#tokens.access_token;
  }

  async #refresh() {
    this.keep(await send("POST", "/v1/auth/refresh", { refresh_token: this.#tokens.refresh_token }));
  }

  #endIfSignedOut(fault) {
    if (!["unauthenticated", "refresh_refused", "refresh_reused"].includes(fault.code)) return;
    this.forget();
    this.onSignedOut();
  }

  #store(tokens) {
    this.#tokens = tokens;
    sessionStorage.setItem(KEY, JSON.stringify(tokens));
  }
}

export const api = new Api();

/** Send a request without a sign-in, or with `token`. Throws Problem. */
export async function send(method, path, body, token) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (answer.status === 204) return null;
  const content = await answer.text();
  const data = content ? JSON.parse(content) : null;
  if (!answer.ok) throw new Problem(answer.status, data ?? { title: answer.statusText });
  return data;
}

/** Describe this browser: a later sign-in replaces its session, and is no sign-in from a new device. */
export function thisDevice() {
  let id = localStorage.getItem(DEVICE);
  if (!id) localStorage.setItem(DEVICE, (id = crypto.randomUUID()));
  return { id, name: "Account page", platform: "web" };
}

/** An address that a person has typed, as the field that the API expects. */
export function asAddress(typed) {
  const address = typed.trim();
  return address.includes("@") ? { email: address } : { phone: address };
}
