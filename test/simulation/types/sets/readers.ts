/**
 * Clients that read on from where they were, and keep what they read: what they hold must be what
 * their peer holds, after every answer (C7). They go on at the same peer, whether or not it still
 * has the store that gave them their cursor.
 */
import type { ElementKey } from '../../../../protocols/sets/element.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { NO_STAMPS, isMember } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import type { Entry, SetAnswer } from '../../../../protocols/sets/requests.ts'
import { check } from '../../checkers/violation.ts'

export class Reader {
  readonly set: string
  private readonly peerName: string
  private cursor: string | undefined
  private held = new Map<ElementKey, Stamps>()

  constructor(peerName: string, set: string) {
    this.peerName = peerName
    this.set = set
  }

  get after(): string | undefined {
    return this.cursor
  }

  /** @param all what the peer held when it was asked */
  read(answer: SetAnswer, all: readonly Entry[]): void {
    if (answer.kind === 'cursor-gone') {
      this.cursor = undefined
      this.held = new Map()
      return
    }
    if (answer.kind !== 'updates') return
    const before = numberOf(this.cursor)
    this.cursor = answer.cursor
    const told = (): string => `${this.peerName} told a reader of ${this.set} up to ${this.cursor}`
    check(numberOf(this.cursor) >= before, 'C7', () => `${told()}, after ${before}`)
    for (const { element, added, removed } of answer.entries) this.held.set(keyOfElement(element), { added, removed })
    this.compare(all, told)
  }

  private compare(all: readonly Entry[], told: () => string): void {
    const there = new Map(all.map((entry) => [keyOfElement(entry.element), entry]))
    for (const [key, { added, removed }] of there) {
      const held = this.held.get(key) ?? NO_STAMPS
      check(
        held.added === added && held.removed === removed,
        'C7',
        () => `${told()}, who holds ${key} ${held.added} ${held.removed} of ${added} ${removed}`,
      )
    }
    for (const [key, held] of this.held) {
      if (there.has(key)) continue
      // A removal that is forgotten is not told again.
      check(!isMember(held), 'C7', () => `${told()}, who still holds ${key}`)
      this.held.delete(key)
    }
  }
}

function numberOf(cursor: string | undefined): number {
  return cursor === undefined ? -1 : Number(cursor.slice(cursor.indexOf('.') + 1))
}
