// What a run consists of (events, checkpoints), who listens to it, and a log of everything the server did.
import { EventEmitter, once } from 'node:events'

export class Hub {
  events = []
  checkpoints = new Map()
  tasks = new Map()
  nextReply = undefined
  clockMs = 0 // how far this server's clock is ahead
  log = {
    attempts: 0, connections: 0, closed: 0,
    received: [], subscriptions: [], deliveries: [], mutations: [], queries: [], decisions: [],
  }
  #bus = new EventEmitter().setMaxListeners(0)
  #held = []

  constructor(memory) {
    if (!memory) return
    this.events = memory.events
    this.checkpoints = new Map(memory.checkpoints)
    this.tasks = new Map(memory.tasks)
  }

  memory() {
    return { events: this.events, checkpoints: [...this.checkpoints], tasks: [...this.tasks] }
  }

  connected(ws) {
    ws.number = ++this.log.connections
    ws.on('message', (data) => this.log.received.push({ connection: ws.number, text: String(data) }))
    ws.on('close', () => (this.log.closed += 1))
  }

  // Events: the id of one is its place from 1, as text.

  emit(event) {
    this.events.push(event)
    const { taskId, checkpointId } = event.payload ?? {}
    if (taskId) this.tasks.set(taskId, { id: taskId, status: event.type })
    if (event.type === 'task.hitl_required') this.checkpoints.set(checkpointId, { ...event.payload, status: 'pending' })
    this.#bus.emit('change')
  }

  end(error) {
    this.#bus.emit('end', error)
    this.#bus.emit('change')
  }

  #open(ctx, path, input, lastEventId) {
    this.log.subscriptions.push({ connection: ctx.connection, path, input, lastEventId })
  }

  #delivered(ctx, path, place) {
    this.log.deliveries.push({ connection: ctx.connection, path, id: String(place + 1), event: this.events[place] })
    return this.events[place]
  }

  // Gives [id, event] from the one after `lastEventId` on, until the stream ends or the client goes.
  async *follow(ctx, { path, input, wanted, lastEventId, from, signal }) {
    this.#open(ctx, path, input, lastEventId)
    let place = lastEventId === undefined ? from : Number(lastEventId)
    let ended = false
    const end = (error) => (ended = { error })
    this.#bus.once('end', end)
    try {
      while (!ended || place < this.events.length) {
        if (place < this.events.length) {
          if (wanted(this.events[place])) yield [String(place + 1), this.#delivered(ctx, path, place)]
          place += 1
        } else await once(this.#bus, 'change', { signal })
      }
      if (ended.error) throw ended.error
    } catch (error) {
      if (!signal?.aborted) throw error
    } finally {
      this.#bus.off('end', end)
    }
  }

  // The same for observables: the first events come before subscribe() returns.
  observe(ctx, { path, input, wanted, from }, { next, error, complete }) {
    this.#open(ctx, path, input)
    let place = from
    const change = () => {
      for (; place < this.events.length; place += 1)
        if (wanted(this.events[place])) next(this.#delivered(ctx, path, place))
    }
    const end = (cause) => (cause ? error(cause) : complete())
    this.#bus.on('change', change)
    this.#bus.once('end', end)
    change()
    return () => {
      this.#bus.off('change', change)
      this.#bus.off('end', end)
    }
  }

  // Decisions: the first one in time counts, each is logged with what became of it.

  now() {
    return new Date(Date.now() + this.clockMs)
  }

  expire(checkpoint) {
    checkpoint.status = 'expired'
    checkpoint.decision = { selectedOption: checkpoint.defaultAction, autoTriggered: true, decidedAt: this.now().toISOString() }
  }

  // Returns the code it is refused with, undefined where it counts.
  decide(connection, input) {
    const checkpoint = this.checkpoints.get(input.checkpointId)
    if (checkpoint?.status === 'pending' && checkpoint.timeout && Date.parse(checkpoint.timeout) <= this.now())
      this.expire(checkpoint)
    const codes = { undefined: 'CHECKPOINT_NOT_FOUND', expired: 'CHECKPOINT_EXPIRED', decided: 'HITL_ALREADY_DECIDED' }
    const code = codes[checkpoint?.status]
    this.log.decisions.push({ connection, input, outcome: code ?? 'applied' })
    if (!code) Object.assign(checkpoint, { status: 'decided', decision: { ...input } })
    return code
  }

  // Mutations: executed, then their reply meets its fate.

  async executed(ctx, path, input, reply) {
    this.log.mutations.push({ connection: ctx.connection, path, input })
    const how = this.nextReply
    this.nextReply = undefined
    if (how?.mode === 'lose') ctx.ws.terminate()
    if (how?.mode === 'delay') await new Promise((resolve) => setTimeout(resolve, how.ms))
    if (how?.mode === 'hold') await new Promise((resolve) => this.#held.push(resolve))
    return reply
  }

  // Lets the next mutation in; never, where its connection is cut before it was read, or late, where it is stalled.
  async admitted(ctx) {
    const { mode } = this.nextReply ?? {}
    if (mode !== 'unread' && mode !== 'stall') return
    this.nextReply = undefined
    if (mode === 'unread') ctx.ws.terminate()
    await new Promise((resolve) => mode === 'stall' && this.#held.push(resolve))
  }

  // The command may overtake the mutation that it is for.
  release() {
    if (this.nextReply?.mode === 'stall' || this.nextReply?.mode === 'hold') this.nextReply = undefined
    for (const resolve of this.#held.splice(0)) resolve()
  }
}
