/**
 * The entries that a replica holds, as its disk will hold them: from behind `base`, up to which
 * they were compacted, to `last`. The members in force are those of the newest entry that names
 * any, committed or not.
 */
import { assert } from '../base/assert.ts'
import { entryBytes, ORIGIN } from './entry.ts'
import type { Entry, Position } from './entry.ts'
import type { Membership } from './membership.ts'

interface Named {
  readonly index: number
  readonly members: Membership
}

/** What a replica finds on its disk. */
export interface StoredTail {
  readonly base: Position
  readonly membersAtBase: Membership
  readonly entries: readonly Entry[]
}

export class Tail {
  private from: Position
  private held: Entry[]
  /** Bytes of all entries held before each place; one more than there are entries. */
  private sums: number[] = [0]
  /** The members at the base, then those that entries name, in order. */
  private named: Named[]

  constructor({ base, membersAtBase, entries }: StoredTail) {
    this.from = base
    this.held = []
    this.named = [{ index: base.index, members: membersAtBase }]
    this.append(entries)
  }

  /** The last position that was compacted: its term is known, its entry is not. */
  get base(): Position {
    return this.from
  }

  get last(): Position {
    return this.held.at(-1) ?? this.from
  }

  /** The members in force. */
  get members(): Membership {
    return (this.named.at(-1) as Named).members
  }

  /** The index of the entry that named the members in force. */
  get membersIndex(): number {
    return (this.named.at(-1) as Named).index
  }

  /** The members in force at an index that was not compacted. */
  membersAt(index: number): Membership {
    const found = this.named.findLast((each) => each.index <= index)
    assert(found !== undefined, `members at ${index}, which lies before ${this.from.index}`)
    return found.members
  }

  /** Undefined for what was compacted and for what is not there yet. */
  termAt(index: number): number | undefined {
    return index === this.from.index ? this.from.term : this.at(index)?.term
  }

  at(index: number): Entry | undefined {
    return this.held[index - this.from.index - 1]
  }

  holds({ term, index }: Position): boolean {
    return this.termAt(index) === term
  }

  /** The entries from one index to another, both included. */
  range(first: number, last: number): readonly Entry[] {
    return this.held.slice(first - this.from.index - 1, last - this.from.index)
  }

  /** The entries from an index on, as many as fit: at least one when there is any. */
  fitting(first: number, bytesMax: number): readonly Entry[] {
    let to = first
    while (to < this.last.index && this.bytesBetween(first - 1, to + 1) <= bytesMax) to += 1
    return this.range(first, to)
  }

  /** Bytes of the entries above one index and up to another. */
  bytesBetween(after: number, to: number): number {
    const sum = (index: number): number => this.sums[Math.max(index - this.from.index, 0)] as number
    return sum(to) - sum(after)
  }

  /** Asserts that they follow upon the last one. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { last } = this
      assert(entry.index === last.index + 1 && entry.term >= last.term, `entry ${show(entry)} after ${show(last)}`)
      this.held.push(entry)
      this.sums.push((this.sums.at(-1) as number) + entryBytes(entry))
      if (entry.body.kind === 'members') this.named.push({ index: entry.index, members: entry.body.members })
    }
  }

  /** Drops the entries from an index on. */
  cutFrom(index: number): void {
    assert(index > this.from.index, `cut from ${index}, which was compacted`)
    this.held.length = Math.min(this.held.length, index - this.from.index - 1)
    this.sums.length = this.held.length + 1
    this.named = this.named.filter((each) => each.index < index)
  }

  /** Drops the entries up to an index that is held. */
  compact(index: number): void {
    const term = this.termAt(index)
    assert(term !== undefined && index >= this.from.index, `compacted to ${index} of ${this.from.index} to ${this.last.index}`)
    const members = this.membersAt(index)
    const dropped = index - this.from.index
    this.held = this.held.slice(dropped)
    this.sums = this.sums.slice(dropped)
    this.from = { term, index }
    this.named = [{ index, members }, ...this.named.filter((each) => each.index > index)]
  }

  /** Begins anew behind a position. */
  reset(base: Position, members: Membership): void {
    this.from = base
    this.held = []
    this.sums = [0]
    this.named = [{ index: base.index, members }]
  }

  /**
   * The last position up to an index whose term is not above `term`: the earliest place where two
   * logs that differ there can still agree. So a whole term is passed over in one answer.
   */
  lastNotAbove(index: number, term: number): Position {
    for (let at = Math.min(index, this.last.index); at >= this.from.index; at -= 1) {
      const termHere = this.termAt(at) as number
      if (termHere <= term) return { term: termHere, index: at }
    }
    return ORIGIN
  }
}

function show({ term, index }: Position): string {
  return `${term}.${index}`
}
