/**
 * A client of Grome's live connections that keeps its rooms complete across lost connections. For browsers and Node,
 * without dependencies; client.py is the same client in Python.
 *
 *   import { GromeLive } from "./grome_live.js";
 *
 *   const live = new GromeLive("wss://api.example.com/v1/live", freshAccessToken, {
 *     onReload: async (room) => { state[room] = await loadByRest(room); },
 *     onEvent: (room, event) => { if (event.version > state[room].version) apply(room, event); },
 *   });
 *   live.subscribe("user", `booking:${bookingId}`);
 *   live.start();
 *   const message = await live.send(bookingId, "I am here.");
 *
 * `freshAccessToken` is an async function. It is called before each connection and before a token expires. It returns
 * null to end the client, because there is no session; after an exception it is called again later.
 *
 * Handlers, all optional:
 *   onReload(room)             load the state of the room by REST. Events of the room are held back until the returned
 *                              promise resolves; if it rejects, the handler is called again after a while. A state can
 *                              be newer than the events that follow, so skip events with a version that it has.
 *   onRecovered(room)          the room is complete again after a lost connection; all missed events have been given
 *   onEvent(room, event, offset)  `event` has id, type, at, subject, version, data; in order, and each event once
 *   onSignal(kind, room, data) `kind` is typing, where or presence
 *   onLeft(room, code)         the room was refused
 *   onConnected(user, rooms)   signed in; `rooms` are suggestions: "user", and the rooms of open bookings
 *   onDisconnected(code, retryMs)  the connection was lost; the client reconnects after so many milliseconds
 *   onEnd(code)                the server forbids to reconnect (codes 40xx and 42xx), or there is no session (code 0)
 *
 * Options, in the handlers' object: `msgpack: true` (binary frames), `WebSocket` (a class to use in place of the global
 * one), and the delays in milliseconds of DELAYS. The n-th reconnect waits as long as the server asked for, and then a
 * random time up to backoffMs * 2^n, at most maxBackoffMs. Requests that are repeated after a reconnect have `resendMs`
 * for their reply, the others `replyMs`.
 */

const DELAYS = { backoffMs: 1_000, maxBackoffMs: 30_000, connectMs: 10_000, replyMs: 15_000, resendMs: 60_000 };
const ABNORMAL = 1006;
const SILENT_HEARTBEATS = 2.2;
const ROOMS_A_FRAME = 50;
const MAX_REQUESTS = 32;
const MAX_HELD_EVENTS = 1_000;
const MAX_BUFFERED_BYTES = 65_536;
const TYPING_EVERY_MS = 2_000;

const isFinal = (code) => (code >= 4000 && code < 4100) || (code >= 4200 && code < 4300);

/** The error of a reply, or `not_connected`, `timeout`, `too_many_requests` or `ended` of the client itself. */
export class RequestError extends Error {
  constructor(code, message = code) {
    super(message);
    this.code = code;
  }
}

/** Compare offsets `<ms>-<n>` by their two numbers, because they do not sort as text. */
export function compareOffsets(one, other) {
  const [ms, n] = one.split("-").map(Number);
  const [otherMs, otherN] = other.split("-").map(Number);
  return ms - otherMs || n - otherN;
}

export class GromeLive {
  #url;
  #getToken;
  #options;
  #rooms = new Map(); // name -> {epoch, offset, joined, loading, stale, held}
  #joins = new Map(); // id of each `sub` without a reply -> names of its rooms
  #requests = new Map(); // id -> {frame, resend, resolve, reject, timer, refusals}
  #lastId = 0;
  #socket = null;
  #isSignedIn = false;
  #failures = 0;
  #joinRefusals = 0;
  #typed = { booking: "", at: 0 };
  #retryMs = 0;
  #heartbeatMs = 0;
  #hasEnded = false;
  #timers = {}; // silence, refresh, retry

  constructor(url, freshAccessToken, options = {}) {
    this.#url = url;
    this.#getToken = freshAccessToken;
    this.#options = { WebSocket: globalThis.WebSocket, ...DELAYS, ...options };
  }

  /** Connect, and stay connected until `stop` or `onEnd`. */
  start() {
    this.#open();
  }

  stop() {
    this.#finish(0, false);
  }

