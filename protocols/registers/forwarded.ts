/**
 * Writes that others forwarded to a ballot of this peer. Each is committed at that very ballot,
 * with what waits here, or dropped: at another ballot it might be applied after whoever forwarded it
 * was told of a higher one that it is not.
 */
import type { Ballot } from '../base/ballot.ts'
import type { Identity } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { RegisterKey } from '../base/register.ts'
import { writeClaim } from './claims.ts'
import type { WriteClaim } from './claims.ts'
import type { Coordinator } from './coordinator.ts'
import type { Forwarded } from './forwards.ts'
import type { ForwardedWrite } from './judge.ts'

/** That wait here; more are dropped at once. */
const FORWARDED_MAX = 4_096
/** Bytes of their values. */
const FORWARDED_BYTES_MAX = 16_777_216
/** No longer than the longest that whoever forwards them waits. */
const WAIT_MS = 60_000

export interface ForwardedContext {
  readonly self: Identity
  readonly moment: Moment
  readonly coordinator: Coordinator
  readonly reply: (to: Identity, id: number, key: RegisterKey, result: Forwarded) => void
}

export class ForwardedWrites {
  private readonly context: ForwardedContext
  private count = 0
  private bytes = 0

  constructor(context: ForwardedContext) {
    this.context = context
  }

  asked(from: Identity, id: number, key: RegisterKey, ballot: Ballot, write: ForwardedWrite): void {
    const { self, coordinator, reply } = this.context
    const bytes = write.contents.kind === 'value' ? write.contents.value.length : 0
    const isFull = this.count >= FORWARDED_MAX || this.bytes + bytes > FORWARDED_BYTES_MAX
    if (ballot.by.id !== self.id || isFull) return reply(from, id, key, { kind: 'dropped' })
    this.count += 1
    this.bytes += bytes
    const claim = this.claim(ballot, write, (result) => {
      this.count -= 1
      this.bytes -= bytes
      reply(from, id, key, result)
    })
    if (!coordinator.claimAt(key, claim, ballot)) claim.settle({ kind: 'expired' })
  }

  private claim(ballot: Ballot, write: ForwardedWrite, ended: (result: Forwarded) => void): WriteClaim {
    const deadlineMs = this.context.moment.nowMs + WAIT_MS
    // It may have been tried before, by whoever forwards it or its client.
    return writeClaim(write, { writeIdGiven: true, cameAfter: write.after, onlyAt: ballot }, deadlineMs, (result) => {
      ended(result.kind === 'expired' ? { kind: 'dropped' } : result)
    })
  }
}
