/**
 * Logs, as a type of data of a peer: which there are, the replicas that are here, and who is handed
 * what. The rules of one log are in `replica.ts`.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { DataType, Figure, TypeContext } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import type { RequestOf } from '../service.ts'
import type { Greeting } from '../wire/greeting.ts'
import { Asking } from './asking.ts'
import type { Birth } from './birth.ts'
import { Births } from './births.ts'
import { Hosted } from './hosted.ts'
import type { Host } from './hosted.ts'
import type { LogLimits } from './limits.ts'
import { allMembers, firstMembers, isJoint } from './membership.ts'
import type { MemberChange } from './membership.ts'
import { Placements } from './placements.ts'
import { readWish } from './placement.ts'
import type {
  ChangeRequest,
  CreateRequest,
  HostRequest,
  HostSaid,
  LogAnswerOf,
  LogRequest,
  LogView,
  PlaceRequest,
  QueryRequest,
  RefillRequest,
  SubmitRequest,
  TransferRequest,
  VerdictRequest,
  WorkAnswer,
} from './requests.ts'
import { States } from './states.ts'
import { readTalk, writeTalk } from './talk.ts'
import type { Talk, Work } from './talk.ts'
import type { LogMessage } from './message.ts'

/** Between two words of what is offered, while it is not born. */
const OFFER_EVERY_MS = 5_000
/** Of an answer that is large, in bytes: it goes where nothing waits behind it. */
const BULK_BYTES_MIN = 65_536

export class Logs implements DataType {
  private readonly context: TypeContext
  private readonly limits: LogLimits
  private readonly births: Births
  private readonly placements: Placements
  private readonly asking: Asking
  private readonly states: States
  /** By the id of the log. */
  private readonly hosted = new Map<string, Hosted>()
  /** Who keeps stores, by the name of the log. */
  private readonly hosts = new Map<string, Host>()
  private readonly connected = new Map<PeerId, Identity>()
  /** What ends the request of a client that hangs up. */
  private readonly cancels = new Map<ClientId, () => void>()
  private offeredMs = Number.NEGATIVE_INFINITY

  /** @param minPeers that a cluster needs before a log that is wished there is born by itself */
  constructor(context: TypeContext, minPeers: number, limits: LogLimits) {
    this.context = context
    this.limits = limits
    this.births = new Births(context, minPeers, limits)
    this.placements = new Placements(context, this.births, limits)
    const { moment, nextId, roster, random } = context
    this.asking = new Asking({
      moment,
      nextId,
      isConnected: (peerId) => roster.isConnected(peerId),
      pick: (peers) => peers[Math.floor(random() * peers.length)],
      send: (to, talk) => this.say(to, talk),
    })
    this.states = new States({
      moment,
      nextId,
      isConnected: (peerId) => roster.isConnected(peerId),
      send: (to, talk) => this.say(to, talk),
    })
    for (const birth of this.births.all) this.open(birth)
  }

  get isBusy(): boolean {
    return this.asking.size > 0 || this.states.size > 0
  }

