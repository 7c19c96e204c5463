import { takesToken } from "./openapi.js";

/** Sends drafts, with the access token of an account, and renews it before it expires or when it is refused. */
export class Caller {
  #sessions;

  constructor(sessions) {
    this.#sessions = sessions;
  }

  /** Return the Response. A 401 is answered with a new token once. */
  async send(draft, session, signal) {
    const usesToken = session !== null && takesToken(draft.operation);
    const token = usesToken ? await this.#sessions.token(session) : null;
    const reply = await this.#fetch(draft, token, signal);
    if (reply.status !== 401 || !token) return reply;
    if ((await reply.clone().json()).code !== "unauthenticated") return reply;
    const renewed = await this.#sessions.renewed({ ...session, access: token });
    return renewed ? this.#fetch(draft, renewed, signal) : reply;
  }

  /** Return the JSON of a GET, or null for any other answer. */
  async json(draft, session) {
    try {
      const reply = await this.send(draft, session);
      return reply.ok ? await reply.json() : null;
    } catch { return null; }
  }

  #fetch(draft, token, signal) {
    const { url, ...init } = draft.request;
    if (token) init.headers.Authorization = `Bearer ${token}`;
    return fetch(url, { ...init, signal, credentials: "omit", cache: "no-store" }); // no more than curl would send
  }
}
