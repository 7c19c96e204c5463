// Runs grome_live.js for tests/support/live_clients.py: commands come as lines of JSON, items go out as lines of JSON.
import { createInterface } from "node:readline";
import { GromeLive } from "../../grome/live_client/grome_live.js";

const [url, options] = process.argv.slice(2);
const say = (...line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const tokens = []; // resolvers of calls for a token
const loads = new Map(); // resolvers of loads, by room

const live = new GromeLive(
  url,
  () => {
    say("token");
    return new Promise((resolve) => tokens.push(resolve));
  },
  {
    ...JSON.parse(options),
    onReload(room) {
      say("reload", room);
      return new Promise((resolve, reject) => loads.set(room, { resolve, reject }));
    },
    onRecovered: (room) => say("recovered", room),
    onEvent: (room, event, offset) => say("event", room, offset, event),
    onSignal: (kind, room, data) => say(kind, room, data),
    onLeft: (room, code) => say("left", room, code),
    onConnected: (user, rooms) => say("connected", user, rooms),
    onDisconnected: (code, retryMs) => say("disconnected", code, retryMs / 1_000),
    onEnd: (code) => say("end", code),
  },
);
live.start();

const commands = {
  token: (token) => tokens.shift()(token),
  loaded: (room) => loads.get(room).resolve(),
  failed: (room) => loads.get(room).reject(new Error("not loaded")),
  subscribe: (...rooms) => live.subscribe(...rooms),
  unsubscribe: (...rooms) => live.unsubscribe(...rooms),
  reconnect: () => live.reconnect(),
  send: (booking, text, key) =>
    live.send(booking, text, { key }).then(
      (reply) => say("sent", key, reply),
      (error) => say("refused", key, error.code),
    ),
};
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...args] = JSON.parse(line);
  commands[command](...args);
}
process.exit();