  /** Subscribe now and after each reconnect; onReload, onRecovered or onLeft follows for each new room. */
  subscribe(...names) {
    const added = names.filter((name) => !this.#rooms.has(name));
    for (const name of added) this.#rooms.set(name, { joined: false, loading: false, stale: false, held: null });
    this.#join(added);
  }

  unsubscribe(...names) {
    const left = names.filter((name) => this.#rooms.delete(name));
    if (left.length && this.#isSignedIn) this.#write({ t: "unsub", id: ++this.#lastId, rooms: left });
  }

  /** Send a chat message, and resolve to it as stored. After a timeout it may be repeated with the same `key`. */
  send(booking, text, { photos = [], key = crypto.getRandomValues(new Uint32Array(4)).join("-") } = {}) {
    return this.#ask({ t: "send", booking, key, text, photos }, true);
  }

  read(booking, message) {
    return this.#ask({ t: "read", booking, message }, true);
  }

  delivered(booking, message) {
    return this.#ask({ t: "delivered", booking, message }, true);
  }

  /** Report the position of a barber on the way; rejects with `not_connected` while there is no connection. */
  where(booking, lat, lng) {
    return this.#ask({ t: "where", booking, lat, lng }, false);
  }

  /** Tell the other side, at most every two seconds; without effect while there is no connection. */
  typing(booking) {
    const now = Date.now();
    const isDue = booking !== this.#typed.booking || Math.abs(now - this.#typed.at) >= TYPING_EVERY_MS;
    if (isDue && this.#isSignedIn && this.#socket.bufferedAmount < MAX_BUFFERED_BYTES) {
      this.#typed = { booking, at: now };
      this.#write({ t: "typing", booking });
    }
  }

  /** Drop the connection and resume on a new connection, for a device that has changed its network. */
  reconnect() {
    if (this.#socket) this.#lost(ABNORMAL);
  }

  #ask(frame, resend) {
    if (this.#hasEnded) return Promise.reject(new RequestError("ended"));
    if (this.#requests.size >= MAX_REQUESTS) return Promise.reject(new RequestError("too_many_requests"));
    if (!resend && !this.#isSignedIn) return Promise.reject(new RequestError("not_connected"));
    const id = ++this.#lastId;
    const { replyMs, resendMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id, { error: { code: "timeout" } }), resend ? resendMs : replyMs);
      this.#requests.set(id, { frame: { ...frame, id }, resend, resolve, reject, timer, refusals: 0 });
      this.#transmit(id);
    });
  }

  #transmit(id) {
    if (this.#isSignedIn && this.#requests.has(id)) this.#write(this.#requests.get(id).frame);
  }

  #settle(id, { ok, error }) {
    const request = this.#requests.get(id);
    if (!request) return;
    clearTimeout(request.timer);
    this.#requests.delete(id);
    if (error) request.reject(new RequestError(error.code, error.message));
    else request.resolve(ok);
  }

  // ---- connections

  async #open() {
    this.#retryMs = 0;
    const token = await this.#freshToken();
    if (this.#hasEnded) return;
    if (token === null) return this.#finish(0);
    if (token === undefined) return this.#lost(ABNORMAL);
    const socket = new this.#options.WebSocket(this.#url, [this.#options.msgpack ? "grome.msgpack" : "grome.json"]);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#write({ t: "hello", token });
    socket.onmessage = ({ data }) => socket === this.#socket && this.#heard(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
    socket.onerror = () => {}; // `onclose` follows
    this.#expectFrame(this.#options.connectMs);
  }

  /** Return a token, null without a session, or undefined if there is no token at the moment. */
  async #freshToken() {
    try {
      return (await this.#getToken()) ?? null;
    } catch {
      return undefined;
    }
  }

  /** Take the connection for lost if no frame comes in time. */
  #expectFrame(withinMs) {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#lost(ABNORMAL), withinMs);
  }

  #lost(code) {
    this.#disconnect();
    if (this.#hasEnded) return;
    if (isFinal(code)) return this.#finish(code);
    const retryMs = this.#retryMs + Math.random() * this.#ceilingMs(this.#failures);
    this.#failures += 1;
    this.#timers.retry = setTimeout(() => this.#open(), retryMs);
    this.#call("onDisconnected", code, retryMs);
  }

  #disconnect() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isSignedIn = false;
    this.#joins.clear();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    for (const room of this.#rooms.values()) room.joined = false;
    for (const [id, request] of this.#requests) {
      if (!request.resend) this.#settle(id, { error: { code: "not_connected" } });
    }
    socket?.close();
  }

  #finish(code, tell = true) {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#disconnect();
    for (const id of this.#requests.keys()) this.#settle(id, { error: { code: "ended" } });
    if (tell) this.#call("onEnd", code);
  }

  #ceilingMs(failures) {
    return Math.min(this.#options.maxBackoffMs, this.#options.backoffMs * 2 ** failures);
  }

