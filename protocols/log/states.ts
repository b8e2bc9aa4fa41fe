/** How the replicas of a log stand, asked of their peers: what comes in time is told. */
import type { Identity, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { ReplicaView } from './requests.ts'
import type { Talk } from './talk.ts'

const ANSWERED_WITHIN_MS = 1_000

interface Asked {
  readonly waiting: Set<PeerId>
  readonly views: ReplicaView[]
  readonly deadlineMs: number
  readonly done: (views: readonly ReplicaView[]) => void
}

export interface StatesContext {
  readonly moment: Moment
  readonly nextId: () => number
  readonly isConnected: (peerId: PeerId) => boolean
  readonly send: (to: PeerId, talk: Talk) => void
}

export class States {
  private readonly context: StatesContext
  private readonly asked = new Map<number, Asked>()

  constructor(context: StatesContext) {
    this.context = context
  }

  get size(): number {
    return this.asked.size
  }

  ask(logId: string, members: readonly Identity[], done: (views: readonly ReplicaView[]) => void): void {
    const { moment, nextId, isConnected, send } = this.context
    const number = nextId()
    const waiting = new Set(members.map(({ peerId }) => peerId).filter(isConnected))
    this.asked.set(number, { waiting, views: [], deadlineMs: moment.nowMs + ANSWERED_WITHIN_MS, done })
    for (const peerId of waiting) send(peerId, { kind: 'state-wanted', number, logId })
    this.endIfAll(number)
  }

  told(from: PeerId, number: number, view: ReplicaView): void {
    const asked = this.asked.get(number)
    if (asked?.waiting.delete(from) !== true) return
    asked.views.push(view)
    this.endIfAll(number)
  }

  lost(peerId: PeerId): void {
    for (const [number, { waiting }] of this.asked) if (waiting.delete(peerId)) this.endIfAll(number)
  }

  tick(): void {
    for (const [number, { deadlineMs }] of this.asked) if (deadlineMs <= this.context.moment.nowMs) this.end(number)
  }

  private endIfAll(number: number): void {
    if (this.asked.get(number)?.waiting.size === 0) this.end(number)
  }

  private end(number: number): void {
    const asked = this.asked.get(number)
    this.asked.delete(number)
    asked?.done(asked.views)
  }
}
