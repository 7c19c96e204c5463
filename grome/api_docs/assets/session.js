const STORED = "grome.docs.sessions";
const RENEW_BEFORE_MS = 60_000;
const PASTED = "pasted";

/** A problem that the API has answered. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The answer is ${status}.`);
    this.status = status;
    this.code = body.code;
    this.body = body;
  }
}

/** POST JSON without a token. Throws Problem. */
export async function post(url, body) {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), credentials: "omit" };
  const reply = await fetch(url, init);
  const answer = await reply.json();
  if (!reply.ok) throw new Problem(reply.status, answer);
  return answer;
}

/**
 * The signed-in accounts of this tab, several at a time, with one of them in use. Access tokens are renewed a minute before
 * they expire. Emits "change" when an account or its tokens change, and "lost" with the account when a session has ended.
 */
export class Sessions extends EventTarget {
  #baseUrl;
  #stored;
  #refreshing = new Map();
  #timer;

  constructor(baseUrl) {
    super();
    this.#baseUrl = baseUrl;
    this.#stored = JSON.parse(sessionStorage.getItem(STORED) ?? '{"current": null, "byId": {}}');
    this.#plan();
  }

  get list() {
    return Object.values(this.#stored.byId);
  }

  get current() {
    return this.#stored.byId[this.#stored.current] ?? null;
  }

  ofRole(role) {
    return this.current?.user.role === role ? this.current : this.list.find((session) => session.user.role === role) ?? null;
  }

  /** Keep the answer of a sign-in, and use its account. */
  keep(answer) {
    this.#put({ user: answer.user, ...tokensOf(answer) });
    this.use(answer.user.id);
  }

  /** Use an access token that cannot be renewed. */
  paste(token) {
    this.#put({ user: { id: PASTED, name: "Pasted token", role: null }, access: token, refresh: null, expiresAt: null });
    this.use(PASTED);
  }

  use(id) {
    this.#stored.current = id;
    this.#changed();
  }

  forget(id) {
    delete this.#stored.byId[id];
    if (this.#stored.current === id) this.#stored.current = this.list[0]?.user.id ?? null;
    this.#changed();
  }

  /** End a session at the server, with a new access token if the stored one has expired, and forget it. */
  async signOut(session) {
    try {
      if (!session.refresh) return;
      const token = await this.token(session);
      if ((await this.#logOut(token)).status !== 401) return;
      const renewed = await this.renewed({ ...session, access: token });
      if (renewed) await this.#logOut(renewed);
    } catch {
      // Without an answer the session ends by itself, when it is no longer used.
    } finally {
      this.forget(session.user.id);
    }
  }

  #logOut(token) {
    const headers = { Authorization: `Bearer ${token}` };
    return fetch(`${this.#baseUrl}/v1/auth/logout`, { method: "POST", headers, credentials: "omit" });
  }

  /** Return an access token that does not expire within a minute; null if the session has ended meanwhile. */
  async token(session) {
    const expires = session.expiresAt !== null && Date.now() > session.expiresAt - RENEW_BEFORE_MS;
    return expires ? this.renewed(session) : session.access;
  }

  /** Return a new access token. Concurrent calls share a refresh, because a refresh token can be used once. */
  async renewed(session) {
    const { id } = session.user;
    if (!session.refresh) return null;
    const latest = this.#stored.byId[id];
    if (latest && latest.access !== session.access) return latest.access; // renewed since the caller read it
    if (!this.#refreshing.has(id)) {
      this.#refreshing.set(id, this.#refresh(session).finally(() => this.#refreshing.delete(id)));
    }
    return this.#refreshing.get(id);
  }

  async #refresh(session) {
    try {
      const tokens = await post(`${this.#baseUrl}/v1/auth/refresh`, { refresh_token: session.refresh });
      this.#put({ user: session.user, ...tokensOf(tokens) });
      this.#changed();
      return tokens.access_token;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 401 && error.status !== 403) throw error; // the session lives, and the next request tries again
      this.forget(session.user.id);
      this.dispatchEvent(new CustomEvent("lost", { detail: session }));
      return null;
    }
  }

  #put(session) {
    this.#stored.byId[session.user.id] = session;
  }

  #changed() {
    sessionStorage.setItem(STORED, JSON.stringify(this.#stored));
    this.#plan();
    this.dispatchEvent(new Event("change"));
  }

  #plan() {
    clearTimeout(this.#timer);
    const { current } = this;
    if (!current?.refresh) return;
    const wait = Math.max(0, current.expiresAt - RENEW_BEFORE_MS - Date.now());
    this.#timer = setTimeout(() => this.token(current).catch(() => {}), wait);
  }
}

const tokensOf = ({ access_token: access, refresh_token: refresh, expires_in: seconds }) =>
  ({ access, refresh, expiresAt: Date.now() + seconds * 1_000 });
