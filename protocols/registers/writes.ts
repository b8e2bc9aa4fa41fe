/** Clients' writes: from the request to one of its answers. */
import { dataKey } from '../base/register.ts'
import type { RegisterKey } from '../base/register.ts'
import type { ClientId } from '../events.ts'
import { writeClaim } from './claims.ts'
import type { WriteClaim } from './claims.ts'
import type { Coordinator } from './coordinator.ts'
import type { Marks } from './marks.ts'
import type { Judged } from './plan.ts'
import type { WriteAnswer, WriteRequest } from './requests.ts'

/** Writes of one register that wait for their turn; more are refused at once. */
const WAITING_MAX = 4_096

export interface WritesContext {
  readonly coordinator: Coordinator
  readonly marks: Marks
  /**
   * The version that is held here, 0 for none: whatever a write that comes now may make is above.
   */
  readonly heldVersion: (key: RegisterKey) => number
  readonly answer: (client: ClientId, answer: WriteAnswer) => void
}

interface Pending {
  readonly key: RegisterKey
  readonly claim: WriteClaim
  /** The client hung up; nobody is told. */
  isAbandoned: boolean
}

export class Writes {
  private readonly context: WritesContext
  private readonly pending = new Map<ClientId, Pending>()
  private readonly waiting = new Map<RegisterKey, number>()

  constructor(context: WritesContext) {
    this.context = context
  }

  get size(): number {
    return this.pending.size
  }

  begin(client: ClientId, request: WriteRequest, deadlineMs: number): void {
    const { coordinator, marks, heldVersion, answer } = this.context
    const { contents, condition, writeId, writeIdGiven, after, writtenAtMs } = request
    const key = dataKey(request.key)
    const waiting = this.waiting.get(key) ?? 0
    if (waiting >= WAITING_MAX) return answer(client, { kind: 'overloaded' })
    this.waiting.set(key, waiting + 1)
    const cameAfter = after ?? heldVersion(key)
    const mark = marks.of(key, writeId, contents, condition)
    const write = { contents, condition, writeId, mark, writtenAtMs, after }
    const claim: WriteClaim = writeClaim(write, { writeIdGiven, cameAfter }, deadlineMs, (result) => {
      this.settled(client, key, answerOf(claim, result))
    })
    this.pending.set(client, { key, claim, isAbandoned: false })
    coordinator.claim(key, claim)
  }

  /** The client hung up. What may have been committed is carried on. */
  cancel(client: ClientId): void {
    const pending = this.pending.get(client)
    if (pending === undefined) return
    pending.isAbandoned = true
    this.context.coordinator.abandon(pending.key, pending.claim)
    if (!pending.claim.commitSent) this.end(client, pending.key)
  }

  private settled(client: ClientId, key: RegisterKey, answer: WriteAnswer): void {
    const pending = this.pending.get(client)
    if (pending === undefined) return
    this.end(client, key)
    if (!pending.isAbandoned) this.context.answer(client, answer)
  }

  private end(client: ClientId, key: RegisterKey): void {
    this.pending.delete(client)
    const waiting = (this.waiting.get(key) ?? 1) - 1
    if (waiting > 0) this.waiting.set(key, waiting)
    else this.waiting.delete(key)
  }
}

export function answerOf(claim: WriteClaim, result: Judged | { readonly kind: 'expired' }): WriteAnswer {
  const { write, writeIdGiven, cameAfter, commitSent, afterSent } = claim
  switch (result.kind) {
    case 'applied':
      return { kind: 'applied', version: result.version, wasAbsent: result.wasAbsent, isRepeated: false }
    case 'repeated': {
      const { version, wasAbsent, writtenAtMs } = result
      // A name that was made here was nowhere before. Of one that was given, this try may have gone
      // through after all: a commit that somebody finished, or a forward whose answer was lost. Two
      // tries differ by when they came; this header alone rests on clocks that differ.
      const isThisTry = commitSent && writtenAtMs === write.writtenAtMs
      return { kind: 'applied', version, wasAbsent, isRepeated: writeIdGiven && !isThisTry }
    }
    case 'forgotten':
      return { kind: 'forgotten', number: result.number, commitSent }
    case 'expired': {
      // Only a writeId that was made here cannot be on its way from elsewhere.
      const isSurelyNowhere = !commitSent && !writeIdGiven
      return isSurelyNowhere
        ? { kind: 'not-applied' }
        : { kind: 'in-doubt', writeId: write.writeId, after: write.after ?? afterSent ?? cameAfter }
    }
    default:
      return result
  }
}
