import { element, timeOf } from "./dom.js";
import { localPath } from "./session.js";

const SHOWN = 100;
const TYPING_SHOWN_MS = 5_000;
const TYPING_SENT_MS = 2_500;
const MARKS = { sending: "…", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "!" };

/**
 * The messages of a booking. `hooks`: send(text, file) resolves to the stored message, delivered(id) and read(id) mark
 * messages up to an id, typing() tells the other side, and loadPhotos() returns the newest messages with links.
 */
export class Chat {
  #list;
  #typingLine;
  #me;
  #hooks;
  #messages = new Map();
  #unsent = new Set();
  #photos = new Map(); // id -> url
  #theirs = { delivered: 0, read: 0 };
  #mine = { delivered: 0, read: 0 };
  #isRead = false;
  #typingTimer;
  #typingSentAt = 0;

  constructor(root, me, hooks) {
    [this.#list, this.#typingLine] = [root.querySelector(".messages"), root.querySelector(".typing")];
    [this.#me, this.#hooks] = [me, hooks];
    const form = root.querySelector("form");
    form.onsubmit = (event) => {
      event.preventDefault();
      if (form.text.value.trim()) this.#send(form.text.value.trim());
      form.reset();
    };
    form.text.oninput = () => {
      if (Date.now() < this.#typingSentAt + TYPING_SENT_MS) return;
      this.#typingSentAt = Date.now();
      hooks.typing();
    };
    const photo = form.querySelector("input[type=file]");
    photo.onchange = () => {
      if (photo.files.length) this.#send("", photo.files[0]);
      photo.value = "";
    };
    // Messages are read while the pointer or the focus is on the chat: so both marks can be seen on one screen.
    const look = (isRead) => () => { this.#isRead = isRead || root.contains(document.activeElement); this.#markRead(); };
    root.addEventListener("pointerenter", look(true));
    root.addEventListener("focusin", look(true));
    root.addEventListener("pointerleave", look(false));
    root.addEventListener("focusout", () => { this.#isRead = false; });
  }

  /** Replace everything by a page of GET /v1/bookings/{id}/messages. */
  load({ conversation, items }) {
    this.#messages.clear();
    [this.#theirs, this.#mine] = [{ ...conversation.other }, { ...conversation.you }];
    for (const message of items) this.#keep(message);
    this.#render();
    this.#markDelivered();
    this.#markRead();
  }

  /** Apply the data of an event about a message, or a stored message. */
  apply(message) {
    if ((this.#messages.get(message.id)?.version ?? 0) >= message.version) return;
    this.#keep(message);
    const draft = [...this.#unsent].find(({ text }) => message.sender_id === this.#me && text === message.text);
    if (draft && message.version === 1) this.#unsent.delete(draft);
    if (message.sender_id !== this.#me) this.#hideTyping();
    if (message.photo_ids?.some((id) => !this.#photos.has(id))) this.#loadPhotos();
    this.#render();
    this.#markDelivered();
    this.#markRead();
  }

  mark(kind, { user_id: user, number }) {
    const marks = user === this.#me ? this.#mine : this.#theirs;
    marks.delivered = Math.max(marks.delivered, number);
    if (kind === "read") marks.read = Math.max(marks.read, number);
    this.#render();
  }

  showTyping() {
    this.#typingLine.textContent = "typing …";
    clearTimeout(this.#typingTimer);
    this.#typingTimer = setTimeout(() => this.#hideTyping(), TYPING_SHOWN_MS);
  }

  #hideTyping() {
    this.#typingLine.textContent = "";
  }

  #keep(message) {
    for (const { id, url } of message.photos ?? []) this.#photos.set(id, localPath(url));
    const photoIds = message.photo_ids ?? message.photos.map(({ id }) => id);
    this.#messages.set(message.id, { ...message, photo_ids: photoIds });
  }

  async #loadPhotos() {
    for (const message of (await this.#hooks.loadPhotos()).items) this.#keep(message);
    this.#render();
  }

  async #send(text, file) {
    const draft = { text, sender_id: this.#me, state: "sending", photo_ids: [], created_at: new Date() };
    this.#unsent.add(draft);
    this.#typingSentAt = 0;
    this.#render();
    try {
      const message = await this.#hooks.send(text, file);
      this.#unsent.delete(draft);
      this.apply(message);
    } catch (fault) {
      Object.assign(draft, { state: "failed", text: `${text} (${fault.message})` });
    }
    this.#render();
  }

  #newestOfOther() {
    return [...this.#messages.values()].filter(({ sender_id: sender }) => sender !== this.#me).sort(byNumber).at(-1);
  }

  #markDelivered() {
    const newest = this.#newestOfOther();
    if (!newest || newest.number <= this.#mine.delivered) return;
    this.#mine.delivered = newest.number;
    this.#hooks.delivered(newest.id);
  }

  #markRead() {
    const newest = this.#newestOfOther();
    if (!this.#isRead || !newest || newest.number <= this.#mine.read) return;
    this.#mine.read = newest.number;
    this.#hooks.read(newest.id);
  }

  #render() {
    const stored = [...this.#messages.values()].sort(byNumber).slice(-SHOWN);
    this.#list.replaceChildren(...[...stored, ...this.#unsent].map((message) => this.#row(message)));
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #row(message) {
    const isOwn = message.sender_id === this.#me;
    const row = element("li", { className: isOwn ? "own" : "theirs" });
    const photos = message.photo_ids.map((id) => this.#photos.get(id)).filter(Boolean);
    row.append(...photos.map((src) => element("img", { src, alt: "Photo", loading: "lazy" })));
    if (message.deleted_at) row.append(element("span", { className: "gone" }, "Deleted"));
    else if (message.text) row.append(element("span", { className: "text" }, message.text));
    const meta = element("span", { className: "meta" }, `${message.edited_at ? "edited · " : ""}${timeOf(message.created_at)} `);
    if (isOwn) {
      const mark = message.state ?? this.#markOf(message.number);
      meta.append(element("span", { className: "tick", title: mark, data: { mark } }, MARKS[mark]));
    }
    row.append(meta);
    return row;
  }

  #markOf(number) {
    if (number <= this.#theirs.read) return "read";
    return number <= this.#theirs.delivered ? "delivered" : "sent";
  }
}

const byNumber = (one, other) => one.number - other.number;
