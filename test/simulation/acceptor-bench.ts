/** An acceptor by itself, as scenarios ask it: what it answers, and what it writes for that. */
import { ceilingWrite } from '../../protocols/base/persist.ts'
import type { Ballot, Ceiling } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { Outbox } from '../../protocols/outbox.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import { Acceptor } from '../../protocols/agreement/acceptor.ts'
import { ONCE } from '../../protocols/agreement/settlement.ts'
import { Rounds, raisedAtOpening } from '../../protocols/agreement/rounds.ts'
import type { AcceptorReply, AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import { check } from './checkers/violation.ts'
import { describePersist, describeReply, describeRequest } from './describe.ts'
import { SimulatedDisk } from './disk.ts'

/** With a disk that it can be restarted from. */
export class AcceptorBench {
  readonly lines: string[] = []
  private readonly disk = new SimulatedDisk(() => undefined)
  private readonly self: Identity
  private outbox: Outbox
  private acceptor: Acceptor
  private nowMs = 0

  constructor(self: Identity, stored: Ceiling) {
    this.self = self
    this.disk.write(ceilingWrite(stored))
    this.disk.syncAll()
    ;({ outbox: this.outbox, acceptor: this.acceptor } = this.open())
  }

  ask(body: AcceptorRequest): AcceptorReply {
    this.lines.push(`> ${describeRequest(body)}`)
    const reply = this.acceptor.answer(body, this.nowMs)
    for (const effect of this.outbox.take()) {
      if (effect.kind !== 'persist') continue
      this.lines.push(`  writes ${describePersist(effect.write)}`)
      this.disk.write(effect.write)
    }
    this.lines.push(`  ${describeReply(reply)}`)
    return reply
  }

  /** Everything written is synced, and the process starts anew. */
  restart(): void {
    this.disk.syncAll()
    this.lines.push('-- restarts')
    ;({ outbox: this.outbox, acceptor: this.acceptor } = this.open())
  }

  /**
   * As a store is opened in earnest; without it, the floor would be the ceiling of this opening.
   */
  pass(elapsedMs: number): void {
    this.nowMs += elapsedMs
    this.lines.push(`-- ${elapsedMs} ms pass`)
    this.acceptor.fold(this.nowMs)
  }

  private open(): { outbox: Outbox; acceptor: Acceptor } {
    const floor = this.disk.ceilingSynced
    const outbox = new Outbox(new Overlay(this.disk))
    const rounds = new Rounds(this.self, outbox, raisedAtOpening(floor), floor)
    return { outbox, acceptor: new Acceptor(this.disk, rounds, outbox, floor, () => ONCE) }
  }
}

/** @throws Violation when the answer is of another kind */
export function expectReply(reply: AcceptorReply, kind: AcceptorReply['kind']): void {
  check(reply.kind === kind, 'S8', () => `${describeReply(reply)}, where the rule wants ${kind}`)
}

export function ballot(epoch: number, round: number, by: Identity): Ballot {
  return { epoch, round, by }
}

export function voter(name: string): Identity {
  return identity(name as PeerId, '0'.repeat(32) as Incarnation)
}
