/**
 * Commands at the leader. Each number of a forwarder is dealt with once in a term, whether it is
 * taken or refused: a late copy of a refused one must not be taken after the client was told so.
 */
import type { Identity } from '../base/identity.ts'
import type { EntryBody } from './entry.ts'
import type { Applied } from './events.ts'
import type { Forwarded, Result } from './message.ts'
import { Numbers } from './numbers.ts'
import type { Refusal } from './outcome.ts'
import type { ReplicaState } from './state.ts'

interface Held {
  readonly from: Identity
  readonly start: number
  readonly submits: readonly Forwarded[]
}

/** What one forwarder is told at once. */
interface Told {
  readonly from: Identity
  readonly start: number
  readonly results: Result[]
}

/** Where a command came from, and by which number. */
interface Forwarder {
  readonly from: Identity
  readonly start: number
  readonly number: number
}

export class Intake {
  private readonly state: ReplicaState
  private readonly order: (bodies: readonly EntryBody[]) => void
  private readonly numbers = new Map<string, Numbers>()
  /** By index: who is told of an outcome, of what other peers forwarded. */
  private readonly forwarders = new Map<number, Forwarder>()
  /** What came while the lead is being handed over. */
  private held: Held[] = []
  private isHolding = false

  constructor(state: ReplicaState, order: (bodies: readonly EntryBody[]) => void) {
    this.state = state
    this.order = order
  }

  /** @param refused is told of those that are not taken */
  take(
    from: Identity,
    start: number,
    submits: readonly Forwarded[],
    refused: (refusal: Refusal, numbers: readonly number[]) => void,
  ): void {
    const numbers = this.numbersOf(from, start)
    const fresh = submits.filter(({ number }) => numbers.take(number))
    if (fresh.length === 0) return
    if (this.isHolding) {
      this.held.push({ from, start, submits: fresh })
      return
    }
    const refusal = this.refusal(fresh)
    if (refusal === undefined) return this.enter({ from, start, submits: fresh })
    refused(
      refusal,
      fresh.map(({ number }) => number),
    )
  }

  /** From now on commands wait, because the lead is being handed over. */
  hold(): void {
    this.isHolding = true
  }

  /** The lead stays here: what waited is ordered. */
  release(): void {
    const { held } = this
    this.held = []
    this.isHolding = false
    for (const each of held) this.enter(each)
  }

  /** What each forwarder is to be told of these, which are one batch of a store. Told once. */
  resultsOf(outcomes: readonly Applied[]): Iterable<Told> {
    const told = new Map<string, Told>()
    for (const { position, outcome } of outcomes) {
      const to = this.forwarders.get(position.index)
      if (to === undefined) continue
      this.forwarders.delete(position.index)
      const { from, start, number } = to
      const key = keyOf(from, start)
      let own = told.get(key)
      if (own === undefined) told.set(key, (own = { from, start, results: [] }))
      own.results.push({ number, position, outcome })
    }
    return told.values()
  }

  private enter({ from, start, submits }: Held): void {
    const { index } = this.state.tail.last
    if (from.id !== this.state.self.id)
      for (const [place, { number }] of submits.entries()) this.forwarders.set(index + 1 + place, { from, start, number })
    this.order(submits.map(({ submitId, since, command }) => ({ kind: 'command', submitId, since, command })))
  }

  private refusal(submits: readonly Forwarded[]): Refusal | undefined {
    const { applied, isReady, settings, tail } = this.state
    const { limits } = settings
    if (!isReady || applied === undefined) return 'stalled'
    if (submits.some(({ command }) => command.length > limits.commandBytesMax)) return 'too-large'
    const entries = tail.last.index - applied
    const bytes = tail.bytesBetween(applied, tail.last.index)
    return entries >= limits.pendingEntriesMax || bytes >= limits.pendingBytesMax ? 'overloaded' : undefined
  }

  private numbersOf(from: Identity, start: number): Numbers {
    const key = keyOf(from, start)
    let numbers = this.numbers.get(key)
    if (numbers === undefined) this.numbers.set(key, (numbers = new Numbers()))
    return numbers
  }
}

function keyOf({ id }: Identity, start: number): string {
  return `${id} ${start}`
}
