// The procedures that the backends have (stream.*, tasks.*, checkpoints.*) on any version of @trpc/server.
import SuperJSON from 'superjson'

const packages = {
  11: '@trpc/server',
  11.7: 'trpc-server-11-7',
  '11.0': 'trpc-server-11-0',
  10: 'trpc-server-10',
}

// Imports one version of tRPC and of zod: everything that differs between them is decided here and in `stream`.
export const load = async ({ trpc = '11', zod = 3 }) => {
  const name = packages[trpc]
  const [core, adapter, observables, schema] = await Promise.all([
    import(name),
    import(`${name}/adapters/ws`),
    import(`${name}/observable`),
    import(zod === 4 ? 'zod/v4' : 'zod'),
  ])
  return { ...core, ...adapter, ...observables, z: schema.z, generators: trpc !== '10' }
}

const DECISIONS = ['approve', 'reject', 'modify', 'defer']
const ACTIONS = ['approve', 'reject', 'modify', 'retry', 'skip', 'escalate']

// A checkpoint in the stored form of the task family: question in hitlConfig, its end in hitlDecision.
const asStored = (it) => ({
  id: it.checkpointId,
  taskId: it.taskId,
  type: 'hitl',
  trigger: it.checkpointType ?? 'spec_review',
  description: it.description,
  hitlRequired: true,
  hitlConfig: {
    title: it.title,
    message: it.description,
    options: (it.stored ?? it.options).map((option) => ({ description: '', ...option })),
    context: it.context,
    timeout: { duration: 300, defaultAction: it.defaultAction, expiresAt: it.timeout },
  },
  hitlDecision: it.decision && {
    action: it.decision.action ?? it.decision.decision,
    selectedOption: it.decision.selectedOption,
    decidedAt: it.decision.decidedAt,
    autoTriggered: it.decision.autoTriggered ?? false,
    userId: 'ann',
    responseTime: 3,
  },
  createdAt: new Date().toISOString(),
})

