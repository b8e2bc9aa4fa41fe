/**
 * A replica of a log that Kafka orders: `step` is told an event, and gives what is to be done, in
 * order. It agrees with nobody: all replicas read one topic.
 */
import { outcomeResponse } from './answers.ts'
import { Answering } from './answering.ts'
import type { KafkaEffect, KafkaEvent } from './events.ts'
import type { KafkaLimits } from './limits.ts'
import { Outlet } from './outlet.ts'
import { Reading } from './reading.ts'
import type { KafkaState } from './reading.ts'
import type { Tools } from './record.ts'

export interface KafkaReplicaInit {
  /** 32 hexadecimal digits: of the topic that the store was filled from. */
  readonly topicId: string
  /** What this replica calls itself: another at each start. */
  readonly self: string
  readonly limits: KafkaLimits
  readonly tools: Tools
  /** Who answers: the owner of a request's partition; without a topic of requests everybody, what is ordered. */
  readonly answers: 'requests' | 'everything'
}

export interface KafkaStatus {
  readonly state: KafkaState
  /** Why it is stalled or halted. */
  readonly why: string | undefined
  readonly stalledIndex: number | undefined
  /** All records below are applied. */
  readonly doneOffset: number
  readonly endOffset: number
  readonly behindSinceMs: number | undefined
  /** No broker answers since then: what is ordered meanwhile is not known. */
  readonly cutOffSinceMs: number | undefined
  /** Another replica took a command that this one rejected, or the other way round. */
  readonly isDifferent: boolean
}

export class KafkaReplica {
  private readonly outlet = new Outlet()
  private readonly reading: Reading
  private readonly answering: Answering
  private readonly answersAll: boolean
  private readonly tools: Tools

  constructor({ topicId, self, limits, tools, answers }: KafkaReplicaInit) {
    const { outlet } = this
    this.tools = tools
    this.answersAll = answers === 'everything'
    this.reading = new Reading({ topicId, self, limits, tools, outlet, hooks: { applied: (known) => this.applied(known) } })
    this.answering = new Answering({ limits, tools, outlet, reading: this.reading })
  }

  get status(): KafkaStatus {
    const { state, why, stalledIndex, doneOffset, endOffset, cutOffSinceMs, isDifferent } = this.reading
    return { state, why, stalledIndex, doneOffset, endOffset, behindSinceMs: this.answering.behindSinceMs, cutOffSinceMs, isDifferent }
  }

  /** Whether more requests may be read. */
  get hasRoom(): boolean {
    return this.answering.hasRoom
  }

  step(event: KafkaEvent, nowMs: number): readonly KafkaEffect[] {
    this.told(event, nowMs)
    if (!this.answersAll) this.answering.look(nowMs)
    return this.outlet.take()
  }

  private told(event: KafkaEvent, nowMs: number): void {
    const { reading, answering } = this
    switch (event.kind) {
      case 'tick':
        reading.tick(nowMs)
        return answering.tick(nowMs)
      case 'store-opened':
        return reading.storeOpened(event.at)
      case 'looked':
        return reading.looked(event, nowMs)
      case 'read-again':
        return reading.readAgain(event)
      case 'fetched':
        return reading.fetched(event)
      case 'moved':
        return reading.moved(event.number)
      case 'unreachable':
        return reading.unreachable(event.number, nowMs)
      case 'applied':
        return reading.applied(event.outcomes)
      case 'stalled':
        return reading.stall(event.index, event.code)
      case 'recalled':
        reading.recalled(event)
        return answering.recalled(event)
      case 'named':
        return answering.named(event)
      case 'ended':
        return answering.ended(event)
      case 'queried':
        return answering.queried(event)
      case 'assigned':
        return answering.assigned(event)
      case 'requested':
        return answering.requested(event, nowMs)
      case 'responded':
        return answering.responded(event)
    }
  }

  private applied(known: Parameters<ConstructorParameters<typeof Reading>[0]['hooks']['applied']>[0]): void {
    if (!this.answersAll) return
    for (const { asker, applied } of known) {
      if (asker.key === undefined) continue
      this.outlet.put({ kind: 'respond', number: this.outlet.nextNumber(), response: outcomeResponse(asker, applied, this.tools.utf8) })
    }
  }
}
