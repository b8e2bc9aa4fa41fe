/** How commands are said to stores in servers of SQL, and what only those show. */
import assert from 'node:assert/strict'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { NotAQuery } from '../../src/ports/log-store.ts'
import type { LogStore } from '../../src/ports/log-store.ts'
import type { SqlResult } from '../../src/stores/sql/result.ts'
import { command } from './log-store.ts'
import type { Speech } from './log-store.ts'

const utf8 = new TextEncoder()
const text = new TextDecoder()
export const NONE: ReadonlyMap<number, string> = new Map()
export const MADE: SqlResult = { columns: [], rows: [], rowsAffected: 0, lastInsertId: null }
/** 2023-11-14T22:13:20Z. */
const FIRST_MS = 1_700_000_000_000

/** Where servers differ. */
export interface SqlWords {
  /** Before the statements of each command; empty where what makes tables is a command alone. */
  readonly first: readonly object[]
  /** A statement that sets a key, and its result. */
  readonly set: (key: string, value: string) => object
  readonly wasSet: (key: string) => SqlResult
  /** One that adds to a number, with the type of its sum. */
  readonly add: string
  readonly sumType: string
  /** The mark of a parameter at a place from 1. */
  readonly mark: (place: number) => string
}

export function speechOf({ first, set, wasSet, add, sumType, mark }: SqlWords): Speech {
  const statements = (...list: readonly object[]): string => JSON.stringify({ statements: [...first, ...list] })
  const results = (...list: readonly SqlResult[]): string => JSON.stringify([...first.map(() => MADE), ...list])
  return {
    set: (values) => statements(...Object.entries(values).map(([key, value]) => set(key, value))),
    wasSet: (values) => results(...Object.keys(values).map(wasSet)),
    add: (key, by) => statements({ command: add, params: [key, String(by)] }),
    wasAdded: (_, sum) => results({ columns: [{ name: 'sum', type: sumType }], rows: [[sum]], rowsAffected: 1, lastInsertId: null }),
    replace: (key, expected, value) =>
      statements({
        command: `update items set v = ${mark(1)} where k = ${mark(2)} and v = ${mark(3)}`,
        params: [value, key, expected],
        rows: 1,
      }),
    halfway: statements(set('half', '1'), { command: `insert into items values ('half', '2')` }),
    isUndone: true,
    isLinked: true,
    nonsense: ['no sql', '{"command":1}', '{', '', 'select 1; select 2', 'insert into nowhere values (1)', `select 'open`],
    noQueries: [
      JSON.stringify({ command: `update items set v = '9'` }),
      'set autocommit = 1',
      'commit',
      `with t as (select 1) delete from items`,
      'no sql',
    ],
    query: 'select 1',
    read: async (store, keys) => {
      const marks = keys.map((_, place) => mark(place + 1)).join(', ')
      const asked = JSON.stringify({ command: `select k, v from items where k in (${marks})`, params: keys })
      const rows = await store.query(utf8.encode(asked), 0).then(
        ({ result }) => (JSON.parse(text.decode(result)) as SqlResult).rows,
        (error: Error) => {
          if (error instanceof NotAQuery && /items.* (?:doesn't|does not) exist/.test(error.message)) return []
          throw error
        },
      )
      return Object.fromEntries(keys.map((key) => [key, (rows.find(([name]) => name === key)?.[1] ?? null) as string | null]))
    },
  }
}

/** Commands that are applied one after another, each at a second of its own. */
export class Applying {
  store: LogStore
  index = 0

  constructor(store: LogStore) {
    this.store = store
  }

  async applied(...texts: readonly string[]): Promise<readonly StoreOutcome[]> {
    const entries = texts.map((each) => command((this.index += 1), each, { atMs: FIRST_MS + this.index * 1_000 }))
    return this.store.apply({ entries, verdicts: NONE })
  }

  async result(each: string): Promise<SqlResult> {
    const [outcome] = await this.applied(each)
    if (outcome?.kind !== 'done') throw new Error(`${each}: ${JSON.stringify(outcome)}`)
    return JSON.parse(text.decode(outcome.result)) as SqlResult
  }

  async code(each: string): Promise<string> {
    const [outcome] = await this.applied(each)
    return outcome?.kind === 'rejected' ? `${outcome.class} ${outcome.code}` : JSON.stringify(outcome)
  }

  async query(each: string): Promise<SqlResult> {
    return JSON.parse(text.decode((await this.store.query(utf8.encode(each), 0)).result)) as SqlResult
  }

  /** Each is refused by this name. */
  async refuses(refused: Readonly<Record<string, string>>): Promise<void> {
    for (const [sql, name] of Object.entries(refused)) assert.equal(await this.code(sql), `policy not-allowed:${name}`, sql)
  }
}

/** The whole of what a store says of its content. */
export function slicesOf(store: LogStore): Promise<string[]> {
  return Promise.all(Array.from({ length: 256 }, (_, slice) => store.digest(slice)))
}
