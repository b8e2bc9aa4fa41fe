/**
 * Logs, as a type of data of a peer: which there are, the replicas that are here, and who is handed
 * what. The rules of one log are in `replica.ts`.
 */
import type { Identity, PeerId } from '../base/identity.ts'
import type { DataType, Figure, TypeContext } from '../data-type.ts'
import type { ClientId } from '../events.ts'
import type { RequestOf } from '../service.ts'
import type { Greeting } from '../wire/greeting.ts'
import { ByteWriter } from '../wire/writer.ts'
import type { Birth } from './birth.ts'
import { Births } from './births.ts'
import { Hosted } from './hosted.ts'
import type { Host } from './hosted.ts'
import type { LogLimits } from './limits.ts'
import { LogRows } from './rows.ts'
import type { LogMessage } from './message.ts'
import { Placements } from './placements.ts'
import type { HostRequest, HostSaid, LogRequest } from './requests.ts'
import { Serving } from './serving.ts'
import { readTalk, writeTalk } from './talk.ts'
import type { Talk } from './talk.ts'
import { candidatesOf } from './views.ts'

/** Between two words of what is offered, while it is not born. */
const OFFER_EVERY_MS = 5_000
/** Rows that are dropped in one write at most. */
const DROPPED_MAX = 1_000
/** Of an answer that is large, in bytes: it goes where nothing waits behind it. */
const BULK_BYTES_MIN = 65_536

export class Logs implements DataType {
  private readonly context: TypeContext
  private readonly limits: LogLimits
  private readonly births: Births
  private readonly placements: Placements
  private readonly serving: Serving
  /** By the id of the log. */
  private readonly hosted = new Map<string, Hosted>()
  /** Who keeps stores, by the name of the log. */
  private readonly hosts = new Map<string, Host>()
  private readonly connected = new Map<PeerId, Identity>()
  private readonly writer: ByteWriter
  private offeredMs = Number.NEGATIVE_INFINITY

  /** @param minPeers that a cluster needs before a log that is wished there is born by itself */
  constructor(context: TypeContext, minPeers: number, limits: LogLimits) {
    this.context = context
    this.limits = limits
    this.writer = new ByteWriter(context.codec.utf8)
    this.births = new Births(context, minPeers, limits)
    this.placements = new Placements(context, this.births, limits)
    const { births, hosted } = this
    this.serving = new Serving({ context, births, hosted, say: (to, talk) => this.say(to, talk) })
    for (const name of births.lives.names) this.follow(name)
  }

  get isBusy(): boolean {
    return this.serving.isBusy
  }

