// A real tRPC server over WebSocket for the tests, controlled over HTTP on the same port.
//
//   node trpc-server.mjs '{"trpc": "11", "superjson": true}'      prints {"port": …} when it listens
//
// Options (all optional):
//   trpc        "11" | "11.7" | "11.0" | "10"
//   superjson   whether it has the transformer
//   port        0: any free one
//   tracked     events of v11's generators carry ids (default true)
//   replay      a new subscription starts with the first event (default: with the next one)
//   path        the only path it is served at
//   auth        {token, in: "header" | "query" | "params", at: "upgrade" | "context" | "procedure"}
//   keepAlive   {pingMs, pongWaitMs}
//   zod         3 | 4
//   announces       a decision that counts is sent as checkpoint.resolved
//   without     procedures that are missing: "stream", "checkpoints.decide"
//   shapes      "stored": checkpoints come in the stored form of the task family
//   clockMs     how far its clock is ahead
//   production  no stack in errors
//   memory      what GET /memory of an earlier server said
//
// Commands (POST /<action> with a JSON body):
//   emit {events}          these happen now           end                  every open subscription runs out
//   fail {code, message}   every open one throws      reconnect            broadcast the reconnect notification
//   drop {code?}           cut every connection, or close it with a code
//   freeze, thaw           stop reading and writing sockets, go on
//   replies {mode, ms?}    the next mutation: "lose" its reply with the connection, "hold" it, "delay" it by ms, or
//                          cut the connection with the mutation "unread", or "stall" before taking it
//   refuse {on, status?}   answer each handshake with 503, or let clients in again
//   leave {attempts}       as a process that is asked to end: say that clients shall reconnect, close their connections,
//                          answer as many handshakes with 426; then be there again, as the process that follows it
//   applies {option}       a decision that counts is sent as this option (none: as the one that came)
//   expire {checkpointId}  take a checkpoint's default action
//   release                send the replies held
//   say {text}             send this text to every connection, whatever it is
//   log                    what happened so far       memory               what a restarted server must know
import http from 'node:http'
import { WebSocketServer } from 'ws'
import { Hub } from './hub.mjs'
import { load, makeRouter } from './procedures.mjs'

const options = JSON.parse(process.argv[2] ?? '{}')
if (options.production) process.env.NODE_ENV = 'production'

const trpc = await load(options)
const hub = new Hub(options.memory)
hub.clockMs = options.clockMs ?? 0
let refusing = false
let leaving = 0
const router = makeRouter(trpc, hub, options)
const { auth } = options

const isAllowed = (req, connectionParams) => {
  if (!auth) return true
  const url = new URL(req.url, 'ws://server')
  const given = {
    header: req.headers.authorization?.replace(/^Bearer /, ''),
    query: url.searchParams.get('token'),
    params: connectionParams?.token,
  }
  return given[auth.in] === auth.token
}

const wss = new WebSocketServer({ noServer: true })
const handler = trpc.applyWSSHandler({
  wss,
  router,
  keepAlive: options.keepAlive && { enabled: true, ...options.keepAlive },
  createContext: async ({ req, res, info }) => {
    const allowed = isAllowed(req, info?.connectionParams)
    if (!allowed && auth.at === 'context') throw new trpc.TRPCError({ code: 'UNAUTHORIZED', message: 'Bad token' })
    return { allowed, ws: res, connection: res.number }
  },
})

const sockets = () => [...wss.clients]
const actions = {
  emit: ({ events }) => events.forEach((event) => hub.emit(event)),
  end: () => hub.end(),
  fail: ({ code, message }) =>
    hub.end(code === 'plain' ? new Error(message) : new trpc.TRPCError({ code: code ?? 'INTERNAL_SERVER_ERROR', message })),
  reconnect: () => handler.broadcastReconnectNotification(),
  drop: ({ code }) => sockets().forEach((ws) => (code ? ws.close(code) : ws.terminate())),
  freeze: () => sockets().forEach((ws) => (ws._socket.pause(), ws._socket.cork())),
  thaw: () => sockets().forEach((ws) => (ws._socket.uncork(), ws._socket.resume())),
  replies: (how) => void (hub.nextReply = how),
  release: () => hub.release(),
  applies: ({ option }) => void (hub.applies = option),
  refuse: ({ on, status }) => void (refusing = on && (status ?? '503 Service Unavailable')),
  leave: ({ attempts }) => {
    leaving = attempts
    handler.broadcastReconnectNotification()
    setTimeout(() => sockets().forEach((ws) => ws.close(1001)), 20)
  },
  expire: ({ checkpointId }) => hub.expire(hub.checkpoints.get(checkpointId)),
  say: ({ text }) => sockets().forEach((ws) => ws.send(text)),
  log: () => hub.log,
  memory: () => hub.memory(),
}

const server = http.createServer(async (req, res) => {
  try {
    let body = ''
    for await (const part of req) body += part
    const action = actions[req.url.slice(1)]
    if (!action) throw new Error(`no action ${req.url}; there is ${Object.keys(actions)}`)
    res.end(JSON.stringify(action(JSON.parse(body || '{}')) ?? null))
  } catch (error) {
    res.statusCode = 400
    res.end(JSON.stringify(String(error)))
  }
})

server.on('upgrade', (req, socket, head) => {
  const refuse = (status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  hub.log.attempts += 1
  if (refusing) return refuse(refusing)
  if (leaving > 0) return (leaving -= 1), refuse('426 Upgrade Required')
  if (options.path && new URL(req.url, 'ws://server').pathname !== options.path) return refuse('404 Not Found')
  if (auth?.at === 'upgrade' && !isAllowed(req)) return refuse('401 Unauthorized')
  wss.handleUpgrade(req, socket, head, (ws) => {
    hub.connected(ws)
    wss.emit('connection', ws, req)
  })
})

server.listen(options.port ?? 0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