  /** When a replica has something to do. */
  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const { replica } of this.hosted.values()) wakeAtMs = Math.min(wakeAtMs, replica.wakeAtMs)
    return wakeAtMs
  }

  told(from: Identity, body: Uint8Array): void {
    // A copy: entries are kept for long, and what came with them is not to be kept with them.
    const talk = readTalk(Uint8Array.from(body), this.context.codec.utf8)
    switch (talk.kind) {
      case 'raft':
        return this.onRaft(from, talk.message)
      case 'offers':
        return this.births.onOffers(from, talk.offers)
      case 'ask':
        return this.onAsk(from, talk)
      case 'answer':
        return this.asking.answered(from.peerId, talk.number, talk.answer)
      case 'state-wanted': {
        const view = this.hosted.get(talk.logId)?.view
        if (view !== undefined) this.say(from.peerId, { kind: 'state', number: talk.number, view })
        return
      }
      case 'state':
        return this.states.told(from.peerId, talk.number, talk.view)
      case 'piece':
      case 'piece-stored':
      case 'taken':
        return this.hosted.get(talk.logId)?.heard(from, talk)
    }
  }

  asked({ client, request, deadlineMs }: RequestOf<'typed'>): void {
    const asked = request as LogRequest
    switch (asked.kind) {
      case 'host':
        return this.host(client, asked)
      case 'said':
      case 'queried':
      case 'speak':
        return this.hostSays(client, asked)
      case 'list':
        return this.answer(client, { kind: 'logs', logs: [...this.births.all].map((birth) => this.viewOf(birth)) })
      case 'create':
        return this.create(client, asked, deadlineMs)
      default:
        return this.ofOne(client, asked, deadlineMs)
    }
  }

  cancel(client: ClientId): void {
    this.cancels.get(client)?.()
    this.cancels.delete(client)
    for (const [name, host] of this.hosts) if (host.client === client) this.hosts.delete(name)
    for (const hosted of this.hosted.values()) hosted.detach(client)
  }

  decided(name: string, value: Uint8Array): void {
    const birth = this.births.decided(name, value)
    if (birth === undefined) return
    this.context.note(`log ${birth.name} is born`, false)
    this.open(birth)
  }

  tick(): void {
    for (const hosted of this.hosted.values()) hosted.tick()
    this.placements.tick(this.hosted.values())
    this.asking.tick()
    this.states.tick()
  }

  configInstalled(): void {
    this.placements.lookSoon()
  }

  upkeep(): void {
    this.births.upkeep()
    const { moment } = this.context
    if (!this.births.isWaiting || moment.nowMs - this.offeredMs < OFFER_EVERY_MS) return
    this.offeredMs = moment.nowMs
    for (const peerId of this.connected.keys()) this.sayOffers(peerId)
  }

  /** A log that is not born yet is looked after again and again. */
  restUntilMs(): number {
    return this.births.isWaiting ? this.context.moment.nowMs : Number.POSITIVE_INFINITY
  }

  met({ identity }: Greeting): void {
    this.connected.set(identity.peerId, identity)
    this.sayOffers(identity.peerId)
    for (const hosted of this.hosted.values()) hosted.met(identity)
  }

  lost(peerId: PeerId): void {
    this.connected.delete(peerId)
    this.births.lost(peerId)
    this.asking.lost(peerId)
    this.states.lost(peerId)
    for (const hosted of this.hosted.values()) hosted.lost(peerId)
  }

  get load(): Readonly<Record<string, number>> {
    let waiting = 0
    for (const { waitingCount } of this.hosted.values()) waiting += waitingCount
    return { work: waiting, asked: this.asking.size }
  }

  status(): Readonly<Record<string, unknown>> {
    const replicas = [...this.hosted.values()].map(({ birth, view }) => [birth.name, { role: view.role, state: view.state }] as const)
    return { known: [...this.births.all].length, replicas: Object.fromEntries(replicas) }
  }

  warnings(): readonly string[] {
    return [...this.hosted.values()].flatMap(({ birth: { name }, view, halted, isMember }) => {
      if (halted !== undefined) return [`the replica of log ${name} stopped: ${halted}`]
      if (view.state === 'stalled' && view.code !== '') return [`the store of log ${name} refuses what comes next: ${view.code}`]
      return view.state === 'no-store' && isMember && !this.hosts.has(name)
        ? [`this peer is a member of log ${name} and has no store for it: start it with -log ${name}=URL`]
        : []
    })
  }

  readonly figures: readonly Figure[] = [
    { name: 'known', help: 'Logs known here', kind: 'gauge', read: () => [...this.births.all].length },
    { name: 'replicas', help: 'Replicas of logs here', kind: 'gauge', read: () => this.hosted.size },
    { name: 'leading', help: 'Logs that this peer leads', kind: 'gauge', read: () => this.count(({ view }) => view.role === 'leader') },
    {
      name: 'stalled',
      help: 'Logs whose store here is missing, refuses, or is behind what the log has',
      kind: 'gauge',
      read: () => this.count(({ view, isMember }) => isMember && view.state !== 'ready'),
    },
    { name: 'committed_total', help: 'Entries known to be committed', kind: 'counter', read: () => this.sum(({ view }) => view.commit) },
    { name: 'applied_total', help: 'Entries in the stores here', kind: 'counter', read: () => this.sum(({ view }) => view.applied) },
    { name: 'waiting', help: 'Commands and queries without an answer', kind: 'gauge', read: () => this.sum((one) => one.waitingCount) },
  ]

  private count(is: (hosted: Hosted) => boolean): number {
    return this.sum((hosted) => (is(hosted) ? 1 : 0))
  }

  private sum(of: (hosted: Hosted) => number): number {
    let sum = 0
    for (const hosted of this.hosted.values()) sum += of(hosted)
    return sum
  }

  /** Opens the replica of a log, where this peer has a part in it. */
  private open(birth: Birth): void {
    const isFirstVoter = birth.voters.some(({ id }) => id === this.context.self.id)
    if (isFirstVoter || this.hasRows(birth.logId)) this.openReplica(birth)
    const host = this.hosts.get(birth.name)
    if (host !== undefined) this.attach(birth, host)
  }

  private openReplica(birth: Birth): Hosted {
    let hosted = this.hosted.get(birth.logId)
    if (hosted === undefined) {
      hosted = new Hosted(this.context, birth, this.limits, this.connected.values())
      this.hosted.set(birth.logId, hosted)
    }
    return hosted
  }

  private hasRows(logId: string): boolean {
    for (const _ of this.context.rows.range(logId)) return true
    return false
  }

  private host(client: ClientId, { log, store, place }: HostRequest): void {
    const host = { client, log, store }
    this.hosts.set(log, host)
    this.births.offer({ log, store }, place)
    const birth = this.births.get(log)
    if (birth !== undefined) this.attach(birth, host)
    for (const peerId of this.connected.keys()) this.sayOffers(peerId)
  }

  private attach(birth: Birth, host: Host): void {
    if (birth.store !== host.store) return this.context.tell(host.client, { kind: 'other-store', store: birth.store }, 'nothing')
    this.hosted.get(birth.logId)?.attach(host)
  }

  private hostSays(client: ClientId, said: HostSaid): void {
    if (said.kind === 'speak') return this.say(said.to, said.talk)
    const host = [...this.hosts.values()].find((each) => each.client === client)
    const birth = host === undefined ? undefined : this.births.get(host.log)
    const hosted = birth === undefined ? undefined : this.hosted.get(birth.logId)
    if (said.kind === 'said') hosted?.said(said.event, said.digest)
    else hosted?.queried(said.number, said.answer)
  }

  private ofOne(
    client: ClientId,
    request:
      | SubmitRequest
      | QueryRequest
      | ChangeRequest
      | TransferRequest
      | PlaceRequest
      | VerdictRequest
      | RefillRequest
      | { readonly kind: 'status' | 'role'; readonly log: string },
    deadlineMs: number,
  ): void {
    const birth = this.births.get(request.log)
    if (birth === undefined) return this.answer(client, { kind: 'unknown-log' })
    const hosted = this.hosted.get(birth.logId)
    switch (request.kind) {
      case 'role':
        return this.answer(client, { kind: 'role', own: hosted?.view, isInTouch: hosted?.isInTouch === true })
      case 'status': {
        const log = this.viewOf(birth)
        const others = this.othersOf(birth)
        return this.states.ask(birth.logId, others, (views) => {
          const replicas = hosted === undefined ? views : [hosted.view, ...views]
          this.answer(client, { kind: 'status', log, replicas })
        })
      }
      case 'change':
      case 'transfer': {
        const work = this.operation(birth, request)
        return work.kind === 'unknown-peer' ? this.answer(client, work) : this.begin(client, birth, work, deadlineMs)
      }
      case 'place':
        if (readWish(request.place) === undefined) return this.answer(client, { kind: 'bad-place', detail: 'no such wish' })
        return this.begin(client, birth, { kind: 'place', place: request.place }, deadlineMs)
      case 'refill':
        return this.refill(client, birth)
      case 'submit':
      case 'verdict':
      case 'query': {
        const { log: _, ...work } = request
        return this.begin(client, birth, work, deadlineMs)
      }
    }
  }

  /** Only while another store is ready that has as much. */
  private refill(client: ClientId, birth: Birth): void {
    const hosted = this.hosted.get(birth.logId)
    if (hosted?.hasStore !== true) return this.answer(client, { kind: 'not-refilled', why: 'no-store' })
    const { applied } = hosted.view
    const others = this.othersOf(birth)
    this.states.ask(birth.logId, others, (views) => {
      const isSource = views.some((view) => view.state === 'ready' && view.applied >= applied)
      if (isSource) hosted.refill()
      this.answer(client, isSource ? { kind: 'changing' } : { kind: 'not-refilled', why: 'no-source' })
    })
  }

  private othersOf(birth: Birth): readonly Identity[] {
    return this.membersOf(birth).filter(({ id }) => id !== this.context.self.id)
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
    const members = this.membersOf(birth)
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
  private work(birth: Birth, work: Work, deadlineMs: number, done: (answer: LogAnswerOf) => void): () => void {
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
  private askOthers(birth: Birth, work: Work, deadlineMs: number, done: (answer: LogAnswerOf) => void): () => void {
    const hosted = this.hosted.get(birth.logId)
    const leader = hosted?.replica.state.leader
    const isForLeader = work.kind !== 'submit' && work.kind !== 'query'
    const members = isForLeader && leader !== undefined && hosted?.isInTouch === true ? [leader] : this.candidatesOf(birth)
    const others = members.filter(({ id }) => id !== this.context.self.id)
    let cancel = (): void => this.asking.cancel(number)
    const takeBack = (): boolean => {
      const own = this.hosted.get(birth.logId)
      if (own === undefined || !isFor(own, work)) return false
      cancel = this.work(birth, work, deadlineMs, done)
      return true
    }
    const number = this.asking.ask({ logId: birth.logId, members: others, work, deadlineMs, done, takeBack })
    return () => cancel()
  }

  private membersOf(birth: Birth): readonly Identity[] {
    const members = this.hosted.get(birth.logId)?.replica.state.members
    return members === undefined ? birth.voters : allMembers(members)
  }

  /**
   * Who may answer: the members known here, the first ones, and all who offer a store. A peer that
   * was told of no change finds the members so, though none of the first is left.
   */
  private candidatesOf(birth: Birth): readonly Identity[] {
    const all = [...this.membersOf(birth), ...birth.voters, ...this.births.offering(birth.name)]
    return [...new Map(all.map((peer) => [peer.id, peer])).values()]
  }

  private onRaft(from: Identity, message: LogMessage): void {
    if (message.from.id !== from.id || message.to.id !== this.context.self.id) return
    // A store put back has forgotten what it voted for and what it had.
    if (this.context.roster.isPutBack(from.id)) return
    const hosted = this.hosted.get(message.logId)
    if (hosted !== undefined) return hosted.step({ kind: 'message', message })
    // A leader that sends entries has this peer among its members: it has no vote before.
    const birth = [...this.births.all].find(({ logId }) => logId === message.logId)
    if (birth === undefined || (message.kind !== 'append' && message.kind !== 'heartbeat')) return
    const opened = this.openReplica(birth)
    const host = this.hosts.get(birth.name)
    if (host !== undefined) this.attach(birth, host)
    opened.step({ kind: 'message', message })
  }

  private onAsk(from: Identity, { number, logId, timeoutMs, work }: Extract<Talk, { readonly kind: 'ask' }>): void {
    const hosted = this.hosted.get(logId)
    const done = (answer: Extract<Talk, { readonly kind: 'answer' }>['answer']): void =>
      this.say(from.peerId, { kind: 'answer', number, answer })
    if (hosted === undefined || !isFor(hosted, work)) return done({ kind: 'not-here' })
    hosted.work(work, this.context.moment.nowMs + timeoutMs, done)
  }

  private create(client: ClientId, { log, store, place }: CreateRequest, deadlineMs: number): void {
    const { births } = this
    const told = (birth: Birth, isNew: boolean): void => {
      const isSame = birth.store === store && (place === undefined || birth.place === place)
      this.answer(client, isSame ? { kind: 'created', log: this.viewOf(birth), isNew } : { kind: 'exists', log: this.viewOf(birth) })
    }
    const known = births.get(log)
    if (known !== undefined) return told(known, false)
    const detail = births.hindrance()
    if (detail !== undefined) return this.answer(client, { kind: 'not-ready', detail })
    const wish = place ?? births.ownPlace
    const placed = births.placed({ log, store }, wish)
    if (placed.kind !== 'voters') {
      const { kind, detail: lacking } = placed
      return this.answer(client, { kind: kind === 'bad' ? 'bad-place' : 'not-ready', detail: lacking })
    }
    births.begin({ log, store }, wish, placed.voters, deadlineMs, (birth, isOwn) => {
      if (birth === undefined) this.answer(client, { kind: 'not-ready', detail: 'the birth of the log was not decided in time: ask again' })
      else told(birth, isOwn)
    })
  }

  private viewOf(birth: Birth): LogView {
    const { name, logId, store } = birth
    const hosted = this.hosted.get(logId)
    const place = hosted?.place ?? birth.place
    const members = hosted?.replica.state.members ?? firstMembers(birth.voters)
    const { voters, learners } = members
    return { name, logId, store, place, voters, learners, isChanging: isJoint(members), own: hosted?.view }
  }

  private sayOffers(peerId: PeerId): void {
    const { ownOffers } = this.births
    if (ownOffers.length > 0) this.say(peerId, { kind: 'offers', offers: ownOffers })
  }

  private say(to: PeerId, talk: Talk): void {
    const body = writeTalk(talk, this.context.codec.utf8)
    this.context.send(to, body, 'nothing', body.length >= BULK_BYTES_MIN ? 'bulk' : 'votes')
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
      return hosted.hasStore && (work.consistency !== 'linearizable' || hosted.isInTouch)
    default:
      return hosted.replica.state.role === 'leader'
  }
}
