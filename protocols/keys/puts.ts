/** Clients' puts: from the request to one of its outcomes. */
import type { Outbox } from '../outbox.ts'
import { equalContents, equalRecords } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Outcome } from '../effects.ts'
import type { ClientId, CoreEvent } from '../events.ts'
import { writingClaim } from '../agreement/coordinator.ts'
import type { Coordinator } from '../agreement/coordinator.ts'
import type { Claim, ClaimResult } from '../agreement/run.ts'

export type PutEvent = Extract<CoreEvent, { kind: 'put' }>

interface Put {
  readonly key: RegisterKey
  readonly claim: Claim
  /** The client hung up; nobody is told. */
  abandoned: boolean
}

export class Puts {
  private readonly outbox: Outbox
  private readonly coordinator: Coordinator
  private readonly puts = new Map<ClientId, Put>()

  constructor(outbox: Outbox, coordinator: Coordinator) {
    this.outbox = outbox
    this.coordinator = coordinator
  }

  get size(): number {
    return this.puts.size
  }

  begin(event: PutEvent): void {
    const { client, key, value, contentType, writeId, writtenAtMs } = event
    const record = { writeId, value, contentType, writtenAtMs }
    const claim: Claim = writingClaim(record, event.deadlineMs, (result) => this.settle(event, claim, result))
    this.puts.set(client, { key, claim, abandoned: false })
    this.coordinator.claim(key, claim, false)
  }

  cancel(client: ClientId): void {
    const put = this.puts.get(client)
    if (put === undefined) return
    put.abandoned = true
    this.coordinator.abandon(put.key, put.claim)
    if (!put.claim.commitSent) this.puts.delete(client)
  }

  private settle(event: PutEvent, claim: Claim, result: ClaimResult): void {
    const put = this.puts.get(event.client)
    this.puts.delete(event.client)
    if (put?.abandoned !== true) this.outbox.answer(event.client, outcomeOf(event, claim, result))
  }
}

/**
 * A key with two chosen records is not served: nothing is stored, and nothing that it holds is
 * told.
 */
export function unservedOutcome({ writeId, writeIdGiven }: PutEvent): Outcome {
  return writeIdGiven ? { kind: 'in-doubt', writeId } : { kind: 'not-stored' }
}

/** What a put came to (protocol, section 5, steps 6 and 8). */
export function outcomeOf(event: PutEvent, claim: Claim, result: ClaimResult): Outcome {
  if (result.kind !== 'chosen') {
    // Only a writeId that was made here cannot be on its way from elsewhere.
    const isSurelyNowhere = !claim.commitSent && !event.writeIdGiven
    return isSurelyNowhere ? { kind: 'not-stored' } : { kind: 'in-doubt', writeId: event.writeId }
  }
  const { record } = result
  if (record.writeId !== event.writeId) return { kind: 'conflict', record }
  if (claim.record === undefined || !equalContents(record, claim.record)) return { kind: 'reused', record }
  const isOurs = claim.commitSent && equalRecords(record, claim.record)
  return { kind: isOurs ? 'created' : 'stored-before', record }
}