  /** Resolve after a pause that grows with the failures or temporary refusals so far. */
  #pause(failures) {
    return new Promise((resolve) => setTimeout(resolve, (0.5 + Math.random() / 2) * this.#ceilingMs(failures)));
  }

  #write(frame) {
    if (this.#socket?.readyState === 1) {
      this.#socket.send(this.#options.msgpack ? encodeMsgpack(frame) : JSON.stringify(frame));
    }
  }

  #refreshAfter(seconds) {
    clearTimeout(this.#timers.refresh);
    const marginS = Math.min(60, seconds * 0.2);
    const refresh = async () => {
      const socket = this.#socket;
      const token = await this.#freshToken();
      if (socket !== this.#socket || token === null) return; // the server ends the connection when the token expires
      try {
        this.#refreshAfter((await this.#ask({ t: "refresh", token }, false)).expires_in);
      } catch {
        if (socket === this.#socket) this.#refreshAfter(marginS);
      }
    };
    this.#timers.refresh = setTimeout(refresh, Math.max(100, (seconds - marginS) * 1_000));
  }

  // ---- frames of the server

  #heard(data) {
    const frame = typeof data === "string" ? JSON.parse(data) : decodeMsgpack(data);
    if (frame.t === "bye") {
      this.#retryMs = frame.retry_ms;
      return this.#lost(frame.code);
    }
    if (frame.t === "hello") this.#heartbeatMs = frame.heartbeat_s * 1_000;
    else this.#failures = 0;
    this.#expectFrame(SILENT_HEARTBEATS * this.#heartbeatMs);
    this.#receive(frame);
  }

  #receive(frame) {
    const room = this.#rooms.get(frame.r);
    switch (frame.t) {
      case "hello":
        this.#isSignedIn = true;
        this.#join([...this.#rooms.keys()]);
        for (const id of this.#requests.keys()) this.#transmit(id);
        this.#refreshAfter(frame.expires_in);
        return this.#call("onConnected", frame.user, frame.rooms);
      case "event":
        return room?.joined && this.#event(frame.r, room, frame);
      case "typing":
      case "where":
      case "presence":
        return room && this.#call("onSignal", frame.t, frame.r, frame.d);
      case "reset":
        return room && this.#reload(frame.r, Object.assign(room, { epoch: frame.epoch, offset: frame.offset }));
      case "ping":
        for (const joined of this.#rooms.values()) if (joined.joined) advance(joined, frame.o);
        return;
      case "reply":
        return this.#replied(frame);
    }
  }

  #replied(frame) {
    const names = this.#joins.get(frame.id);
    if (this.#joins.delete(frame.id)) {
      const results = frame.ok?.rooms ?? names.map((room) => ({ room, error: frame.error }));
      const again = results.filter((result) => !this.#joined(result)).map(({ room }) => room);
      if (again.length) this.#pause(this.#joinRefusals).then(() => this.#join(again));
      this.#joinRefusals = again.length ? this.#joinRefusals + 1 : 0;
    } else if (frame.error?.temporary && this.#requests.get(frame.id)?.resend) {
      this.#pause(this.#requests.get(frame.id).refusals++).then(() => this.#transmit(frame.id));
    } else {
      this.#settle(frame.id, frame);
    }
  }

  /** Ask for the rooms that are still subscribed and not joined on this connection. */
  #join(names) {
    const missing = names.filter((name) => this.#rooms.get(name)?.joined === false);
    for (let start = 0; this.#isSignedIn && start < missing.length; start += ROOMS_A_FRAME) {
      const batch = missing.slice(start, start + ROOMS_A_FRAME);
      const id = ++this.#lastId;
      const rooms = batch.map((room) => ({ room, ...positionOf(this.#rooms.get(room)) }));
      this.#joins.set(id, batch);
      this.#write({ t: "sub", id, rooms });
      setTimeout(() => {
        if (this.#joins.delete(id)) this.#join(batch); // there was no reply
      }, this.#options.replyMs);
    }
  }

  /** Apply a result of a `sub` at once, so that missed events precede new events. Return false after a temporary refusal. */
  #joined({ room: name, epoch, offset, recovered, events, error }) {
    const room = this.#rooms.get(name);
    if (!room) return true;
    if (error?.temporary) return false;
    if (error) {
      this.#rooms.delete(name);
      this.#call("onLeft", name, error.code);
    } else if (recovered) {
      room.joined = true;
      for (const event of events) this.#event(name, room, event);
      advance(room, offset);
      this.#call("onRecovered", name);
    } else {
      this.#reload(name, Object.assign(room, { joined: true, epoch, offset }));
    }
    return true;
  }

  #event(name, room, { o, d }) {
    if (!advance(room, o)) return;
    if (!room.held) this.#call("onEvent", name, d, o);
    else if (room.held.push([d, o]) > MAX_HELD_EVENTS) Object.assign(room, { held: [], stale: true });
  }

  /** Let the application load the state, again if it became stale meanwhile, and then give it the events since. */
  async #reload(name, room) {
    Object.assign(room, { held: [], stale: true });
    if (room.loading) return;
    room.loading = true;
    for (let failures = 0; room.stale && this.#rooms.get(name) === room && !this.#hasEnded; ) {
      room.stale = false;
      try {
        await this.#options.onReload?.(name);
      } catch {
        room.stale = true;
        await this.#pause(failures++);
      }
    }
    const { held } = Object.assign(room, { loading: false });
    room.held = null;
    for (const [d, o] of held) this.#call("onEvent", name, d, o);
  }

  /** Call a handler; its exception is reported as uncaught, and does not harm the connection. */
  #call(handler, ...args) {
    try {
      this.#options[handler]?.(...args);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }
}

/** Move a room's position up to the offset. Return false if the position is there already. */
function advance(room, offset) {
  if (room.offset && compareOffsets(offset, room.offset) <= 0) return false;
  room.offset = offset;
  return true;
}

const positionOf = ({ epoch, offset }) => (epoch && offset ? { epoch, offset } : {});

// ---- MessagePack, with the types of JSON

export function encodeMsgpack(value) {
  const bytes = [];
  const number = (head, size, write) => {
    const view = new DataView(new ArrayBuffer(size));
    write(view);
    bytes.push(head, ...new Uint8Array(view.buffer));
  };
  const head = (length, fix, maxFix, head16) => {
    if (length <= maxFix) bytes.push(fix | length);
    else if (length < 2 ** 16) number(head16, 2, (view) => view.setUint16(0, length));
    else number(head16 + 1, 4, (view) => view.setUint32(0, length));
  };
  const put = (item) => {
    if (item === null || item === undefined) bytes.push(0xc0);
    else if (typeof item === "boolean") bytes.push(item ? 0xc3 : 0xc2);
    else if (Number.isSafeInteger(item)) number(0xd3, 8, (view) => view.setBigInt64(0, BigInt(item)));
    else if (typeof item === "number") number(0xcb, 8, (view) => view.setFloat64(0, item));
    else if (typeof item === "string") {
      const text = new TextEncoder().encode(item);
      head(text.length, 0xa0, 31, 0xda);
      for (const byte of text) bytes.push(byte);
    } else if (Array.isArray(item)) {
      head(item.length, 0x90, 15, 0xdc);
      for (const element of item) put(element);
    } else {
      const fields = Object.entries(item);
      head(fields.length, 0x80, 15, 0xde);
      for (const [name, field] of fields) put(name), put(field);
    }
  };
  put(value);
  return new Uint8Array(bytes);
}

export function decodeMsgpack(buffer) {
  const view = new DataView(buffer);
  let at = 0;
  const number = (size, read) => {
    at += size;
    return Number(view[read](at - size));
  };
  const text = (length) => {
    at += length;
    return new TextDecoder().decode(new Uint8Array(buffer, at - length, length));
  };
  const list = (length) => Array.from({ length }, take);
  const map = (length) => Object.fromEntries(Array.from({ length }, () => [take(), take()]));
  const takers = {
    0xc0: () => null,
    0xc2: () => false,
    0xc3: () => true,
    0xca: () => number(4, "getFloat32"),
    0xcb: () => number(8, "getFloat64"),
    0xcc: () => number(1, "getUint8"),
    0xcd: () => number(2, "getUint16"),
    0xce: () => number(4, "getUint32"),
    0xcf: () => number(8, "getBigUint64"),
    0xd0: () => number(1, "getInt8"),
    0xd1: () => number(2, "getInt16"),
    0xd2: () => number(4, "getInt32"),
    0xd3: () => number(8, "getBigInt64"),
    0xd9: () => text(number(1, "getUint8")),
    0xda: () => text(number(2, "getUint16")),
    0xdb: () => text(number(4, "getUint32")),
    0xdc: () => list(number(2, "getUint16")),
    0xdd: () => list(number(4, "getUint32")),
    0xde: () => map(number(2, "getUint16")),
    0xdf: () => map(number(4, "getUint32")),
  };
  function take() {
    const head = number(1, "getUint8");
    if (head < 0x80) return head;
    if (head < 0x90) return map(head & 15);
    if (head < 0xa0) return list(head & 15);
    if (head < 0xc0) return text(head & 31);
    if (head >= 0xe0) return head - 256;
    if (!takers[head]) throw new TypeError(`MessagePack type ${head} is not a type of JSON`);
    return takers[head]();
  }
  return take();
}
