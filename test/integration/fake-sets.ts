/** Sets of one peer in memory, without a disk and without others: what HTTP is tried over. */
import { adds, isMember, join, NO_STAMPS } from '../../protocols/sets/join.ts'
import { NO_STAMP } from '../../protocols/sets/requests.ts'
import type { Cut, Entry, SetAnswer, SetRequest } from '../../protocols/sets/requests.ts'
import { badStamp, leastStamp, shifted, shiftOf, stampFor } from '../../protocols/sets/stamps.ts'
import type { SetAnswersOf, SetRequestOf, Sets, WatchAnswer } from '../../src/ports/sets.ts'

const AHEAD_MS = 60_000
const NO_CUT: Cut = { number: 0, stamp: NO_STAMP, bar: NO_STAMP }
const STORE = 'a'.repeat(32)

interface FakeSet {
  /** By the element's text, in the order in which they changed last. */
  readonly entries: Map<string, { entry: Entry; number: number }>
  changes: number
  last: number
}

export class FakeSets implements Sets {
  readonly sets: Map<string, FakeSet> = new Map()
  readonly asked: SetRequest[] = []
  /** In the place of an answer. */
  onAsk: ((request: SetRequest) => SetAnswer | undefined) | undefined
  bar: number = NO_STAMP
  readonly #watchers = new Set<{ set: string; told: (answer: WatchAnswer) => void }>()

  get watcherCount(): number {
    return this.#watchers.size
  }

  async ask<Kind extends keyof SetAnswersOf>(request: SetRequestOf<Kind>): Promise<SetAnswersOf[Kind]> {
    this.asked.push(request)
    return (this.onAsk?.(request) ?? this.#answer(request)) as SetAnswersOf[Kind]
  }

  watch({ set, after }: SetRequestOf<'watch'>, told: (answer: WatchAnswer) => void): () => void {
    const watcher = { set, told }
    queueMicrotask(() => {
      const held = this.sets.get(set)
      const number = after === undefined ? held?.changes : numberOf(after)
      if (held === undefined) return told({ kind: 'no-set' })
      if (number === undefined) return told({ kind: 'cursor-gone', detail: 'another store' })
      told(this.#changes(set, held, number))
      this.#watchers.add(watcher)
    })
    return () => this.#watchers.delete(watcher)
  }

  /** Tells every watcher that it has to start over. */
  forget(): void {
    for (const { told } of this.#watchers) told({ kind: 'cursor-gone', detail: 'forgotten' })
  }

  #answer(request: SetRequest): SetAnswer {
    switch (request.kind) {
      case 'insert':
      case 'delete':
        return this.#change(request)
      case 'update':
        return this.#update(request)
      case 'restore': {
        const held = this.#of(request.set)
        for (const entry of request.entries) this.#take(request.set, held, entry)
        return { kind: 'stored', shiftMs: 0 }
      }
      case 'list': {
        const sets = Array.from(this.sets, ([set, { entries }]) => ({
          set,
          memberCount: [...entries.values()].filter(({ entry }) => isMember(entry)).length,
          entryCount: entries.size,
          equality: 'equal' as const,
          cut: NO_CUT,
        }))
        return { kind: 'sets', sets }
      }
      default:
        return this.#read(request)
    }
  }

  #read(request: SetRequest & { readonly set: string }): SetAnswer {
    const held = this.sets.get(request.set)
    if (held === undefined) return { kind: 'no-set' }
    const all = [...held.entries.values()].map(({ entry }) => entry)
    const cursor = `${STORE}.${held.changes}`
    switch (request.kind) {
      case 'members': {
        const elements = all.filter(isMember).map(({ element }) => element)
        return { kind: 'members', count: elements.length, elements, cursor }
      }
      case 'updates-since': {
        const above = (stamp: number): number => (stamp > request.since ? stamp : NO_STAMP)
        const entries = all.map(({ element, added, removed }) => ({ element, added: above(added), removed: above(removed) }))
        return { kind: 'updates', count: entries.length, entries, cursor: undefined }
      }
      case 'updates-after': {
        const number = request.after === undefined ? 0 : numberOf(request.after)
        if (number === undefined) return { kind: 'cursor-gone', detail: 'the cursor is of another store' }
        const entries = [...held.entries.values()].filter((row) => row.number > number).map(({ entry }) => entry)
        return { kind: 'updates', count: entries.length, entries, cursor }
      }
      case 'contains': {
        const found = held.entries.get(textOf(request.element))?.entry ?? { element: request.element, ...NO_STAMPS }
        return { kind: 'contained', isMember: isMember(found), entry: found }
      }
      default:
        throw new Error(`not asked here: ${request.kind}`)
    }
  }

  #change({ kind, set, elements }: SetRequestOf<'insert' | 'delete'>): SetAnswer {
    const held = this.#of(set)
    const least = leastStamp(Date.now(), held.last, this.bar)
    for (const element of elements) {
      const before = held.entries.get(textOf(element))?.entry ?? { element, ...NO_STAMPS }
      const stamp = stampFor(least, before)
      held.last = Math.max(held.last, stamp)
      this.#take(set, held, { ...before, [kind === 'insert' ? 'added' : 'removed']: stamp })
    }
    return { kind: 'stored', shiftMs: 0 }
  }

  #update({ set, entries, clock }: SetRequestOf<'update'>): SetAnswer {
    const wallMs = Date.now()
    const shiftMs = shiftOf(clock, wallMs)
    const bad = badStamp(entries, { bar: this.bar, most: Math.floor(wallMs) + AHEAD_MS, shiftMs })
    if (bad !== undefined) return bad
    const held = this.#of(set)
    for (const entry of entries) this.#take(set, held, shifted(entry, shiftMs))
    return { kind: 'stored', shiftMs }
  }

  #of(set: string): FakeSet {
    const held = this.sets.get(set) ?? { entries: new Map(), changes: 0, last: NO_STAMP }
    this.sets.set(set, held)
    return held
  }

  #take(set: string, held: FakeSet, entry: Entry): void {
    const key = textOf(entry.element)
    const before = held.entries.get(key)?.entry ?? NO_STAMPS
    if (!adds(before, entry)) return
    held.changes += 1
    held.entries.delete(key)
    held.entries.set(key, { entry: { element: entry.element, ...join(before, entry) }, number: held.changes })
    for (const watcher of this.#watchers) if (watcher.set === set) watcher.told(this.#changes(set, held, held.changes - 1))
  }

  #changes(_set: string, held: FakeSet, after: number): WatchAnswer {
    const rows = [...held.entries.values()].filter(({ number }) => number > after)
    const changes = rows.map(({ entry, number }) => ({ entry, cursor: `${STORE}.${number}` }))
    return { kind: 'changes', changes, cursor: `${STORE}.${held.changes}` }
  }
}

function textOf(element: Uint8Array): string {
  return Buffer.from(element).toString()
}

function numberOf(cursor: string): number | undefined {
  return cursor.startsWith(`${STORE}.`) ? Number(cursor.slice(STORE.length + 1)) : undefined
}
