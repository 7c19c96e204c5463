// The peer of live connections: rooms over `ws`, fed by Redis pub/sub, as most Node servers do it.
import { createServer } from "node:http";
import { createClient } from "redis";
import { WebSocketServer } from "ws";

const rooms = new Map();
const server = createServer((_request, response) => response.end("{}"));
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

sockets.on("connection", (socket) => {
  socket.on("message", (message) => {
    const frame = JSON.parse(message);
    if (frame.t !== "sub") return;
    for (const { room } of frame.rooms) {
      if (!rooms.has(room)) rooms.set(room, new Set());
      rooms.get(room).add(socket);
    }
    socket.send(JSON.stringify({ t: "reply", id: frame.id, ok: {} }));
    socket.on("close", () => frame.rooms.forEach(({ room }) => rooms.get(room).delete(socket)));
  });
});

const redis = createClient({ url: process.env.PEER_REDIS_URL });
await redis.connect();
await redis.subscribe("peer", (message) => {
  const { room, payload } = JSON.parse(message);
  for (const socket of rooms.get(room) ?? []) socket.send(payload);
});
server.listen(Number(process.env.PEER_PORT), "127.0.0.1");
