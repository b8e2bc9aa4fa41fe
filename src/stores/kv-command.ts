/**
 * Commands and queries of the key-value store: JSON, decided as a function of what the store holds.
 * A command gives all of its writes, or an error that is the same at every replica and no write at
 * all.
 */

/** Bytes of a key in UTF-8. */
export const KV_KEY_BYTES_MAX = 1_024
/** Bytes of a value in UTF-8. */
const VALUE_BYTES_MAX = 1_048_576
/** Keys that one query gives at most. */
const LISTED_MAX = 10_000

/** A value, or undefined to remove the key. */
export interface KvWrite {
  readonly key: string
  readonly value: string | undefined
}

export type KvDecision =
  | { readonly kind: 'done'; readonly writes: readonly KvWrite[]; readonly result: unknown }
  | { readonly kind: 'rejected'; readonly class: 'syntax' | 'type' | 'constraint'; readonly code: string }

/** What a command sees. */
export interface KvView {
  get(key: string): string | undefined
  /** In the order of UTF-8. */
  range(prefix: string): Iterable<{ readonly key: string; readonly value: string }>
}

type Fields = Readonly<Record<string, unknown>>
type Operation = (view: KvView, argument: unknown, staged: Staged) => unknown

/** What a command has done so far, seen by what comes after. */
type Staged = Map<string, string | undefined>

/** A deterministic error. */
class Rejected extends Error {
  readonly decision: Extract<KvDecision, { kind: 'rejected' }>

  constructor(named: 'syntax' | 'type' | 'constraint', code: string) {
    super(code)
    this.decision = { kind: 'rejected', class: named, code }
  }
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  set: (_, argument, staged) => {
    for (const [key, value] of pairs(argument)) staged.set(key, text(value))
    return undefined
  },
  delete: (view, argument, staged) => keys(argument).filter((key) => remove(view, staged, key)).length,
  add: (view, argument, staged) =>
    Object.fromEntries(
      pairs(argument).map(([key, by]) => {
        const before = current(view, staged, key) ?? '0'
        const sum = whole(before) + whole(by)
        if (!Number.isSafeInteger(sum)) throw new Rejected('type', 'out-of-range')
        staged.set(key, `${sum}`)
        return [key, sum]
      }),
    ),
  append: (view, argument, staged) => {
    for (const [key, value] of pairs(argument)) staged.set(key, text(`${current(view, staged, key) ?? ''}${text(value)}`))
    return undefined
  },
  /** `[old, new]`; null for a key that is not there, or is to go. */
  cas: (view, argument, staged) => {
    for (const [key, value] of pairs(argument)) {
      if (!Array.isArray(value) || value.length !== 2) throw new Rejected('syntax', 'cas-takes-two')
      const [expected, next]: readonly unknown[] = value
      if ((current(view, staged, key) ?? null) !== (expected === null ? null : text(expected)))
        throw new Rejected('constraint', 'cas-differs')
      staged.set(key, next === null ? undefined : text(next))
    }
    return undefined
  },
}

/**
 * What a command does. It may have several operations, carried out in the order in which they are
 * written, all or none.
 */
export function decide(view: KvView, command: string): KvDecision {
  try {
    const staged: Staged = new Map()
    const results: Record<string, unknown> = {}
    const fields = Object.entries(parsed(command))
    if (fields.length === 0) throw new Rejected('syntax', 'no-operation')
    for (const [name, argument] of fields) {
      const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
      if (operation === undefined) throw new Rejected('syntax', 'unknown-operation')
      const result = operation(view, argument, staged)
      if (result !== undefined) results[name] = result
    }
    const writes = [...staged].map(([key, value]) => ({ key, value }))
    return { kind: 'done', writes, result: Object.keys(results).length === 0 ? null : results }
  } catch (error) {
    if (error instanceof Rejected) return error.decision
    throw error
  }
}

/** @returns undefined for what is no query */
export function ask(view: KvView, query: string): unknown {
  try {
    const fields = parsed(query)
    const [name = '', ...more] = Object.keys(fields)
    if (more.length > 0) return undefined
    if (name === 'get') return Object.fromEntries(keys(fields['get']).map((key) => [key, view.get(key) ?? null]))
    if (name !== 'list' || typeof fields['list'] !== 'string') return undefined
    const found: [string, string][] = []
    for (const { key, value } of view.range(fields['list'])) {
      if (found.length === LISTED_MAX) break
      found.push([key, value])
    }
    return Object.fromEntries(found)
  } catch (error) {
    if (error instanceof Rejected) return undefined
    throw error
  }
}

function parsed(json: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(json)
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

function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > KV_KEY_BYTES_MAX || !key.isWellFormed()) throw new Rejected('constraint', 'no-key')
}

function text(value: unknown): string {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new Rejected('type', 'not-text')
  if (Buffer.byteLength(value) > VALUE_BYTES_MAX) throw new Rejected('constraint', 'value-too-large')
  return value
}

function whole(value: unknown): number {
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new Rejected('type', 'not-a-number')
  return number
}

function current(view: KvView, staged: Staged, key: string): string | undefined {
  return staged.has(key) ? staged.get(key) : view.get(key)
}

function remove(view: KvView, staged: Staged, key: string): boolean {
  const isThere = current(view, staged, key) !== undefined
  staged.set(key, undefined)
  return isThere
}
