/**
 * Commands and queries at a peer that has no replica, or no store: a member in touch answers them.
 * What is safe to ask twice goes on to the next member when one is lost: a query, and a command
 * that its client named. Any other command is in doubt then.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { WorkAnswer } from './requests.ts'
import type { Talk, Work } from './talk.ts'

interface Asked {
  readonly logId: string
  readonly members: readonly Identity[]
  readonly work: Work
  readonly deadlineMs: number
  readonly done: (answer: WorkAnswer) => void
  readonly tried: Set<PeerId>
  /** Who was asked last; undefined while nobody can be. */
  to: PeerId | undefined
}

export interface AskingContext {
  readonly moment: Moment
  readonly nextId: () => number
  readonly isConnected: (peerId: PeerId) => boolean
  /** Whom to ask first, of all that are left. */
  readonly pick: (peers: readonly PeerId[]) => PeerId | undefined
  readonly send: (to: PeerId, talk: Talk) => void
}

export class Asking {
  private readonly context: AskingContext
  private readonly asked = new Map<number, Asked>()

  constructor(context: AskingContext) {
    this.context = context
  }

  get size(): number {
    return this.asked.size
  }

  /** @returns what `cancel` takes */
  ask(logId: string, members: readonly Identity[], work: Work, deadlineMs: number, done: (answer: WorkAnswer) => void): number {
    const number = this.context.nextId()
    this.asked.set(number, { logId, members, work, deadlineMs, done, tried: new Set(), to: undefined })
    this.next(number)
    return number
  }

  cancel(number: number): void {
    this.asked.delete(number)
  }

  answered(from: PeerId, number: number, answer: WorkAnswer): void {
    const asked = this.asked.get(number)
    if (asked === undefined || asked.to !== from) return
    // Nothing was begun there.
    if (answer.kind === 'not-here') return this.next(number)
    this.end(number, answer)
  }

  lost(peerId: PeerId): void {
    for (const [number, { to, work }] of this.asked) {
      if (to !== peerId) continue
      if (work.kind === 'query' || work.isNamedByClient) this.next(number)
      else this.end(number, { kind: 'in-doubt', since: work.since })
    }
  }

  tick(): void {
    for (const [number, asked] of this.asked) {
      if (asked.deadlineMs <= this.context.moment.nowMs) this.expire(number, asked)
      else if (asked.to === undefined) this.next(number)
    }
  }

  private expire(number: number, { work, tried }: Asked): void {
    if (work.kind === 'query') return this.end(number, { kind: 'unavailable', why: 'no-majority' })
    if (tried.size === 0) return this.end(number, { kind: 'not-ordered', why: 'no-leader', since: work.since })
    this.end(number, { kind: 'in-doubt', since: work.since })
  }

  /** The next member in touch; each in turn, and from the first again. */
  private next(number: number): void {
    const asked = this.asked.get(number)
    if (asked === undefined) return
    const { moment, isConnected, pick, send } = this.context
    const inTouch = asked.members.map(({ peerId }) => peerId).filter(isConnected)
    asked.to = pick(inTouch.filter((peerId) => !asked.tried.has(peerId)))
    if (asked.to === undefined) {
      // All were asked: the time may help.
      if (inTouch.length > 0 && asked.tried.size > 0 && asked.work.kind === 'query') asked.tried.clear()
      return
    }
    asked.tried.add(asked.to)
    const timeoutMs = Math.max(1, Math.floor(asked.deadlineMs - moment.nowMs))
    send(asked.to, { kind: 'ask', number, logId: asked.logId, timeoutMs, work: asked.work })
  }

  private end(number: number, answer: WorkAnswer): void {
    const asked = this.asked.get(number)
    this.asked.delete(number)
    asked?.done(answer)
  }
}
