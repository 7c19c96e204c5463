import { GromeLive } from "./grome_live.js";
import { Chat } from "./chat.js";
import { element, timeOf } from "./dom.js";
import { RouteMap, routeBetween } from "./map.js";
import { Session, uploadPhoto } from "./session.js";
import { isOpen, showVisit } from "./visit.js";

const STEP_M = 105; // two seconds of a fast drive: a position that is further away is not believed
const STEP_MS = 2_100;
const MAX_DRIVE_M = 1_500;
const MAX_LOG = 100;
const DELAYS = { backoffMs: 300, maxBackoffMs: 3_000 };

/** One side of a visit: its sign-in, its live connection, and the state that the events keep up to date. */
export class Panel {
  #role;
  #root;
  #session = null;
  #live = null;
  #socket = null;
  #isOffline = false;
  #booking = null;
  #chat = null;
  #map = null;
  #position = null;
  #isPlaying = false;
  #missed = 0;
  #wasLost = false;

  constructor(role, template) {
    this.#role = role;
    this.#root = template.content.cloneNode(true).querySelector(".panel");
    this.#root.dataset.role = role;
    this.#find("h2").textContent = role === "customer" ? "Customer" : "Barber";
    this.#find(".avatar").textContent = role === "customer" ? "C" : "B";
    const form = this.#find(".sign-in");
    form.onsubmit = async (event) => {
      event.preventDefault();
      await this.#try(form, async () => this.open(await Session.signIn(form.email.value, form.password.value)));
    };
    this.#find(".network").onclick = () => this.#switchNetwork();
  }

  get root() {
    return this.#root;
  }

  /** Show the visits of a signed-in person, live from now on. */
  open(session) {
    this.#session = session;
    this.#find(".sign-in").hidden = true;
    this.#find(".waiting").hidden = this.#find(".network").hidden = false;
    this.#find("h2").textContent = session.user.name;
    this.#find(".avatar").textContent = session.user.name[0];
    this.#find(".presence").textContent = this.#role;
    this.#connect();
  }

