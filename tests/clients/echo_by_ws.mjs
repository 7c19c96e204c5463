// Talks to an echo route with the library `ws`, and prints a line of JSON: the answers and the close code.
import WebSocket from "ws";

const socket = new WebSocket(process.argv[2], ["first.choice"]);
const answers = [];
const sent = ["héllo 😀", Buffer.from([0, 255, 254]), "x".repeat(16_384)];

socket.on("open", () => sent.forEach((message) => socket.send(message)));
socket.on("message", (data, isBinary) => {
  answers.push(isBinary ? [...data] : data.toString());
  if (answers.length === sent.length) socket.ping("alive");
});
socket.on("pong", (data) => {
  answers.push(data.toString());
  // In fragments: the library splits where `fin` says so.
  socket.send("in ", { fin: false });
  socket.send("pieces", { fin: true });
  socket.on("message", () => socket.close(4000, "enough"));
});
socket.on("close", (code, reason) => {
  console.log(JSON.stringify({ protocol: socket.protocol, answers, code, reason: reason.toString() }));
});
socket.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});
