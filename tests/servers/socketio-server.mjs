// Node's own Socket.IO server.
//
//   node socketio-server.mjs '{"token": "…", "recovery": true, "port": 0}'
//
// It prints {"port"} when it listens. Then each line of stdin is one thing to do, answered by one line of JSON:
//
//   {"action": "emit", "events": [[name, …arguments], …], "room": "…"}   to the room, or to everybody
//   {"action": "cut"}          end every TCP connection, without a word
//   {"action": "disconnect"}   say goodbye to every client
//   {"action": "log"}          what came: {"connections", "recovered", "received": [[name, …arguments], …]}
//
// It joins by join_execution {execution_id}, acknowledges echo with its arguments, and nothing else.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const options = JSON.parse(process.argv[2] ?? "{}");
const log = { connections: 0, recovered: 0, received: [] };
const http = createServer();
const io = new Server(http, {
  connectionStateRecovery: options.recovery ? { maxDisconnectionDuration: 60_000 } : undefined,
});

io.use((socket, next) => {
  if (options.token === undefined || socket.handshake.auth.token === options.token) return next();
  const error = new Error("Invalid or expired token");
  error.data = { code: "UNAUTHORIZED" };
  next(error);
});

io.on("connection", (socket) => {
  log.connections += 1;
  log.recovered += socket.recovered ? 1 : 0;
  socket.onAny((name, ...args) => log.received.push([name, ...args.filter((arg) => typeof arg !== "function")]));
  socket.on("join_execution", (data) => {
    socket.join(`execution_${data.execution_id}`);
    socket.emit("execution_joined", data);
  });
  socket.on("echo", (data, reply) => reply(data));
});

const actions = {
  emit({ events, room }) {
    const to = room === undefined ? io : io.to(room);
    for (const event of events) to.emit(...event);
  },
  cut() {
    for (const socket of io.sockets.sockets.values()) socket.conn.transport.socket._socket.destroy();
  },
  disconnect() {
    io.disconnectSockets(true);
  },
  log: () => log,
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { action, ...body } = JSON.parse(line);
  console.log(JSON.stringify(actions[action](body) ?? null));
});

http.listen(options.port ?? 0, "127.0.0.1", () => console.log(JSON.stringify({ port: http.address().port })));
