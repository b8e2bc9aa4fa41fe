/**
 * What clients ask of logs, and what other peers ask on behalf of theirs: it goes to the replica
 * here where that can do it, else to another member.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { TypeContext } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import { Asking } from './asking.ts'
import type { Birth } from './birth.ts'
import type { Births } from './births.ts'
import { asksLeader } from './hosted.ts'
import type { Hosted } from './hosted.ts'
import { Lifetimes } from './lifetimes.ts'
import { Numbers } from './numbers.ts'
import type { MemberChange } from './membership.ts'
import { readWish } from './placement.ts'
import type { ChangeRequest, HostRequest, HostSaid, LogAnswerOf, LogRequest, TransferRequest, WorkAnswer } from './requests.ts'
import { States } from './states.ts'
import type { Talk, Work } from './talk.ts'
import { candidatesOf, membersOf, viewOf } from './views.ts'

export interface ServingInit {
  readonly context: TypeContext
  readonly births: Births
  /** By the id of the log. */
  readonly hosted: ReadonlyMap<string, Hosted>
  readonly say: (to: PeerId, talk: Talk) => void
}

/** What whoever keeps a store says is for another. */
export type ServedRequest = Exclude<LogRequest, HostRequest | HostSaid>
type OfOne = Exclude<ServedRequest, { readonly kind: 'list' | 'create' }>

export class Serving {
  readonly asking: Asking
  readonly states: States
  private readonly init: ServingInit
  private readonly context: TypeContext
  private readonly births: Births
  private readonly hosted: ReadonlyMap<string, Hosted>
  private readonly lifetimes: Lifetimes
  /** What each peer in touch has asked: a late copy must not begin what that peer has had done elsewhere. */
  private readonly dealtWith = new Map<PeerId, Numbers>()
  /** What ends the request of a client that hangs up. */
  private readonly cancels = new Map<ClientId, () => void>()

  constructor(init: ServingInit) {
    const { context, births, hosted, say: send } = init
    const { moment, nextId, roster, random } = context
    this.init = init
    this.context = context
    this.births = births
    this.hosted = hosted
    const isConnected = (peerId: PeerId): boolean => roster.isConnected(peerId)
    this.asking = new Asking({ moment, nextId, isConnected, pick: (peers) => peers[Math.floor(random() * peers.length)], send })
    this.states = new States({ moment, nextId, isConnected, send })
    this.lifetimes = new Lifetimes({ context, births, hosted, states: this.states })
  }

  get isBusy(): boolean {
    return this.asking.size > 0 || this.states.size > 0
  }

  asked(client: ClientId, request: ServedRequest, deadlineMs: number): void {
    switch (request.kind) {
      case 'list':
        return this.answer(client, { kind: 'logs', logs: this.births.all.map((birth) => viewOf(birth, this.hosted.get(birth.logId))) })
      case 'create':
        return this.lifetimes.create(request, deadlineMs, (answer) => this.answer(client, answer))
      default:
        return this.ofOne(client, request, deadlineMs)
    }
  }

  cancel(client: ClientId): void {
    this.cancels.get(client)?.()
    this.cancels.delete(client)
  }

  /** Another peer asks on behalf of its client. */
  onAsk(from: Identity, { number, logId, timeoutMs, work }: Extract<Talk, { readonly kind: 'ask' }>): void {
    if (!this.numbersOf(from.peerId).take(number)) return
    const hosted = this.hosted.get(logId)
    const done = (answer: Extract<Talk, { readonly kind: 'answer' }>['answer']): void =>
      this.init.say(from.peerId, { kind: 'answer', number, answer })
    if (this.births.lives.isPast(logId)) return done({ kind: 'log-ended' })
    if (hosted === undefined || !isFor(hosted, work)) return done({ kind: 'not-here' })
    hosted.work(work, this.context.moment.nowMs + timeoutMs, done)
  }

  tick(): void {
    this.asking.tick()
    this.states.tick()
  }

  /** Another process of it counts anew. */
  met(peerId: PeerId): void {
    this.dealtWith.delete(peerId)
  }

  lost(peerId: PeerId): void {
    this.dealtWith.delete(peerId)
    this.asking.lost(peerId)
    this.states.lost(peerId)
  }

  private numbersOf(peerId: PeerId): Numbers {
    let numbers = this.dealtWith.get(peerId)
    if (numbers === undefined) this.dealtWith.set(peerId, (numbers = new Numbers()))
    return numbers
  }