  #connect() {
    const remember = (socket) => { this.#socket = socket; };
    class DemoSocket extends WebSocket {
      constructor(...given) {
        super(...given);
        remember(this);
      }
    }
    this.#live = new GromeLive(liveAddress(), () => this.#token(), {
      ...DELAYS,
      WebSocket: DemoSocket,
      onConnected: () => this.#connected(),
      onDisconnected: (code, ms) => this.#disconnected(code, ms),
      onEnd: (code) => this.#say("ended", `ended (${code})`),
      onReload: (room) => this.#reload(room),
      onRecovered: (room) => this.#recovered(room),
      onEvent: (room, event, offset) => this.#event(room, event, offset),
      onSignal: (kind, room, data) => this.#signal(kind, data),
      onLeft: (room, code) => this.#log(`${room} left: ${code}`),
    });
    this.#say("connecting", "connecting");
    this.#live.subscribe("user");
    this.#live.start();
  }

  // ---- the connection

  async #token() {
    if (this.#isOffline) throw new Error("offline");
    return this.#session.token();
  }

  #switchNetwork() {
    this.#isOffline = !this.#isOffline;
    this.#find(".network").textContent = this.#isOffline ? "Go online" : "Go offline";
    if (this.#isOffline) this.#socket?.close();
  }

  #connected() {
    this.#say("connected", "connected");
  }

  #disconnected(code, ms) {
    if (!this.#wasLost) this.#missed = 0;
    this.#wasLost = true;
    this.#say("reconnecting", this.#isOffline ? "offline" : `reconnecting in ${(ms / 1_000).toFixed(1)} s`);
    this.#log(`connection lost (${code})`);
  }

  #recovered(room) {
    if (room === "user" && this.#booking) return;
    this.#wasLost = false;
    const events = this.#missed === 1 ? "event" : "events";
    this.#say("recovered", `recovered, ${this.#missed} missed ${events}`);
    this.#log(`${room} recovered: ${this.#missed} missed`);
  }

  #say(state, text) {
    const pill = this.#find(".pill");
    pill.dataset.state = state;
    pill.textContent = text;
  }

  // ---- rooms

  async #reload(room) {
    if (room === "user") {
      const { items } = await this.#session.call("GET", "/v1/bookings?limit=20");
      const newest = items.filter(isOpen).sort((one, other) => (one.id < other.id ? 1 : -1))[0];
      if (newest && !this.#booking) this.#openBooking(newest);
    } else if (this.#booking && room === roomOf(this.#booking)) {
      const path = `/v1/bookings/${this.#booking.id}`;
      const [booking, messages] = await Promise.all([
        this.#session.call("GET", path),
        this.#session.call("GET", `${path}/messages?limit=50`),
      ]);
      const position = booking.on_the_way && (await this.#session.call("GET", `${path}/position`));
      this.#booking = booking;
      this.#chat.load(messages);
      if (position) this.#showPosition(position);
      this.#showBooking();
      if (this.#wasLost) this.#say("reloaded", "reloaded");
      this.#wasLost = false;
    }
    this.#log(`${room} loaded by REST`);
  }

  #openBooking(booking) {
    this.#booking = booking;
    this.#find(".waiting").hidden = true;
    this.#find(".visit").hidden = false;
    const { id } = booking;
    const quietly = (promise) => promise.catch((fault) => this.#log(fault.message));
    this.#chat = new Chat(this.#find(".chat"), this.#session.user.id, {
      send: async (text, file) =>
        this.#live.send(id, text, { photos: file ? [await uploadPhoto(this.#session, file)] : [] }),
      delivered: (message) => quietly(this.#live.delivered(id, message)),
      read: (message) => quietly(this.#live.read(id, message)),
      typing: () => this.#live.typing(id),
      loadPhotos: () => this.#session.call("GET", `/v1/bookings/${id}/messages?limit=50`),
    });
    if (booking.house_call) {
      const drive = this.#role === "barber" ? (place) => quietly(this.#report(place)) : undefined;
      this.#map = new RouteMap(this.#find(".route"), booking.house_call.location, drive);
    }
    this.#find(".route").hidden = !booking.house_call;
    this.#showBooking();
    this.#live.subscribe(roomOf(booking));
  }

  #event(room, event, offset) {
    this.#log(`${offset} ${room.slice(0, 13)} ${event.type} v${event.version}`);
    if (room === "user") {
      if (!this.#booking && event.type.startsWith("booking.")) this.#reload("user");
      return;
    }
    if (this.#wasLost) this.#missed += 1;
    const [family, kind] = event.type.split(".");
    if (family === "booking" && event.data.version > this.#booking.version) {
      Object.assign(this.#booking, event.data);
      this.#showBooking();
    } else if (family === "message") {
      if (kind === "read" || kind === "delivered") this.#chat.mark(kind, event.data);
      else this.#chat.apply(event.data);
    }
  }

  #signal(kind, data) {
    if (kind === "where") return this.#showPosition(data);
    if (data.user === this.#session.user.id) return;
    if (kind === "typing") return this.#chat.showTyping();
    this.#find(".dot").classList.toggle("online", data.online);
    const other = this.#role === "customer" ? "Barber" : "Customer";
    const since = data.last_seen ? `, last seen ${timeOf(data.last_seen)}` : "";
    this.#find(".presence").textContent = data.online ? `${other} online` : `${other} offline${since}`;
  }

  // ---- the visit

  #showBooking() {
    showVisit(this.#find(".booking"), this.#role, this.#booking, {
      act: (action) => this.#try(this.#find(".booking"), () => this.#act(action)),
      play: this.#isPlaying ? null : () => this.#try(this.#find(".booking"), () => this.#play()),
    });
    if (this.#booking.on_the_way) return;
    this.#position = null;
    this.#map?.clear();
    this.#showPosition(null);
  }

  async #act(action) {
    const booking = await this.#session.call("POST", `/v1/bookings/${this.#booking.id}/${action}`);
    if (booking.version > this.#booking.version) {
      this.#booking = booking;
      this.#showBooking();
    }
  }

  /** Do what a barber does: accept, set out, drive to the customer. */
  async #play() {
    this.#isPlaying = true;
    try {
      await this.#drive();
    } finally {
      this.#isPlaying = false;
      this.#showBooking();
    }
  }

  async #drive() {
    if (this.#booking.status === "requested") await this.#act("accept");
    if (!this.#booking.on_the_way) await this.#act("on-the-way");
    const goal = this.#booking.house_call.location;
    const shop = (await this.#session.call("GET", "/v1/barbers/me")).location;
    const way = routeBetween(this.#position ?? shop, goal, STEP_M);
    for (const place of way.slice(-Math.ceil(MAX_DRIVE_M / STEP_M))) {
      await this.#report(place);
      if (this.#position?.arrived || !this.#booking.on_the_way) return;
      await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    }
    await this.#report(goal);
  }

  async #report(place) {
    const position = await this.#live.where(this.#booking.id, place.lat, place.lng);
    if (position) this.#showPosition(position);
  }

  #showPosition(position) {
    if (position && position.at === this.#position?.at) return;
    this.#position = position;
    if (position) this.#map?.move(position);
    this.#find(".eta strong").textContent = etaOf(position);
    this.#find(".eta span").textContent = position ? `${Math.round(position.distance_m)} m away` : "The map shows the way";
  }

  // ---- the page

  async #try(place, action) {
    const fault = place.querySelector(".fault");
    fault.textContent = "";
    try {
      await action();
    } catch (error) {
      fault.textContent = error.message;
    }
  }

  #log(text) {
    const list = this.#find(".log ol");
    list.prepend(element("li", {}, `${new Date().toLocaleTimeString()} ${text}`));
    while (list.childElementCount > MAX_LOG) list.lastElementChild.remove();
  }

  #find(selector) {
    return this.#root.querySelector(selector);
  }
}

const roomOf = ({ id }) => `booking:${id}`;

const liveAddress = () => Object.assign(new URL("/v1/live", location.href), { protocol: location.protocol.replace("http", "ws") }).href;

function etaOf(position) {
  if (!position) return "Not on the way";
  if (position.arrived) return "Arrived";
  return position.eta_min === null ? "On the way" : `${Math.max(1, position.eta_min)} min`;
}
