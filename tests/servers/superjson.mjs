// What the real superjson makes of values, for tests/protocols/trpc/test_superjson.py.
//
//   node superjson.mjs cases > ../protocols/trpc/superjson_cases.json   the committed cases: a payload each, and what it means
//   node superjson.mjs echo                                   reads a payload a line, answers {described, payload} or {error}
//
// A description is the value in a form that Python can make of its own value too: a list, its kind first.
import readline from 'node:readline'
import SuperJSON from 'superjson'

const bits = (number) => {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, number)
  return view.getBigUint64(0).toString(16).padStart(16, '0')
}

// undefined and null are one thing to Python, except that an undefined field is absent; a Map is a dict.
const describe = (value) => {
  if (value === undefined || value === null) return ['null']
  if (typeof value === 'boolean') return ['bool', value]
  if (typeof value === 'bigint') return ['int', value.toString()]
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? ['int', String(value)] : ['float', bits(value)]
  if (typeof value === 'string') return ['str', value]
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? ['null'] : ['Date', value.valueOf()]
  if (value instanceof RegExp) return ['RegExp', String(value)]
  if (value instanceof URL) return ['Url', String(value)]
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray) return ['bytes', [...value]]
  if (ArrayBuffer.isView(value)) return ['list', [...value].map(describe)]
  if (Array.isArray(value)) return ['list', value.map(describe)]
  if (value instanceof Set) return ['set', [...value].map(describe)]
  if (value instanceof Map) return ['dict', [...value].map(([key, item]) => [describe(key), describe(item)])]
  const fields =
    value instanceof Error
      ? { name: value.name, message: value.message, ...('cause' in value && { cause: value.cause }) }
      : value
  const given = Object.entries(fields).filter(([, item]) => item !== undefined)
  return ['dict', given.map(([key, item]) => [describe(key), describe(item)])]
}

class Money {
  constructor(amount) {
    this.amount = amount
  }
}

const cases = () => {
  const special = new SuperJSON()
  special.registerClass(Money, { identifier: 'Money' })
  special.registerSymbol(Symbol('spade'), 'spade')
  special.registerCustom(
    { isApplicable: (v) => v instanceof Uint32Array, serialize: (v) => [...v].join(':'), deserialize: (v) => v },
    'words',
  )
  const deduping = new SuperJSON({ dedupe: true })
  const when = new Date('2025-01-15T10:30:00.000Z')
  const shared = { when, list: [1, 2n] }
  const sharedMap = new Map([[1, when]])
  const loop = { name: 'loop' }
  loop.self = loop

  const values = {
    'plain values': { text: 'žluťoučký 🐴', int: 1, float: 1.5, yes: true, nothing: null, list: [], object: {} },
    'a date at the root': when,
    'a date before 1970': new Date(-1),
    'an invalid date': { date: new Date(NaN) },
    'undefined at the root': undefined,
    'undefined in an object and a list': { gone: undefined, list: [1, undefined, 2] },
    'a bigint at the root': 12345678901234567890n,
    'a negative bigint': [-(2n ** 80n)],
    'numbers that JSON lacks': { nan: NaN, inf: Infinity, ninf: -Infinity, zero: -0, list: [NaN, 1] },
    'a map with string keys': new Map([
      ['a', 1],
      ['b', when],
    ]),
    'a map with keys of other types': new Map([
      [1, 'one'],
      [when, 'then'],
      [7n, undefined],
    ]),
    'a map of maps': new Map([['outer', new Map([['inner', new Set([when])]])]]),
    'an empty map and set': { map: new Map(), set: new Set() },
    'a set': new Set([1, 'two', when, null]),
    'a regular expression and a URL': { re: /a[/]b+\/c/gi, url: new URL('https://example.com/x?y=1#z') },
    'an error': new TypeError('bad'),
    'an error with a cause': new Error('outer', { cause: new RangeError('inner') }),
    'typed arrays': {
      u8: new Uint8Array([1, 2, 255]),
      clamped: new Uint8ClampedArray([0, 255]),
      i16: new Int16Array([-1, 1]),
      f64: new Float64Array([0.5, 2]),
    },
    'keys with dots and backslashes': {
      'a.b': when,
      'a\\b': 1n,
      'a\\.b': { 'x.y': [when], '': when },
      '': { '': when },
    },
    'lists in lists': [[[when]], [{ a: [1n] }]],
    'the same object twice': { first: shared, second: shared, third: { first: shared } },
    'the same map twice': [sharedMap, sharedMap],
    'the same date in a map and in a list': { map: new Map([['when', when]]), list: [when] },
    'the same bigint and NaN twice': { a: 5n, b: 5n, c: NaN, d: NaN },
    'an object that holds itself': { inner: loop },
    'a root that holds itself': loop,
  }
  const serialized = (value, described = describe(value)) => ({
    payload: SuperJSON.serialize(value),
    deduped: deduping.serialize(value),
    described,
  })
  const none = ['null']
  const word = (text) => ['str', text]
  const looped = ['dict', [[word('name'), word('loop')], [word('self'), none]]] // Python's values are trees
  const descriptions = { 'an object that holds itself': ['dict', [[word('inner'), looped]]], 'a root that holds itself': looped }
  const result = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, serialized(value, descriptions[name])]),
  )
  // Classes, symbols and custom types mean something to their own program only: Python keeps their plain JSON.
  const raw = { money: new Money(5), word: special.symbolRegistry.getValue('spade'), words: new Uint32Array([1, 2]), when }
  const described = describe({ money: { amount: 5 }, word: 'spade', words: '1:2', when })
  const payload = special.serialize(raw)
  result["a program's own types"] = { payload, deduped: payload, described }
  return result
}

const echo = () => {
  readline.createInterface({ input: process.stdin }).on('line', (line) => {
    let answer
    try {
      const value = SuperJSON.parse(line)
      answer = { described: describe(value), payload: SuperJSON.serialize(value) }
    } catch (error) {
      answer = { error: String(error) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  })
}

if (process.argv[2] === 'echo') echo()
else {
  const lines = Object.entries(cases()).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
  process.stdout.write(`{\n${lines.join(',\n')}\n}\n`)
}