  private ofOne(client: ClientId, request: OfOne, deadlineMs: number): void {
    const { log } = request
    const birth = this.births.get(log)
    const answer = (said: LogAnswerOf): void => this.answer(client, said)
    if (birth === undefined && this.births.lives.isEnded(log)) return answer({ kind: request.kind === 'end' ? 'ended' : 'log-ended' })
    if (birth === undefined) return answer({ kind: 'unknown-log' })
    const hosted = this.hosted.get(birth.logId)
    switch (request.kind) {
      case 'role':
        return answer({ kind: 'role', own: hosted?.view, isInTouch: hosted?.isInTouch === true })
      case 'status':
        return this.states.ask(birth.logId, this.othersOf(birth), (views) => {
          const replicas = hosted === undefined ? views : [hosted.view, ...views]
          answer({ kind: 'status', log: viewOf(birth, hosted), replicas })
        })
      case 'change':
      case 'transfer': {
        const work = this.operation(birth, request)
        return work.kind === 'unknown-peer' ? answer(work) : this.begin(client, birth, work, deadlineMs)
      }
      case 'place':
        if (readWish(request.place) === undefined) return answer({ kind: 'bad-place', detail: 'no such wish' })
        return this.begin(client, birth, { kind: 'place', place: request.place }, deadlineMs)
      case 'refill':
        return this.lifetimes.refill(hosted, this.othersOf(birth), answer)
      case 'end':
        return this.lifetimes.end(birth, deadlineMs, answer)
      case 'recover':
        return this.lifetimes.recover(birth, deadlineMs, answer)
      case 'check':
        return this.begin(client, birth, { kind: 'check' }, deadlineMs)
      case 'submit':
      case 'verdict':
      case 'query': {
        const { log: _, ...work } = request
        return this.begin(client, birth, work, deadlineMs)
      }
    }
  }

  private othersOf(birth: Birth): readonly Identity[] {
    return membersOf(birth, this.hosted.get(birth.logId)).filter(({ id }) => id !== this.context.self.id)
  }

  private begin(client: ClientId, birth: Birth, work: Work, deadlineMs: number): void {
    const done = (answer: LogAnswerOf): void => {
      this.cancels.delete(client)
      this.answer(client, answer)
    }
    this.cancels.set(client, () => undefined)
    const cancel = this.work(birth, work, deadlineMs, done)
    if (this.cancels.has(client)) this.cancels.set(client, cancel)
  }

  /** What an operator asks of the leader, with the stores of the peers that are meant. */
  private operation(
    birth: Birth,
    request: ChangeRequest | TransferRequest,
  ): Work | Extract<LogAnswerOf, { readonly kind: 'unknown-peer' }> {
    const { roster, self } = this.context
    const members = membersOf(birth, this.hosted.get(birth.logId))
    const known = (peerId: PeerId): Identity | undefined => (peerId === self.peerId ? self : roster.get(peerId)?.identity)
    const member = (peerId: PeerId): Identity | undefined => members.find((each) => each.peerId === peerId)
    if (request.kind === 'transfer') {
      const to = member(request.to)
      return to === undefined ? { kind: 'unknown-peer', peer: request.to } : { kind: 'transfer', to }
    }
    const changes: MemberChange[] = []
    for (const peerId of request.add) {
      const peer = known(peerId)
      if (peer === undefined) return { kind: 'unknown-peer', peer: peerId }
      // A peer that lost its disk is another: the one before goes.
      for (const gone of members) if (gone.peerId === peerId && gone.id !== peer.id) changes.push({ kind: 'remove', peer: gone })
      changes.push({ kind: 'voter', peer })
    }
    for (const peerId of request.remove) {
      const peer = member(peerId)
      if (peer !== undefined) changes.push({ kind: 'remove', peer })
    }
    return { kind: 'change', changes, isForced: request.isForced }
  }

  /** @returns what ends it without an answer */
  private work(birth: Birth, work: Work, deadlineMs: number, done: (answer: WorkAnswer) => void): () => void {
    const hosted = this.hosted.get(birth.logId)
    if (hosted !== undefined && isFor(hosted, work)) {
      let cancel = (): void => hosted.cancel(number)
      const ended = (answer: WorkAnswer): void => {
        if (answer.kind === 'not-here') cancel = this.askOthers(birth, work, deadlineMs, done)
        else done(answer)
      }
      const number = hosted.work(work, deadlineMs, ended)
      return () => cancel()
    }
    return this.askOthers(birth, work, deadlineMs, done)
  }

  /** @returns what ends it without an answer */
  private askOthers(birth: Birth, work: Work, deadlineMs: number, done: (answer: WorkAnswer) => void): () => void {
    const hosted = this.hosted.get(birth.logId)
    const leader = hosted?.replica.state.leader
    const isForLeader = work.kind !== 'submit' && work.kind !== 'query'
    const members = isForLeader && leader !== undefined && hosted?.isInTouch === true ? [leader] : candidatesOf(birth, hosted, this.births)
    const others = members.filter(({ id }) => id !== this.context.self.id)
    let cancel = (): void => this.asking.cancel(number)
    const takeBack = (told: (answer: WorkAnswer) => void): boolean => {
      const own = this.hosted.get(birth.logId)
      if (own === undefined || !isFor(own, work)) return false
      cancel = this.work(birth, work, deadlineMs, told)
      return true
    }
    const number = this.asking.ask({ logId: birth.logId, members: others, work, deadlineMs, done, takeBack })
    return () => cancel()
  }

  private answer(client: ClientId, answer: LogAnswerOf): void {
    this.context.answer(client, answer, 'nothing')
  }
}

/** Whether a replica can do it: a query needs the store, a change the lead, a command the others. */
function isFor(hosted: Hosted, work: Work): boolean {
  if (hosted.halted !== undefined || !hosted.isMember) return false
  switch (work.kind) {
    case 'submit':
      return hosted.isInTouch
    case 'query':
      return hosted.hasStore && (!asksLeader(work) || hosted.isInTouch)
    default:
      return hosted.replica.state.role === 'leader'
  }
}
