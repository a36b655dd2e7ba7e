// Fan-out with ws 8, written as its README shows a broadcast: one `send` to each open client.
//
// Chosen: its defaults, which have compression off. The README's optional `bufferutil` is left out: it speeds up masking, and
// what a server sends is not masked. Usage: node ws.js PORT
import { WebSocket, WebSocketServer } from "ws";

const viewers = new Set();
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 2048,
  perMessageDeflate: false,
});

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url === "/publish") {
    socket.on("message", (data, isBinary) => {
      for (const viewer of viewers) {
        if (viewer.readyState === WebSocket.OPEN) viewer.send(data, { binary: isBinary });
      }
    });
    return;
  }
  viewers.add(socket);
  socket.on("close", () => viewers.delete(socket));
});
