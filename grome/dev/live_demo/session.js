const REFRESH_MARGIN_MS = 90_000;

/** The sign-in of one side, with a fresh access token at hand. */
export class Session {
  #tokens;
  #expiresAt;
  #refreshing = null;

  constructor(answer) {
    this.user = answer.user;
    this.#keep(answer);
  }

  static async signIn(email, password) {
    return new Session(await send("POST", "/v1/auth/login", { email, password }));
  }

  static async register(fields) {
    return new Session(await send("POST", "/v1/auth/register", fields));
  }

  /** Return an access token that is good for a while; for GromeLive too. */
  async token() {
    if (Date.now() > this.#expiresAt - REFRESH_MARGIN_MS) {
      // Only once at a time: a refresh token that is used twice ends the session.
      this.#refreshing ??= this.#refresh().finally(() => { this.#refreshing = null; });
      await this.#refreshing;
    }
    return this.#tokens.access_token;
  }

  async call(method, path, body) {
    return send(method, path, body, await this.token());
  }

  async #refresh() {
    this.#keep(await send("POST", "/v1/auth/refresh", { refresh_token: this.#tokens.refresh_token }));
  }

  #keep(answer) {
    this.#tokens = answer;
    this.#expiresAt = Date.now() + answer.expires_in * 1_000;
  }
}

async function send(method, path, body, token) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 204) return null;
  const data = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(data.detail || data.title), { code: data.code });
  return data;
}

/** Files lie on this server in development; their links name the address that it has for others. */
export function localPath(url) {
  const { pathname } = new URL(url);
  return pathname.startsWith("/v1/files") ? pathname : url;
}

/** Upload a photo for a message, and return the id of the upload. */
export async function uploadPhoto(session, file) {
  const wanted = { purpose: "message", content_type: file.type, size: file.size };
  const { id, url, fields } = await session.call("POST", "/v1/uploads", wanted);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  const answer = await fetch(localPath(url), { method: "POST", body: form });
  if (!answer.ok) throw new Error("The photo could not be uploaded.");
  return id;
}
