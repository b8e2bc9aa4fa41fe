/**
 * A counter that only grows, as a peer runs it: a type of data that lives in the tests alone.
 * Totals are merged by the higher one, told to everybody once they are on disk, and repaired where
 * that was lost. A total lies in a row of its decade, `doors/2`, and the rows of decades before are
 * removed, so that rows come, change and go. Clients are answered when what they are shown is on
 * this peer's disk. Two that count at once at two peers count once: it is no good counter, and only
 * has to show that a further type moves in.
 */
import type { Identity } from '../../../../protocols/base/identity.ts'
import type { RowWrite } from '../../../../protocols/base/rows.ts'
import type { DataType, TypeContext, TypeDefinition } from '../../../../protocols/data-type.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { RowCollection } from '../../../../protocols/repair/collection.ts'
import { IndexedRows, rowDigest } from '../../../../protocols/repair/indexed-rows.ts'
import type { RequestOf } from '../../../../protocols/service.ts'
import { readCounterMessage, readTotal, writeCounterMessage, writeTotal } from './messages.ts'

/** Totals in one row before the next begins. */
const DECADE = 4

/**
 * What clients ask for. A watch shows the totals that come, and ends after so many. What is founded
 * has the number of the first who asked.
 */
export type CounterRequest =
  | { readonly kind: 'found'; readonly name: string; readonly number: number }
  | { readonly kind: 'add' | 'read'; readonly name: string }
  | { readonly kind: 'watch'; readonly name: string; readonly count: number }

/** What they are told: the total, which is on this peer's disk. */
export interface CounterAnswer {
  readonly total: number
}

export const COUNTER: TypeDefinition = { name: 'counter', code: 200, since: 2, create: (context) => new Counter(context) }

interface Watch {
  readonly name: string
  left: number
}

class Counter implements DataType {
  readonly collection: RowCollection
  private readonly context: TypeContext
  private readonly rows: IndexedRows
  private readonly watches = new Map<ClientId, Watch>()

  constructor(context: TypeContext) {
    const rows = new IndexedRows(context.rows, rowDigest(context.sha256, context.codec))
    this.context = context
    this.rows = rows
    this.collection = {
      isCarriedOver: true,
      tree: rows.tree,
      leaf: (leaf, after, limit) => rows.leaf(leaf, after, limit),
      lacks: (row, digest) => decadeOf(row) >= this.decade(nameOf(row)) && rows.lacks(row, digest),
      held: (row) => rows.get(row),
      isWithheld: () => false,
      take: (told) => told.filter(({ key, record }) => this.raise(nameOf(key), readTotal(record))).length,
      page: () => ({ keys: [], more: false }),
      settle: (_, settled) => settled(true),
    }
  }

  asked({ client, request, deadlineMs }: RequestOf<'typed'>): void {
    const asked = request as CounterRequest
    const { kind, name } = asked
    if (kind === 'watch') this.watches.set(client, { name, left: asked.count })
    else if (kind === 'found') {
      // Once it is decided a quorum has it, and nothing need be on this disk.
      const tell = (value: Uint8Array | undefined): void => {
        this.context.answer(client, { total: value === undefined ? 0 : readTotal(value) }, 'nothing')
      }
      this.context.decide(name, writeTotal(asked.number), deadlineMs, tell)
    } else {
      if (kind === 'add') this.raise(name, this.total(name) + 1)
      this.context.answer(client, { total: this.total(name) }, { type: COUNTER.name, name })
    }
  }

  cancel(client: ClientId): void {
    this.watches.delete(client)
  }

  told(_: Identity, body: Uint8Array): void {
    const { name, total } = readCounterMessage(body)
    this.raise(name, total)
  }

  total(name: string): number {
    return [...this.rows.range(`${name}/`)].reduce((most, { bytes }) => Math.max(most, readTotal(bytes)), 0)
  }

  /** The decade of what is held; -1 for none. */
  private decade(name: string): number {
    return [...this.rows.range(`${name}/`)].reduce((most, row) => Math.max(most, decadeOf(row.name)), -1)
  }

  /** @returns false when no less is held */
  private raise(name: string, total: number): boolean {
    if (total <= this.total(name)) return false
    const row = `${name}/${Math.floor(total / DECADE)}`
    const before = [...this.rows.range(`${name}/`)].filter((each) => each.name !== row)
    const writes: RowWrite[] = [...before.flatMap((each) => this.rows.remove(each.name)), ...this.rows.put(row, writeTotal(total))]
    const after = { type: COUNTER.name, name }
    // A row that was removed must not be there beside what took its place.
    this.context.persist(name, writes, before.length > 0 ? 'barrier' : 'usual')
    for (const { peerId } of this.context.roster.connected())
      this.context.send(peerId, writeCounterMessage({ kind: 'total', name, total }), after)
    for (const [client, watch] of this.watches) {
      if (watch.name !== name) continue
      watch.left -= 1
      this.context.tell(client, { total }, after)
      if (watch.left > 0) continue
      this.watches.delete(client)
      this.context.answer(client, { total }, after)
    }
    return true
  }
}

function nameOf(row: string): string {
  return row.slice(0, row.lastIndexOf('/'))
}

function decadeOf(row: string): number {
  return Number(row.slice(row.lastIndexOf('/') + 1))
}
