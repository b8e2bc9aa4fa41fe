/**
 * The names of commands that a batch meets: those that are known, and the oldest, which are
 * forgotten. They are read once a batch and written once, in its transaction.
 */
import type { Entry } from '../../../protocols/log/entry.ts'
import { utf8 } from '../../bytes.ts'
import { isTooOld } from '../heads.ts'
import { readRemembered, writeRemembered } from '../kv-rows.ts'
import type { Head, Remembered } from '../kv-rows.ts'
import type { ServerSession } from './server.ts'

/** Names that are asked for, dropped or written by one statement. */
const NAMES_TOGETHER = 200
/** Of the oldest names so many are looked at first: most batches drop none. */
const OLDEST_FIRST = 1

interface Aging {
  readonly id: string
  readonly index: number
  readonly atMs: number
}

export class ServerNames {
  readonly #session: ServerSession
  readonly #known: Map<string, Remembered>
  readonly #added = new Map<string, Remembered>()
  readonly #dropped: string[] = []
  /** The oldest that are not dropped, and where to look for more. */
  #oldest: Aging[] = []
  #readUpTo = 0
  #readNext = OLDEST_FIRST

  private constructor(session: ServerSession, known: Map<string, Remembered>) {
    this.#session = session
    this.#known = known
  }

  static async of(session: ServerSession, entries: readonly Entry[]): Promise<ServerNames> {
    const ids = entries.flatMap(({ body }) => (body.kind === 'command' ? [body.submitId as string] : []))
    const known = new Map<string, Remembered>()
    for (const some of chunks(ids)) {
      const rows = await session.ask(`select id, bytes from _replicator_names where id in (${marks(some.length)})`, some.map(keyOf))
      for (const [id, bytes] of rows) known.set(utf8.decode(id as Buffer), readRemembered(bytes as Buffer))
    }
    return new ServerNames(session, known)
  }

  known({ body }: Entry): Remembered | undefined {
    return body.kind === 'command' ? this.#known.get(body.submitId) : undefined
  }

  add(id: string, remembered: Remembered): void {
    this.#known.set(id, remembered)
    this.#added.set(id, remembered)
  }

  /** Drops names that are too old by the log's clock, and the oldest of too many. */
  async forget(head: Head): Promise<Head> {
    let { remembered, forgottenIndex } = head
    for (;;) {
      const oldest = await this.#next()
      if (oldest === undefined || !isTooOld(oldest, { ...head, remembered })) break
      this.#oldest.shift()
      this.#known.delete(oldest.id)
      if (!this.#added.delete(oldest.id)) this.#dropped.push(oldest.id)
      remembered -= 1
      forgottenIndex = oldest.index
    }
    return { ...head, remembered, forgottenIndex }
  }

  async write(): Promise<void> {
    for (const some of chunks(this.#dropped))
      await this.#session.ask(`delete from _replicator_names where id in (${marks(some.length)})`, some.map(keyOf))
    for (const some of chunks([...this.#added])) {
      const values = some.flatMap(([id, remembered]) => [keyOf(id), remembered.index, writeRemembered(remembered)])
      await this.#session.ask(`insert into _replicator_names (id, place, bytes) values ${some.map(() => '(?, ?, ?)').join(', ')}`, values)
    }
  }

  /** The table first: what this batch added is younger. */
  async #next(): Promise<Aging | undefined> {
    if (this.#oldest.length === 0 && Number.isFinite(this.#readUpTo)) {
      const rows = await this.#session.ask(
        `select id, place, bytes from _replicator_names where place > ? order by place limit ${this.#readNext}`,
        [this.#readUpTo],
      )
      this.#oldest = rows.map(([id, , bytes]) => ({ id: utf8.decode(id as Buffer), ...agingOf(readRemembered(bytes as Buffer)) }))
      this.#readUpTo = rows.length < this.#readNext ? Infinity : Number(rows.at(-1)?.[1])
      this.#readNext = NAMES_TOGETHER
    }
    const [oldest] = this.#oldest
    if (oldest !== undefined) return oldest
    const [added] = this.#added
    return added && { id: added[0], ...agingOf(added[1]) }
  }
}

function agingOf({ index, atMs }: Remembered): Pick<Aging, 'index' | 'atMs'> {
  return { index, atMs }
}

/** Compared by bytes in every server. */
function keyOf(id: string): Uint8Array {
  return utf8.encode(id)
}

export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ')
}

function* chunks<Item>(items: readonly Item[]): Iterable<readonly Item[]> {
  for (let at = 0; at < items.length; at += NAMES_TOGETHER) yield items.slice(at, at + NAMES_TOGETHER)
}