  /** When a replica has something to do. */
  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY
    for (const hosted of this.hosted.values()) wakeAtMs = Math.min(wakeAtMs, hosted.wakeAtMs)
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
        return this.serving.onAsk(from, talk)
      case 'answer':
        return this.serving.asking.answered(from.peerId, talk.number, talk.answer)
      case 'state-wanted': {
        const view = this.hosted.get(talk.logId)?.view
        if (view !== undefined) this.say(from.peerId, { kind: 'state', number: talk.number, view })
        return
      }
      case 'state':
        return this.serving.states.told(from.peerId, talk.number, talk.view)
      case 'piece':
      case 'piece-stored':
      case 'taken':
        return this.hosted.get(talk.logId)?.heard(from, talk)
      case 'fill-wanted':
        return this.hosted.get(talk.logId)?.fill(from, talk.generation, talk.indexMin)
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
      default:
        return this.serving.asked(client, asked, deadlineMs)
    }
  }

  cancel(client: ClientId): void {
    this.serving.cancel(client)
    for (const [name, host] of this.hosts) if (host.client === client) this.hosts.delete(name)
    for (const hosted of this.hosted.values()) hosted.detach(client)
  }

  decided(name: string, value: Uint8Array): void {
    const news = this.births.decided(name, value)
    if (news.kind !== 'changed') return
    const { name: log } = news
    const birth = this.births.get(log)
    if (birth === undefined) this.context.note(`log ${log} has ended`, false)
    else if (birth.generation === 0) this.context.note(`log ${log} is born`, false)
    else this.context.note(`log ${log} goes on in generation ${birth.generation} from ${birth.voters[0]?.peerId}`, false)
    this.follow(log)
  }

  tick(): void {
    for (const hosted of this.hosted.values()) {
      hosted.tick()
      if (hosted.wantsFill) this.askFill(hosted)
    }
    this.placements.tick(this.hosted.values())
    this.serving.tick()
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
    this.serving.met(identity.peerId)
    this.sayOffers(identity.peerId)
    for (const hosted of this.hosted.values()) hosted.met(identity)
  }

  lost(peerId: PeerId): void {
    this.connected.delete(peerId)
    this.births.lost(peerId)
    this.serving.lost(peerId)
    for (const hosted of this.hosted.values()) hosted.lost(peerId)
  }

  get load(): Readonly<Record<string, number>> {
    let waiting = 0
    for (const { waitingCount } of this.hosted.values()) waiting += waitingCount
    return { work: waiting, asked: this.serving.asking.size }
  }

  status(): Readonly<Record<string, unknown>> {
    const replicas = [...this.hosted.values()].map(({ birth, view }) => [birth.name, { role: view.role, state: view.state }] as const)
    return { known: this.births.all.length, replicas: Object.fromEntries(replicas) }
  }

  warnings(): readonly string[] {
    return [...this.hosted.values()].flatMap(({ birth: { name }, view, halted, isMember }) => {
      if (halted !== undefined) return [`the replica of log ${name} stopped: ${halted}`]
      if (view.state === 'halted') return [`the store of log ${name} differs from most others: fill it anew with log refill ${name}`]
      if (view.state === 'stalled' && view.code !== '') return [`the store of log ${name} refuses what comes next: ${view.code}`]
      return view.state === 'no-store' && isMember && !this.hosts.has(name)
        ? [`this peer is a member of log ${name} and has no store for it: start it with -log ${name}=URL`]
        : []
    })
  }

  readonly figures: readonly Figure[] = [
    { name: 'known', help: 'Logs known here', kind: 'gauge', read: () => this.births.all.length },
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

  /** What is known of the logs of a name has changed: replicas here follow it. */
  private follow(name: string): void {
    const { births } = this
    const birth = births.get(name)
    for (const past of births.lives.past(name)) this.close(past)
    if (birth === undefined) return
    const before = this.hosted.get(birth.logId)
    if (before?.birth.generation === birth.generation) return
    before?.leave()
    this.hosted.delete(birth.logId)
    this.open(birth)
    // Nothing of the later generation is here, so no replica opens the store again.
    if (!this.hosted.has(birth.logId)) before?.close()
  }

  /** A log that has ended: nothing of it stays here. */
  private close(birth: Birth): void {
    const { logId } = birth
    this.hosted.get(logId)?.close()
    this.hosted.delete(logId)
    const gone = this.rowsOf(birth)?.gone() ?? []
    for (let from = 0; from < gone.length; from += DROPPED_MAX) this.context.persist(logId, gone.slice(from, from + DROPPED_MAX))
  }

  /** Opens the replica of a log, where this peer has a part in it. */
  private open(birth: Birth): void {
    const isFirstVoter = birth.voters.some(({ id }) => id === this.context.self.id)
    if (isFirstVoter || this.rowsOf(birth) !== undefined) this.openReplica(birth)
    const host = this.hosts.get(birth.name)
    if (host !== undefined) this.attach(birth, host)
  }

  /** @returns undefined where the rows are of a generation that was forgotten in a crash: it comes again */
  private openReplica(birth: Birth): Hosted | undefined {
    const { logId, generation } = birth
    const before = this.hosted.get(logId)
    if (before !== undefined) return before
    if ((this.rowsOf(birth)?.generation ?? 0) > generation) return undefined
    const hosted = new Hosted(this.context, birth, this.limits, this.connected.values())
    this.hosted.set(logId, hosted)
    return hosted
  }

  /** Undefined where nothing of the log is held. */
  private rowsOf({ logId }: Birth): LogRows | undefined {
    const { codec, rows } = this.context
    for (const _ of rows.range(logId)) return new LogRows(logId, rows, codec.utf8)
    return undefined
  }

  /**
   * A store that its leader cannot fill is filled by whoever can: another member, or somebody who was
   * one, or is none yet. A leader that can does it by itself.
   */
  private askFill({ birth, replica }: Hosted): void {
    const { random, roster, self } = this.context
    const others = candidatesOf(birth, this.hosted.get(birth.logId), this.births)
    const inTouch = others.filter((peer) => peer.id !== self.id && roster.isConnectedAs(peer))
    const { logId, generation } = birth
    const indexMin = replica.state.tail.base.index
    this.serving.states.ask(logId, inTouch, (views) => {
      const able = views.filter((view) => view.state === 'ready' && view.applied >= indexMin && view.generation === generation)
      const asked = able[Math.floor(random() * able.length)]
      if (asked === undefined || able.some(({ role }) => role === 'leader')) return
      this.say(asked.peer.peerId, { kind: 'fill-wanted', logId, generation, indexMin })
    })
  }

  private host(client: ClientId, { log, store, place, learns = false }: HostRequest): void {
    const host = { client, log, store }
    this.hosts.set(log, host)
    this.births.offer({ log, store, learns }, place)
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
    // What is said of the store of an earlier life, or generation, is for nobody any more.
    if (birth?.logId !== said.logId || hosted?.birth.generation !== said.generation) return
    if (said.kind === 'said') hosted.said(said.event, said.digest)
    else hosted.queried(said.number, said.answer)
  }

  private onRaft(from: Identity, message: LogMessage): void {
    if (message.from.id !== from.id || message.to.id !== this.context.self.id) return
    // A store put back has forgotten what it voted for and what it had.
    if (this.context.roster.isPutBack(from.id)) return
    const hosted = this.hosted.get(message.logId)
    if (hosted !== undefined) return hosted.step({ kind: 'message', message })
    // A leader that sends entries has this peer among its members: it has no vote before.
    const birth = this.births.all.find(({ logId }) => logId === message.logId)
    if (birth === undefined || (message.kind !== 'append' && message.kind !== 'heartbeat')) return
    const opened = this.openReplica(birth)
    const host = this.hosts.get(birth.name)
    if (host !== undefined) this.attach(birth, host)
    opened?.step({ kind: 'message', message })
  }

  private sayOffers(peerId: PeerId): void {
    const { ownOffers } = this.births
    if (ownOffers.length > 0) this.say(peerId, { kind: 'offers', offers: ownOffers })
  }

  private say(to: PeerId, talk: Talk): void {
    const body = writeTalk(talk, this.writer)
    this.context.send(to, body, 'nothing', body.length >= BULK_BYTES_MIN ? 'bulk' : 'votes')
  }
}
