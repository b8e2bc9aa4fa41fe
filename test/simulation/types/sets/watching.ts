/**
 * Clients that watch a set, and go on from where they were when their peer comes back (C7). Each
 * change is told once, in order; in the end what they hold is what their peer holds.
 */
import type { ClientId } from '../../../../protocols/events.ts'
import type { ElementKey } from '../../../../protocols/sets/element.ts'
import { keyOfElement } from '../../../../protocols/sets/element.ts'
import { isMember } from '../../../../protocols/sets/join.ts'
import type { Stamps } from '../../../../protocols/sets/join.ts'
import type { Entry, SetAnswer, SetRequest } from '../../../../protocols/sets/requests.ts'
import type { Row } from '../../../../protocols/sets/rows.ts'
import { check } from '../../checkers/violation.ts'
import type { SimulatedPeer } from '../../peer.ts'

/**
 * Asks the peer.
 *
 * @param began told first who asks
 * @param ended told the last answer; undefined when the peer is gone
 */
export type AskWatch = (
  peer: SimulatedPeer,
  request: SetRequest,
  ended: (answer: SetAnswer | undefined) => void,
  began: (client: ClientId) => void,
) => void

export class Watching {
  readonly peer: SimulatedPeer
  readonly set: string
  private readonly ask: AskWatch
  private client: ClientId | undefined
  private cursor: string | undefined
  private held = new Map<ElementKey, Stamps>()

  constructor(peer: SimulatedPeer, set: string, ask: AskWatch) {
    this.peer = peer
    this.set = set
    this.ask = ask
  }

  /** Begins, or goes on, unless it is under way. */
  goOn(): void {
    if (this.client !== undefined || !this.peer.isUp) return
    const began = (client: ClientId): void => void (this.client = client)
    const { set, cursor } = this
    if (cursor === undefined) this.ask(this.peer, { kind: 'updates-after', set, after: cursor }, (answer) => this.readAll(answer), began)
    else this.ask(this.peer, { kind: 'watch', set, after: cursor }, (answer) => this.ended(answer), began)
  }

  /** @returns false when it is another client that was told */
  told(client: ClientId, answer: SetAnswer): boolean {
    if (client !== this.client) return false
    if (answer.kind !== 'changes') return true
    for (const { entry, cursor } of answer.changes) {
      check(
        numberOf(cursor) > numberOf(this.cursor),
        'C7',
        () => `${this.peer.peerId} tells a watch of ${this.set} ${cursor} after ${this.cursor}`,
      )
      this.cursor = cursor
      this.take(entry)
    }
    check(numberOf(answer.cursor) >= numberOf(this.cursor), 'C7', () => `a watch of ${this.set} goes back to ${answer.cursor}`)
    this.cursor = answer.cursor
    return true
  }

  /** @param rows what the peer holds */
  check(rows: ReadonlyMap<ElementKey, Row>): void {
    if (this.client === undefined || this.cursor === undefined) return
    for (const [key, { added, removed }] of rows) {
      const held = this.held.get(key)
      const told = (): string =>
        `a watch of ${this.set} at ${this.peer.peerId} holds ${key} ${held?.added} ${held?.removed}, not ${added} ${removed}`
      check(held?.added === added && held.removed === removed, 'C7', told)
    }
    for (const [key, held] of this.held) {
      check(rows.has(key) || !isMember(held), 'C7', () => `a watch of ${this.set} at ${this.peer.peerId} still holds ${key}`)
    }
  }

  private readAll(answer: SetAnswer | undefined): void {
    this.client = undefined
    if (answer?.kind !== 'updates') return
    this.held = new Map()
    for (const entry of answer.entries) this.take(entry)
    this.cursor = answer.cursor
    this.goOn()
  }

  private ended(answer: SetAnswer | undefined): void {
    this.client = undefined
    if (answer?.kind === 'cursor-gone') this.cursor = undefined
  }

  private take({ element, added, removed }: Entry): void {
    this.held.set(keyOfElement(element), { added, removed })
  }
}

function numberOf(cursor: string | undefined): number {
  return cursor === undefined ? -1 : Number(cursor.slice(cursor.indexOf('.') + 1))
}
