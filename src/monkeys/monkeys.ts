/**
 * What each kind of monkey does, until it is told to end. All of them note what was answered, and
 * go on when a node fails.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Model } from './model.ts'
import { NodeFailed } from './node.ts'
import type { SetNode, Stamps } from './node.ts'

export const MONKEY_KINDS = ['normal', 'offline-online', 'viewer'] as const
export type MonkeyKind = (typeof MONKEY_KINDS)[number]

/** Integers from 0 on that monkeys play with, and how many of them an operation takes at most. */
const ELEMENTS = 100
const ELEMENTS_AN_OPERATION = 10
/** Of so many rounds, an offline monkey comes online in one. */
const ROUNDS_OFFLINE = 10
const VIEW_MS = 1_000
/** Operations with pauses up to this, or longer, are few enough to be said one by one. */
const SAID_PAUSE_MS = 1_000
/** A clock is told in whole milliseconds on both sides. */
const ROUNDING_MS = 2

export interface MonkeyInit {
  readonly nodes: readonly SetNode[]
  readonly model: Model
  /** The longest pause between two operations, in milliseconds. */
  readonly pauseMs: number
  readonly signal: AbortSignal
  readonly say: (line: string) => void
}

/** Runs one monkey to its end. @returns what it saw that cannot be, in words */
export async function runMonkey(kind: MonkeyKind, init: MonkeyInit): Promise<string[]> {
  switch (kind) {
    case 'normal':
      return normal(init)
    case 'offline-online':
      return offlineOnline(init)
    case 'viewer':
      return viewer(init)
  }
}

/** Inserts and deletes at random nodes. */
async function normal({ nodes, model, pauseMs, signal, say }: MonkeyInit): Promise<string[]> {
  const aheadOf = new Map<SetNode, number>()
  while (await pause(Math.random() * pauseMs, signal)) {
    const node = drawn(nodes)
    const kind = Math.random() < 0.5 ? 'insert' : 'delete'
    const elements = drawnElements()
    await unlessItFails(say, async () => {
      const aheadMs = aheadOf.get(node) ?? (await node.clockAheadMs())
      aheadOf.set(node, aheadMs)
      const sentAt = Date.now()
      await node.change(kind, elements)
      model.answered(kind, elements, sentAt + aheadMs - ROUNDING_MS)
      if (pauseMs >= SAID_PAUSE_MS) say(`${kind === 'insert' ? 'inserted' : 'deleted'} ${elements.join(' ')} at ${node.url}`)
    })
  }
  return []
}

/** Edits a copy of its own, and merges it with its node now and then; for good at its end. */
async function offlineOnline({ nodes, model, pauseMs, signal, say }: MonkeyInit): Promise<string[]> {
  const node = drawn(nodes)
  let edits: Stamps = new Map()
  let cursor: string | undefined
  let last = 0
  const merge = async (): Promise<void> => {
    const sent = edits
    const shiftMs = await node.update(sent)
    model.merged(sent, shiftMs)
    edits = new Map()
    const replica = await node.updates(cursor)
    cursor = replica.cursor
    say(`merged ${sent.size} edits with ${node.url}, and ${replica.entries.size} came back`)
  }
  while (await pause(Math.random() * pauseMs, signal)) {
    last = Math.max(last + 1, Date.now())
    const isInsert = Math.random() < 0.5
    for (const element of drawnElements()) {
      const held = edits.get(String(element)) ?? { added: -1, removed: -1 }
      edits.set(String(element), isInsert ? { ...held, added: last } : { ...held, removed: last })
    }
    if (Math.random() * ROUNDS_OFFLINE < 1) await unlessItFails(say, merge)
  }
  await unlessItFails(say, merge)
  return []
}

/** Watches one node, says what changed, and sees that the changes add up to what the node has. */
async function viewer({ nodes, signal, say }: MonkeyInit): Promise<string[]> {
  const node = drawn(nodes)
  const seen: Stamps = new Map()
  let cursor: string | undefined
  const look = async (): Promise<void> => {
    try {
      const replica = await node.updates(cursor)
      cursor = replica.cursor
      for (const [element, stamps] of replica.entries) {
        const before = seen.get(element) ?? { added: -1, removed: -1 }
        seen.set(element, { added: Math.max(before.added, stamps.added), removed: Math.max(before.removed, stamps.removed) })
        say(`${stamps.added > stamps.removed ? '+' : '-'} ${element}`)
      }
    } catch (error) {
      if (!(error instanceof NodeFailed) || error.status !== 410) throw error
      cursor = undefined
      seen.clear()
    }
  }
  while (await pause(VIEW_MS, signal)) await unlessItFails(say, look)
  const faults: string[] = []
  await unlessItFails(say, async () => {
    // Others may still be telling: what is seen is compared where nothing changed while it was
    // read.
    for (let members = await node.members(); ; members = await node.members()) {
      const before = cursor
      await look()
      if (cursor !== before) continue
      const added = [...seen].filter(([, { added: at, removed }]) => at > removed).map(([element]) => element)
      if (added.toSorted().join() !== members.join())
        faults.push(`a viewer of ${node.url} saw ${added.length} members come, and there are ${members.length}`)
      return
    }
  })
  return faults
}

function drawn<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)] as T
}

function drawnElements(): number[] {
  const count = 1 + Math.floor(Math.random() * ELEMENTS_AN_OPERATION)
  return [...new Set(Array.from({ length: count }, () => Math.floor(Math.random() * ELEMENTS)))]
}

/** @returns false when the end has come */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false
  await delay(ms, undefined, { signal }).catch(() => undefined)
  return !signal.aborted
}

/** A node that fails is said, and its operation was not answered: it may have been done or not. */
async function unlessItFails(say: (line: string) => void, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof NodeFailed)) throw error
    say(error.message)
  }
}
