/**
 * What clients ask of a log at a peer that has no replica, no store, or no leader: another one answers
 * it.
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
  /** Takes it back to the replica here, which tells `done` its end. @returns false while that cannot do it either */
  readonly takeBack: (done: (answer: WorkAnswer) => void) => boolean
  readonly tried: Set<PeerId>
  /** Who was asked last; undefined while nobody can be. */
  to: PeerId | undefined
  /** By which that one answers. Nobody else was asked by it, so whoever is asked begins it once. */
  number: number
  /** Somebody who was asked, and is gone, may have begun it. */
  isBegun: boolean
  /** When all are asked once more. */
  againMs: number
}

/** Between two rounds through all who could be asked. */
const AGAIN_MS = 200

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
  /** What each number that was told is about: what `ask` returned. */
  private readonly told = new Map<number, number>()

  constructor(context: AskingContext) {
    this.context = context
  }

  get size(): number {
    return this.asked.size
  }

  /** @returns what `cancel` takes */
  ask(asking: Pick<Asked, 'logId' | 'members' | 'work' | 'deadlineMs' | 'done' | 'takeBack'>): number {
    const id = this.context.nextId()
    this.asked.set(id, { ...asking, tried: new Set(), to: undefined, number: id, isBegun: false, againMs: 0 })
    this.next(id)
    return id
  }

  cancel(id: number): void {
    const asked = this.asked.get(id)
    if (asked === undefined) return
    this.asked.delete(id)
    this.told.delete(asked.number)
  }

  answered(from: PeerId, number: number, answer: WorkAnswer): void {
    const id = this.told.get(number)
    const asked = id === undefined ? undefined : this.asked.get(id)
    if (id === undefined || asked === undefined || asked.to !== from) return
    // Nothing was begun there.
    if (answer.kind === 'not-here') return this.next(id)
    this.end(id, certain(asked, answer))
  }

  lost(peerId: PeerId): void {
    for (const [id, asked] of this.asked) {
      const { to, work } = asked
      if (to !== peerId) continue
      asked.isBegun = true
      if (work.kind === 'query' || (work.kind === 'submit' && work.isNamedByClient)) this.next(id)
      else this.end(id, lostAnswer(work))
    }
  }

  tick(): void {
    for (const [id, asked] of this.asked) {
      if (asked.deadlineMs <= this.context.moment.nowMs) this.expire(id, asked)
      else if (asked.to === undefined && !this.isTakenBack(id, asked)) this.next(id)
    }
  }

  private isTakenBack(id: number, asked: Asked): boolean {
    const { work, isBegun, done, takeBack } = asked
    const mayBeTwice = work.kind === 'query' || (work.kind === 'submit' && work.isNamedByClient)
    if ((isBegun && !mayBeTwice) || !takeBack((answer) => done(certain(asked, answer)))) return false
    this.cancel(id)
    return true
  }

  private expire(id: number, { work, to, isBegun }: Asked): void {
    const isUntold = work.kind === 'submit' && to === undefined && !isBegun
    this.end(id, isUntold ? { kind: 'not-ordered', why: 'no-leader', since: work.since } : lostAnswer(work))
  }

  /** The next member in touch; each in turn, and from the first again. */
  private next(id: number): void {
    const asked = this.asked.get(id)
    if (asked === undefined) return
    const { moment, nextId, isConnected, pick, send } = this.context
    this.told.delete(asked.number)
    const inTouch = asked.members.map(({ peerId }) => peerId).filter(isConnected)
    asked.to = pick(inTouch.filter((peerId) => !asked.tried.has(peerId)))
    if (asked.to === undefined) {
      // Nobody could do it now: in a moment somebody may.
      if (asked.tried.size > 0 && asked.againMs <= moment.nowMs) {
        asked.tried.clear()
        asked.againMs = moment.nowMs + AGAIN_MS
      }
      return
    }
    asked.tried.add(asked.to)
    asked.number = nextId()
    this.told.set(asked.number, id)
    const timeoutMs = Math.max(1, Math.floor(asked.deadlineMs - moment.nowMs))
    send(asked.to, { kind: 'ask', number: asked.number, logId: asked.logId, timeoutMs, work: asked.work })
  }

  private end(id: number, answer: WorkAnswer): void {
    const asked = this.asked.get(id)
    this.cancel(id)
    asked?.done(answer)
  }
}

/** Of a command: somebody who was asked before, and is gone, may have had it ordered. */
function certain({ work, isBegun }: Asked, answer: WorkAnswer): WorkAnswer {
  return isBegun && answer.kind === 'not-ordered' && work.kind === 'submit' ? lostAnswer(work) : answer
}

/** The end of what somebody was asked and did not answer. */
function lostAnswer(work: Work): WorkAnswer {
  return work.kind === 'submit' ? { kind: 'in-doubt', since: work.since } : { kind: 'unavailable', why: 'no-majority' }
}