export const makeRouter = (trpc, hub, { superjson = false, tracked = true, replay = false, announces = false, auth, without = [], shapes }) => {
  const { z, TRPCError, observable } = trpc
  const t = trpc.initTRPC.context().create({
    transformer: superjson ? SuperJSON : undefined,
    isDev: process.env.NODE_ENV !== 'production',
  })
  const procedure = t.procedure.use(({ ctx, next }) => {
    if (auth?.at === 'procedure' && !ctx.allowed) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'Not authenticated' })
    return next()
  })
  const from = () => (replay ? 0 : hub.events.length)
  const ofTask = (taskId) => (event) => event.payload?.taskId === taskId
  const known = (taskId) => {
    if (taskId.startsWith('missing')) throw new TRPCError({ code: 'NOT_FOUND', message: 'Task not found' })
  }

  // A subscription: what it listens to follows from its input.
  const stream = (schema, path, choose, form = trpc.generators ? 'generator' : 'observable') => {
    const open = schema ? procedure.input(schema) : procedure
    if (form === 'observable')
      return open.subscription(({ ctx, input }) => {
        const { wanted } = choose(input)
        return observable((emit) =>
          hub.observe(ctx, { path, input, wanted, from: from() }, {
            next: (event) => emit.next(event),
            error: (error) => emit.error(error),
            complete: () => emit.complete(),
          }),
        )
      })
    return open.subscription(async function* ({ ctx, input, signal }) {
      const { wanted, lastEventId } = choose(input)
      for await (const [id, event] of hub.follow(ctx, { path, input, wanted, lastEventId, from: from(), signal }))
        yield tracked ? trpc.tracked(id, event) : event
    })
  }

  const byId = (taskId) => (known(taskId), { wanted: ofTask(taskId) })
  const byInput = (input) => ({ wanted: ofTask(input.taskId), lastEventId: input.lastEventId })
  const everything = (input) => ({ wanted: () => true, lastEventId: input?.lastEventId })

  const resolved = (input) => ({
    type: 'checkpoint.resolved',
    payload: { ...input, taskId: hub.checkpoints.get(input.checkpointId).taskId, decidedBy: 'user' },
    timestamp: hub.now().toISOString(),
  })

  // A decision: taken once, sent to all subscribers.
  const decide = (path) => async ({ ctx, input }) => {
    await hub.admitted(ctx)
    const code = hub.decide(ctx.connection, input)
    if (code === 'CHECKPOINT_NOT_FOUND') throw new TRPCError({ code: 'NOT_FOUND', message: code })
    if (code === 'CHECKPOINT_EXPIRED') throw new TRPCError({ code: 'PRECONDITION_FAILED', message: code })
    if (code) throw new TRPCError({ code: 'CONFLICT', message: `Checkpoint ${input.checkpointId} was already decided` })
    const checkpoint = hub.checkpoints.get(input.checkpointId)
    const { taskId } = checkpoint
    checkpoint.decision.decidedAt = superjson ? hub.now() : hub.now().toISOString()
    if (hub.applies) checkpoint.decision.selectedOption = hub.applies
    if (announces) hub.emit(resolved(input))
    const reply = { checkpoint, task: { id: taskId, status: 'running' }, decision: checkpoint.decision }
    return hub.executed(ctx, path, input, reply)
  }
  const act = (path, taskIdOf = (input) => input) => async ({ ctx, input }) => {
    known(taskIdOf(input))
    return hub.executed(ctx, path, input, { success: true, message: `${path} ${taskIdOf(input)}` })
  }
  const ask = (path, answer) => async ({ ctx, input }) => {
    hub.log.queries.push({ connection: ctx.connection, path, input })
    return answer(input)
  }
  const pending = (input) =>
    [...hub.checkpoints.values()]
      .filter((it) => it.status === 'pending' && (!input?.taskId || it.taskId === input.taskId))
      .map((it) => (shapes === 'stored' ? { checkpoint: asStored(it), task: { id: it.taskId, status: 'paused' }, timeRemaining: 60 } : it))
  const one = (it) => (shapes === 'stored' && it ? asStored(it) : it)
  const found = (item, code) => {
    if (!item) throw new TRPCError({ code: 'NOT_FOUND', message: code })
    return item
  }

  const answer = z.object({ checkpointId: z.string(), feedback: z.string().optional(), modifications: z.any() })
  const ofTaskInput = z.object({ taskId: z.string().optional() })
  // A backend has some of these procedures: `without` names those that are missing ("stream", "checkpoints.decide").
  const some = (path, procedures) =>
    Object.fromEntries(Object.entries(procedures).filter(([name]) => !without.includes(path) && !without.includes(`${path}.${name}`)))
  const routerOf = (path, procedures) => t.router(some(path, procedures))
  return t.router({
    stream: routerOf('stream', {
      taskProgress: stream(z.string(), 'stream.taskProgress', byId),
      taskOutput: stream(z.string(), 'stream.taskOutput', byId),
      systemEvents: stream(
        z.object({ lastEventId: z.string().optional() }).optional(), 'stream.systemEvents', everything,
      ),
      taskEvents: stream(
        z.object({ taskId: z.string(), lastEventId: z.string().optional() }), 'stream.taskEvents', byInput,
      ),
      strictTaskEvents: stream(z.object({ taskId: z.string() }).strict(), 'stream.strictTaskEvents', byInput),
      batches: procedure.subscription(
        trpc.generators
          ? async function* () { yield [{ type: 'one' }, { type: 'two' }] }
          : () => observable((emit) => void (emit.next([{ type: 'one' }, { type: 'two' }]), emit.complete())),
      ),
      notASubscription: procedure.subscription(() => 5),
    }),
    tasks: routerOf('tasks', {
      onTaskEvent: stream(z.string(), 'tasks.onTaskEvent', byId, 'observable'),
      cancel: procedure.input(z.string()).mutation(act('tasks.cancel')),
      pause: procedure.input(z.string()).mutation(act('tasks.pause')),
      resume: procedure
        .input(z.object({ taskId: z.string(), feedback: z.string().optional() }))
        .mutation(act('tasks.resume', (input) => input.taskId)),
      retry: procedure
        .input(z.object({ taskId: z.string(), fromCheckpoint: z.string().optional() }))
        .mutation(act('tasks.retry', (input) => input.taskId)),
      get: procedure.input(z.string()).query(ask('tasks.get', (id) => found(hub.tasks.get(id), 'TASK_NOT_FOUND'))),
    }),
    checkpoints: routerOf('checkpoints', {
      resolve: procedure.input(answer.extend({ decision: z.enum(DECISIONS) })).mutation(decide('checkpoints.resolve')),
      decide: procedure
        .input(answer.extend({ action: z.enum(ACTIONS), selectedOption: z.string() }))
        .mutation(decide('checkpoints.decide')),
      restore: procedure
        .input(z.object({ checkpointId: z.string(), reason: z.string().optional() }))
        .mutation(async ({ ctx, input }) => hub.executed(ctx, 'checkpoints.restore', input, { restored: input.checkpointId })),
      get: procedure
        .input(z.string())
        .query(ask('checkpoints.get', (id) => found(one(hub.checkpoints.get(id)), 'CHECKPOINT_NOT_FOUND'))),
      getHITLPending: procedure.input(ofTaskInput).query(ask('checkpoints.getHITLPending', pending)),
      listPending: procedure
        .input(ofTaskInput.extend({ type: z.string().optional() }))
        .query(ask('checkpoints.listPending', pending)),
    }),
    debug: t.router({
      echo: procedure.input(z.any()).query(({ input }) => input),
      nothing: procedure.mutation(() => undefined),
      fail: procedure
        .input(z.object({ code: z.string(), message: z.string() }))
        .mutation(({ input: { code, message } }) => {
          throw code === 'plain' ? new Error(message) : new TRPCError({ code, message })
        }),
    }),
  })
}
