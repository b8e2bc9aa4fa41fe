/**
 * What an operator does to a log as a whole: it is created, its store is filled anew, it is ended,
 * or it goes on from one survivor when its majority is gone for good.
 */
import type { Identity } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import type { Birth } from './birth.ts'
import type { Births } from './births.ts'
import type { Hosted } from './hosted.ts'
import type { CreateRequest, LogAnswerOf, ReplicaView } from './requests.ts'
import type { States } from './states.ts'
import { viewOf } from './views.ts'

export interface LifetimesInit {
  readonly context: TypeContext
  readonly births: Births
  readonly hosted: ReadonlyMap<string, Hosted>
  readonly states: States
}

type Answer = (answer: LogAnswerOf) => void

export class Lifetimes {
  private readonly context: TypeContext
  private readonly births: Births
  private readonly hosted: ReadonlyMap<string, Hosted>
  private readonly states: States

  constructor({ context, births, hosted, states }: LifetimesInit) {
    this.context = context
    this.births = births
    this.hosted = hosted
    this.states = states
  }

  create({ log, store, place, isLeased }: CreateRequest, deadlineMs: number, answer: Answer): void {
    const { births } = this
    const told = (birth: Birth, isNew: boolean): void => {
      const isSame = birth.store === store && birth.isLeased === isLeased && (place === undefined || birth.place === place)
      const view = viewOf(birth, this.hosted.get(birth.logId))
      answer(isSame ? { kind: 'created', log: view, isNew } : { kind: 'exists', log: view })
    }
    const known = births.get(log)
    if (known !== undefined) return told(known, false)
    const detail = births.hindrance()
    if (detail !== undefined) return answer({ kind: 'not-ready', detail })
    const wish = place ?? births.ownPlace
    const placed = births.placed({ log, store, learns: false }, wish)
    if (placed.kind !== 'voters') return answer({ kind: placed.kind === 'bad' ? 'bad-place' : 'not-ready', detail: placed.detail })
    births.begin({ log, store, learns: false }, { place: wish, isLeased }, placed.voters, deadlineMs, (birth, isOwn) => {
      if (birth === undefined) answer({ kind: 'not-ready', detail: 'the birth of the log was not decided in time: ask again' })
      else told(birth, isOwn)
    })
  }

  /** Only while another store is ready that has as much. @param others members */
  refill(hosted: Hosted | undefined, others: readonly Identity[], answer: Answer): void {
    if (hosted?.canBeRefilled !== true) return answer({ kind: 'not-refilled', why: 'no-store' })
    const { birth, view } = hosted
    this.states.ask(birth.logId, others, (views) => {
      const isSource = views.some((each) => each.state === 'ready' && each.applied >= view.applied)
      if (isSource) hosted.refill()
      answer(isSource ? { kind: 'changing' } : { kind: 'not-refilled', why: 'no-source' })
    })
  }

  end(birth: Birth, deadlineMs: number, answer: Answer): void {
    this.births.end(birth, deadlineMs, (isEnded) => {
      if (isEnded) answer({ kind: 'ended' })
      else answer({ kind: 'not-ready', detail: 'the end of the log was not decided in time: ask again' })
    })
  }

  /** All survivors are asked, and the one that has most of the log is named. Who is behind it loses nothing more. */
  recover(birth: Birth, deadlineMs: number, answer: Answer): void {
    const { roster } = this.context
    const others = roster.connected().map(({ identity }) => identity)
    this.states.ask(birth.logId, others, (told) => {
      const own = this.hosted.get(birth.logId)?.view
      const replicas = own === undefined ? told : [own, ...told]
      const generation = Math.max(birth.generation, ...replicas.map((each) => each.generation))
      const newest = replicas.filter((each) => each.generation === generation)
      if (newest.some(({ role }) => role === 'leader')) return answer({ kind: 'not-recovered', why: 'has-leader', replicas })
      const survivor = survivorOf(newest)
      if (survivor === undefined) return answer({ kind: 'not-recovered', why: 'no-survivor', replicas })
      this.births.goOn({ ...birth, generation }, survivor.peer, deadlineMs, (held) => {
        const [peer] = held?.voters ?? []
        if (held === undefined || peer === undefined)
          answer({ kind: 'not-ready', detail: 'who goes on with the log was not decided in time: ask again' })
        else answer({ kind: 'recovered', generation: held.generation, survivor: peer, replicas })
      })
    })
  }
}

/** Of those whose store can go on: the one whose log ends last. */
function survivorOf(replicas: readonly ReplicaView[]): ReplicaView | undefined {
  const canGoOn = replicas.filter(({ state }) => state === 'ready' || state === 'stalled')
  return canGoOn.toSorted((a, b) => b.last.term - a.last.term || b.last.index - a.last.index || b.applied - a.applied)[0]
}
