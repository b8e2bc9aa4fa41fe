/**
 * Commands and queries of the key-value store: JSON over texts. A command makes all of its writes,
 * or ends with an error that is the same at every replica and makes none.
 */
import { utf8 } from '../bytes.ts'
import { NotAQuery } from '../ports/log-store.ts'
import { checkKey, checkValue, Rejected } from './machine.ts'
import type { Machine, MachineState, MachineView } from './machine.ts'

/** Keys that one query gives at most. */
const LISTED_MAX = 10_000
const QUERIES = 'a query is {"get": [key, …]} or {"list": prefix}'

type Fields = Readonly<Record<string, unknown>>
type Operation = (state: MachineState, argument: unknown) => Promise<unknown>

const OPERATIONS: Readonly<Record<string, Operation>> = {
  set: async (state, argument) => {
    for (const [key, value] of pairs(argument)) put(state, key, text(value))
  },
  delete: async (state, argument) => {
    let removed = 0
    for (const key of keys(argument)) {
      if ((await state.get(key)) !== undefined) removed += 1
      put(state, key, undefined)
    }
    return removed
  },
  add: async (state, argument) => {
    const sums: [string, number][] = []
    for (const [key, by] of pairs(argument)) {
      const sum = whole((await current(state, key)) ?? '0') + whole(by)
      if (!Number.isSafeInteger(sum)) throw new Rejected('type', 'out-of-range')
      put(state, key, `${sum}`)
      sums.push([key, sum])
    }
    return Object.fromEntries(sums)
  },
  append: async (state, argument) => {
    for (const [key, value] of pairs(argument)) put(state, key, text(`${(await current(state, key)) ?? ''}${text(value)}`))
  },
  /** `[old, new]`; null for a key that is not there, or is to go. */
  cas: async (state, argument) => {
    for (const [key, value] of pairs(argument)) {
      if (!Array.isArray(value) || value.length !== 2) throw new Rejected('syntax', 'cas-takes-two')
      const [expected, next]: readonly unknown[] = value
      if (((await current(state, key)) ?? null) !== (expected === null ? null : text(expected)))
        throw new Rejected('constraint', 'cas-differs')
      put(state, key, next === null ? undefined : text(next))
    }
  },
}

export const KV: Machine = {
  /** It may have several operations, carried out in the order in which they are written, all or none. */
  apply: async (command, state) => {
    const results: Record<string, unknown> = {}
    const fields = Object.entries(parsed(command))
    if (fields.length === 0) throw new Rejected('syntax', 'no-operation')
    for (const [name, argument] of fields) {
      const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
      if (operation === undefined) throw new Rejected('syntax', 'unknown-operation')
      const result = await operation(state, argument)
      if (result !== undefined) results[name] = result
    }
    return Object.keys(results).length === 0 ? undefined : results
  },
  query: async (query, view) => {
    try {
      const fields = parsed(query)
      const [name = '', ...more] = Object.keys(fields)
      const argument = fields[name]
      if (more.length === 0 && name === 'get') return await got(view, keys(argument))
      if (more.length === 0 && name === 'list' && typeof argument === 'string') return await listed(view, argument)
    } catch (error) {
      if (!(error instanceof Rejected)) throw error
    }
    throw new NotAQuery(QUERIES)
  },
}

async function got(view: MachineView, names: readonly string[]): Promise<object> {
  const found: [string, string | null][] = []
  for (const key of names) found.push([key, (await current(view, key)) ?? null])
  return Object.fromEntries(found)
}

async function listed(view: MachineView, prefix: string): Promise<object> {
  const found: [string, string][] = []
  for await (const { key, value } of view.range(prefix)) {
    if (found.length === LISTED_MAX) break
    found.push([key, utf8.decode(value)])
  }
  return Object.fromEntries(found)
}

function parsed(json: Uint8Array): Fields {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(json))
  } catch {
    throw new Rejected('syntax', 'not-json')
  }
  return object(value)
}

function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Rejected('syntax', 'not-an-object')
  return value as Fields
}

function pairs(argument: unknown): [string, unknown][] {
  const entries = Object.entries(object(argument))
  for (const [key] of entries) checkKey(key)
  return entries
}

function keys(argument: unknown): string[] {
  if (!Array.isArray(argument)) throw new Rejected('syntax', 'not-a-list')
  return argument.map((key: unknown) => {
    if (typeof key !== 'string') throw new Rejected('type', 'not-text')
    checkKey(key)
    return key
  })
}

function text(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new Rejected('type', 'not-text')
  checkValue(Buffer.byteLength(value))
  return value
}

function whole(value: unknown): number {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new Rejected('type', 'not-a-number')
  return number
}

async function current(view: MachineView, key: string): Promise<string | undefined> {
  const bytes = await view.get(key)
  return bytes === undefined ? undefined : utf8.decode(bytes)
}

function put(state: MachineState, key: string, value: string | undefined): void {
  state.put(key, value === undefined ? undefined : utf8.encode(value))
}
