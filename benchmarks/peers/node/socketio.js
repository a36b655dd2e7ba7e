// Fan-out with Socket.IO 4: `io.emit` to everybody, which frames a message once for all WebSocket clients.
//
// Chosen: the default engine (ws), WebSocket transport only, so that no viewer is counted while it still polls, and the first
// HTTP request let go, as the documentation's page on memory advises. Pings cannot be turned off, so their interval is longer
// than any run. Left out: other engines (eiows is compiled from its own fork, uWebSockets.js is not on npm). Usage: node socketio.js PORT
import { createServer } from "node:http";
import { Server } from "socket.io";

const PING_INTERVAL_MS = 3_600_000;

const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
  pingInterval: PING_INTERVAL_MS,
});

io.engine.on("connection", (raw) => {
  raw.request = null;
});
io.on("connection", (socket) => {
  socket.on("message", (message) => io.emit("message", message));
});
http.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 2048 });
