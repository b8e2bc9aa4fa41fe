/**
 * The core of a peer: one way in (`step`), one way out (the effects it returns). It joins the roles together and routes
 * messages between them; what each role decides, it decides in its own file. No clock, no chance, no IO: time comes with
 * each step, chance and hashing as functions, the store as a synchronous view of what was persisted.
 */
import { droppedWrite } from './base/persist.ts'
import type { Ballot, Ceiling } from './base/ballot.ts'
import type { Sha256 } from './base/bytes.ts'
import type { ClusterId, Identity, NetworkId, PeerId } from './base/identity.ts'
import type { Moment } from './base/moment.ts'
import { Outbox } from './outbox.ts'
import { Overlay } from './base/overlay.ts'
import type { ValueRecord } from './base/record.ts'
import { configKey, epochOfConfigKey, isConfigKey, slotOf } from './base/register.ts'
import type { RegisterKey, Registers } from './base/register.ts'
import { Change } from './config/change.ts'
import type { ChangeView } from './config/change.ts'
import { ConfigChain } from './config/chain.ts'
import { PROTOCOL_VERSION } from './base/config.ts'
import type { Config } from './base/config.ts'
import { ConfigExchange } from './config/exchange.ts'
import { knownPeers } from './config/known.ts'
import type { KnownPeer } from './config/known.ts'
import { ChangeRequests } from './config/requests.ts'
import type { Effect } from './effects.ts'
import type { CoreEvent } from './events.ts'
import { Heartbeats } from './membership/heartbeats.ts'
import { Introductions } from './membership/introductions.ts'
import { ANSWERED_WITHIN_MS, missing } from './membership/readiness.ts'
import { Roster } from './membership/roster.ts'
import { Acceptor } from './agreement/acceptor.ts'
import { ChosenKeys } from './keys/chosen.ts'
import type { ChosenAtStart } from './keys/chosen.ts'
import { Coordinator, finishingClaim } from './agreement/coordinator.ts'
import { Doubts } from './agreement/doubts.ts'
import { Puts, unservedOutcome } from './keys/puts.ts'
import type { PutEvent } from './keys/puts.ts'
import { Reads } from './keys/reads.ts'
import { ROUND_MAX, Rounds } from './agreement/rounds.ts'
import { Latencies } from './agreement/latency.ts'
import { Polls } from './agreement/polls.ts'
import { Representative } from './agreement/representative.ts'
import { Spread } from './keys/spread.ts'
import { PullAnswers } from './repair/answers.ts'
import type { PageLimits } from './repair/answers.ts'
import { Repair } from './repair/repair.ts'
import { Upkeep } from './upkeep.ts'
import type { Codec } from './wire/codec.ts'
import type { AcceptorReply, AcceptorRequest, Greeting, Health, Message, Vote } from './wire/messages.ts'

/** While something is under way, time is looked at this often: the grain of every wait shorter than a heartbeat. */
const TICK_BUSY_MS = 5
/** A look that comes so much later than it was due tells that the process stood still. */
const STOOD_STILL_MS = 900
/** Numbers of questions begin at random below this, and stay below 2^53. */
const FIRST_ID_MAX = 2 ** 52
/** One try to finish a key that is in doubt. */
const FINISH_MS = 10_000

export interface PeerInit {
  readonly identity: Identity
  readonly clusterId: ClusterId
  /** Peers that the cluster needs before it votes. */
  readonly minPeers: number
  /** A voter that was silent for so long gives its place to a learner of its cluster; undefined for never. */
  readonly replaceAfterMs: number | undefined
  /** Join or reopen this network only; undefined for any. */
  readonly wantedNetwork: NetworkId | undefined
  readonly registers: Registers
  readonly codec: Codec
  readonly sha256: Sha256
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  /** As it was on disk before this opening: what memory forgot is at or below it. */
  readonly floor: Ceiling
  /** As raised for this opening (`raisedAtOpening`), and synced already. */
  readonly ceiling: Ceiling
  /** The newest config in the store, -1 for none. */
  readonly newestEpoch: number
  readonly chosen: Iterable<ChosenAtStart>
  readonly inDoubt: Iterable<RegisterKey>
  /** Keys with two chosen records, as persisted. */
  readonly diverged: Iterable<RegisterKey>
  /** Of the answers to pulls; undefined for as much as a message takes. Small ones, so that few keys need several pages. */
  readonly pageLimits?: PageLimits | undefined
  readonly nowMs: number
}

export class PeerCore {
  readonly identity: Identity
  readonly clusterId: ClusterId
  readonly minPeers: number
  readonly roster: Roster
  readonly chain: ConfigChain
  readonly chosen: ChosenKeys
  readonly doubts: Doubts
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly registers: Registers
  private readonly codec: Codec
  private readonly rounds: Rounds
  private readonly acceptor: Acceptor
  private readonly polls: Polls
  private readonly representative: Representative
  private readonly coordinator: Coordinator
  private readonly puts: Puts
  private readonly reads: Reads
  private readonly spread: Spread
  private readonly heartbeats: Heartbeats
  private readonly introductions: Introductions
  private readonly repair: Repair
  private readonly answers: PullAnswers
  private readonly configs: ConfigExchange
  private readonly change: Change
  private readonly changeRequests: ChangeRequests
  private readonly upkeep: Upkeep
  private wasReady = false
  private wasTooOld = false
  private lastId: number

  constructor(init: PeerInit) {
    const { identity, codec, random } = init
    const moment = { nowMs: init.nowMs }
    const registers = new Overlay(init.registers)
    const outbox = new Outbox(registers)
    this.outbox = outbox
    // An answer to a question of an earlier run of this peer must not pass for one of this run's.
    this.lastId = Math.floor(random() * FIRST_ID_MAX)
    const nextId = (): number => (this.lastId += 1)
    const learn = (key: RegisterKey, record: ValueRecord): void => this.learn(key, record)
    const chose = (key: RegisterKey, record: ValueRecord, ballot: Ballot | undefined): void => this.chose(key, record, ballot)
    this.identity = identity
    this.clusterId = init.clusterId
    this.minPeers = init.minPeers
    this.moment = moment
    this.registers = registers
    this.codec = codec
    this.upkeep = new Upkeep(init.nowMs)
    this.chain = new ConfigChain(codec, registers, outbox, init.newestEpoch, init.wantedNetwork)
    this.rounds = new Rounds(identity, outbox, init.ceiling, init.floor)
    this.acceptor = new Acceptor(registers, this.rounds, outbox, init.floor)
    this.roster = new Roster(identity.peerId, init.clusterId, moment, outbox)
    this.chosen = new ChosenKeys(registers, codec, init.sha256, outbox, { learned: (key, record) => this.learned(key, record) })
    this.chosen.restore(init.chosen, init.diverged)
    this.doubts = new Doubts(moment, random)
    for (const key of init.inDoubt) this.doubts.accepted(key)
    const latencies = new Latencies()
    this.polls = new Polls(identity, moment, outbox, nextId, this.roster, latencies)
    this.representative = new Representative(identity, moment, outbox, nextId, this.roster)
    this.configs = new ConfigExchange(this.chain, outbox, (configs, isWhole) => this.offer(configs, isWhole))
    const { chain, rounds, polls, roster, chosen, representative } = this
    this.coordinator = new Coordinator(registers, { moment, rounds, chain, polls, latencies, random, chose })
    const { coordinator } = this
    this.puts = new Puts(outbox, coordinator)
    this.reads = new Reads({ moment, outbox, chain, polls, latencies, chosen, coordinator, chose })
    this.spread = new Spread({ self: identity, registers, outbox, chosen, chain, neighbours: roster, representative, learn })
    const finish = (key: RegisterKey, settled: (done: boolean) => void): void => this.finish(key, settled)
    this.repair = new Repair({ moment, outbox, nextId, chosen, learn, finish, self: identity, chain, roster, random })
    this.answers = new PullAnswers(registers, chain, chosen, this.doubts, outbox, init.pageLimits)
    this.heartbeats = new Heartbeats(moment, outbox, roster, () => this.health())
    this.introductions = new Introductions(outbox, roster, () => chain.current?.quorum)
    const known = (): KnownPeer[] => this.known()
    const changing = { self: identity, moment, outbox, codec, chain, roster, coordinator, known, replaceAfterMs: init.replaceAfterMs }
    this.change = new Change(changing)
    this.changeRequests = new ChangeRequests(changing, this.change)
  }

  /**
   * Takes one event.
   *
   * @param nowMs of a clock that never goes back
   * @returns effects, to be performed in order
   * @throws ProtocolViolation when a rule is broken; the peer must then stop
   */
  step(event: CoreEvent, nowMs: number): Effect[] {
    if (nowMs > this.moment.nowMs) this.moment.nowMs = nowMs
    this.take(event)
    return this.outbox.take()
  }

  /** When the next tick is due, in the milliseconds of `step`; any other event may come before. */
  get wakeAtMs(): number {
    return this.isBusy ? this.moment.nowMs + TICK_BUSY_MS : this.upkeep.atMs
  }

  /** The highest round seen here; goes out with every frame. */
  get round(): number {
    return this.rounds.highest
  }

  get ceiling(): Ceiling {
    return this.rounds.ceiling
  }

  get config(): Config | undefined {
    return this.chain.current?.config
  }

  /** The change of configuration that is under way, and how far it is. */
  get changeView(): ChangeView | undefined {
    return this.change.view
  }

  /** True when the config lets only peers vote that speak a later protocol than this one: it learns. */
  get isTooOld(): boolean {
    return this.config !== undefined && this.config.protocolMin > PROTOCOL_VERSION
  }

  /** True for a peer that somebody removed, itself or with its cluster, as far as it is known here. */
  isRemoved(peerId: PeerId): boolean {
    const barred = this.config?.barred
    const clusterId = this.roster.get(peerId)?.clusterId
    return barred !== undefined && (barred.peers.includes(peerId) || (clusterId !== undefined && barred.clusters.includes(clusterId)))
  }

  get isVoter(): boolean {
    return this.chain.isVoter(this.identity.id)
  }

  get caughtUp(): boolean {
    return this.repair.caughtUp
  }

  /** How much is under way, for metrics and for seeing that it comes back to nothing. */
  get load(): { puts: number; gets: number; runs: number; polls: number; relays: number; promises: number } {
    const { puts, reads, coordinator, polls, representative, acceptor } = this
    return {
      puts: puts.size,
      gets: reads.size,
      runs: coordinator.size,
      polls: polls.size,
      relays: representative.size,
      promises: acceptor.promiseCount,
    }
  }

  /** What this peer lacks to be ready; undefined when it is. */
  missing(): string | undefined {
    const { roster, clusterId } = this
    const near = [...roster.all()].filter((peer) => peer.clusterId === clusterId && peer.state === 'alive')
    const minPeers = Math.max(this.minPeers, ...near.map((peer) => peer.minPeers))
    const hasAnswered = (voter: Identity): boolean => this.hasAnswered(voter)
    return missing({ config: this.config, clusterId, peersUp: near.length + 1, minPeers, caughtUp: this.caughtUp, hasAnswered })
  }

  /** Whether the voter is this peer or answered a heartbeat lately. */
  hasAnswered(voter: Identity): boolean {
    if (voter.id === this.identity.id) return true
    const peer = this.roster.get(voter.peerId)
    if (peer === undefined || peer.identity.id !== voter.id || this.roster.isPutBack(voter.id)) return false
    return this.roster.hasAnswered(peer, ANSWERED_WITHIN_MS)
  }

  private get isBusy(): boolean {
    return this.polls.size > 0 || this.coordinator.size > 0 || this.reads.size > 0 || this.representative.size > 0
  }

  private take(event: CoreEvent): void {
    if (event.kind !== 'tick' && !this.isNoNews(event)) this.upkeep.hurry(this.moment.nowMs)
    switch (event.kind) {
      case 'tick':
        return this.tick()
      case 'connected':
        return this.connected(event.remote)
      case 'disconnected':
        this.roster.lost(event.peerId, event.reason)
        this.heartbeats.lost(event.peerId)
        this.repair.lost(event.peerId)
        return this.polls.hurry()
      case 'message':
        this.rounds.observe(event.round)
        if (event.from.id !== this.identity.id) this.roster.heard(event.from.peerId)
        return this.received(event.from, event.message)
      case 'put':
        return this.put(event)
      case 'get':
        return this.reads.begin(event)
      case 'change': {
        const isReady = this.config !== undefined && !this.config.forming
        if (isReady) return this.changeRequests.begin(event)
        return this.outbox.answer(event.client, { kind: 'not-ready', detail: this.missing() ?? '' })
      }
      case 'cancel':
        this.puts.cancel(event.client)
        this.changeRequests.cancel(event.client)
        return this.reads.cancel(event.client)
    }
  }

  private tick(): void {
    this.polls.tick()
    this.coordinator.tick()
    this.reads.tick()
    this.representative.tick()
    const { nowMs } = this.moment
    if (nowMs < this.upkeep.atMs) return
    if (nowMs - this.upkeep.atMs > STOOD_STILL_MS) this.roster.stoodStill()
    this.look()
    this.upkeep.looked(nowMs, this.restUntilMs())
  }

  private look(): void {
    this.dropIfVoteless()
    this.lacking()
    if (this.isTooOld && !this.wasTooOld) this.outbox.note({ kind: 'too-old', peerId: this.identity.peerId })
    this.wasTooOld = this.isTooOld
    this.roster.tick(
      (peerId) => this.chain.voterOf(peerId) !== undefined,
      (peerId) => this.isRemoved(peerId),
    )
    this.introductions.tick()
    this.heartbeats.caughtUp(this.caughtUp)
    this.heartbeats.tick()
    this.acceptor.fold(this.moment.nowMs)
    this.repair.tick()
    this.change.tick()
    this.changeRequests.tick()
    for (const key of this.doubts.due()) this.finish(key, () => this.doubts.retry(key))
  }

  /** A heartbeat that says what was known: by it, what is waited for only becomes due later. */
  private isNoNews(event: CoreEvent): boolean {
    if (event.kind !== 'message' || event.message.kind !== 'heartbeat' || event.message.doubted.length > 0) return false
    const { health } = event.message
    const peer = this.roster.get(event.from.peerId)
    if (peer === undefined || !peer.hasBeaten || !peer.isConnected || peer.state !== 'alive') return false
    return health.caughtUp === peer.health?.caughtUp && health.epoch === this.chain.epoch && this.repair.isOwnRoot(health.root)
  }

  /** When something is due, if nothing happens before; with anything under way, now. */
  private restUntilMs(): number {
    const { doubts, changeRequests, change, repair, roster, heartbeats } = this
    const isUnderWay = this.isBusy || !this.wasReady || doubts.size > 0 || changeRequests.size > 0
    if (isUnderWay || !change.isAtRest || !repair.isAtRest) return this.moment.nowMs
    return Math.min(roster.restUntilMs(), heartbeats.dueAtMs())
  }

  /** Once ready, a peer tries every put: a quorum that is silent for a moment may be back before the put's time is over. */
  private lacking(): string | undefined {
    const lacking = this.wasReady ? undefined : this.missing()
    this.wasReady ||= lacking === undefined
    return lacking
  }

  private put(event: PutEvent): void {
    const lacking = this.lacking()
    if (lacking !== undefined) return this.outbox.answer(event.client, { kind: 'not-ready', detail: lacking })
    if (this.chosen.isDiverged(event.key)) return this.outbox.answer(event.client, unservedOutcome(event))
    this.puts.begin(event)
  }

  private connected(remote: Greeting): void {
    const before = this.roster.get(remote.identity.peerId)
    const peer = this.roster.greeted(remote)
    if (remote.protocolMax < (this.config?.protocolMin ?? 0)) this.outbox.note({ kind: 'too-old', peerId: peer.peerId })
    this.heartbeats.met(peer)
    this.introductions.welcome(peer)
    this.configs.heard(peer.peerId, remote.networkId, remote.epoch)
    this.introductions.announce(peer, before)
    this.repair.met(peer.peerId)
  }

  private received(from: Identity, message: Message): void {
    switch (message.kind) {
      case 'request':
        return this.requested(from, message.id, message.target, message.body)
      case 'reply':
        return message.vote.sender.id === from.id ? this.voted(from, message.id, message.vote) : undefined
      case 'relay':
        if (this.roster.isPutBack(from.id)) return
        return this.representative.relay(from.peerId, message.id, message.targets, message.body)
      case 'relayed':
        for (const vote of message.votes) this.voted(from, message.id, vote)
        return
      case 'learn':
        return this.spread.told(from.peerId, message)
      case 'want':
        return this.spread.wanted(from.peerId, message.key)
      case 'configs-wanted':
        return this.configs.wanted(from.peerId, message.networkId, message.since)
      case 'configs':
        return this.configs.told(from.peerId, message.configs)
      case 'heartbeat':
        return this.beat(from, message)
      case 'roster':
        for (const { peerId, clusterId, addresses } of message.entries) {
          if (peerId !== this.identity.peerId) this.outbox.meet(peerId, clusterId, addresses)
        }
        return
      case 'doubts-wanted':
      case 'hashes-wanted':
      case 'leaves-wanted':
      case 'records-wanted':
        return this.answers.answer(from.peerId, message)
      case 'doubts':
      case 'hashes':
      case 'leaves':
      case 'records':
        return this.repair.reply(from, message)
      case 'covered-wanted':
        return this.coveredWanted(from.peerId, message.epoch)
      case 'covered':
        return message.sender.id === from.id ? this.change.told(message.sender, message.epoch, message.sources) : undefined
    }
  }

  /** The epoch fence and the voter check; what passes is the acceptor's. */
  private requested(from: Identity, id: number, target: Identity, body: AcceptorRequest): void {
    const installed = this.chain.current
    if (target.id !== this.identity.id || installed === undefined || this.chosen.isDiverged(body.key)) return
    if (body.kind !== 'read' && body.ballot.round > ROUND_MAX) return
    // A store put back has forgotten what it voted for; with its own vote beside this one it could choose against a quorum.
    if (this.roster.isPutBack(from.id) || (body.kind !== 'read' && this.roster.isPutBack(body.ballot.by.id))) return
    const epoch = body.kind === 'read' ? body.epoch : body.ballot.epoch
    if (epoch > this.chain.epoch) return this.configs.ask(from.peerId)
    if (epoch < this.chain.epoch) return this.reply(from, id, { kind: 'stale', configs: this.chain.since(epoch + 1) }, body.key)
    const quorum = isConfigKey(body.key) ? installed.configQuorum : installed.quorum
    const isInSpace = isConfigKey(body.key) ? epochOfConfigKey(body.key) === epoch + 1 : !installed.config.forming
    // A voter that was set back to an older release does not know what it would be voting on.
    if (!quorum.has(this.identity.id) || !isInSpace || this.isTooOld) return
    const reply = this.acceptor.answer(body, this.moment.nowMs)
    if (reply.kind === 'committed') this.doubts.accepted(body.key)
    this.reply(from, id, reply, body.key)
  }

  private reply(to: Identity, id: number, body: AcceptorReply, key: RegisterKey): void {
    this.outbox.send(to.peerId, { kind: 'reply', id, vote: { sender: this.identity, body } }, slotOf(key))
  }

  private voted(from: Identity, id: number, vote: Vote): void {
    if (this.roster.isPutBack(vote.sender.id)) return
    if (vote.body.kind === 'stale') {
      this.offer(vote.body.configs)
      if (vote.body.configs.length === 0) this.configs.ask(from.peerId)
    }
    if (vote.body.kind === 'rejected') this.rounds.observe(vote.body.higher.round)
    if (!this.representative.vote(id, vote)) this.polls.vote(id, vote)
  }

  /** A register was found to be chosen by this peer's own asking. */
  private chose(key: RegisterKey, record: ValueRecord, ballot: Ballot | undefined): void {
    this.learn(key, record)
    if (ballot !== undefined) this.spread.tellAll(key, record, ballot)
  }

  private learn(key: RegisterKey, record: ValueRecord): void {
    if (isConfigKey(key)) this.offer([this.codec.decodeConfig(record.value)])
    else this.chosen.learn(key, record)
  }

  private learned(key: RegisterKey, record: ValueRecord): void {
    this.acceptor.forget(key)
    this.doubts.settled(key)
    this.coordinator.learned(key, record)
    this.reads.learned(key, record)
    this.spread.learned(key, record)
  }

  private offer(configs: readonly Config[], isWhole = false): void {
    const before = this.chain.epoch
    const quorumBefore = this.chain.current?.quorum
    if (this.chain.offer(configs, isWhole) === 0) return
    for (let epoch = Math.max(before + 1, 0); epoch <= this.chain.epoch; epoch += 1) this.settleConfig(epoch)
    this.repair.configInstalled()
    this.change.configInstalled()
    this.coordinator.configInstalled()
    this.reads.configInstalled()
    this.introductions.configInstalled(quorumBefore, this.isVoter)
    this.heartbeats.tellAll()
    // What is sent to oneself arrives once the config is on disk.
    this.heartbeats.tell(this.identity.peerId)
  }

  private settleConfig(epoch: number): void {
    const key = configKey(epoch)
    const record = this.registers.read(key)?.chosen
    if (record === undefined) return
    this.acceptor.forget(key)
    this.doubts.settled(key)
    this.coordinator.learned(key, record)
  }

  /** A finished config without this peer's vote: what it accepted counts for nothing any more. */
  private dropIfVoteless(): void {
    if (this.doubts.size === 0 || this.config === undefined || this.config.next !== undefined || this.isVoter) return
    for (const key of this.doubts.keys()) {
      if (isConfigKey(key)) continue
      this.outbox.persist(droppedWrite(key))
      this.doubts.settled(key)
    }
  }

  private beat(from: Identity, message: Extract<Message, { kind: 'heartbeat' }>): void {
    this.changeRequests.installedBy(from.id, message.health.epoch)
    const peer = this.roster.get(from.peerId)
    if (peer === undefined) return
    if (this.heartbeats.heard(peer, message)) this.rounds.told()
    const { health } = message
    const own = this.chain.networkId
    if (health.networkId !== undefined && own !== undefined && health.networkId !== own) {
      this.outbox.note({ kind: 'refused', peerId: from.peerId, reason: 'other network' })
      return this.outbox.disconnect(from.peerId, 'other network')
    }
    this.configs.heard(from.peerId, health.networkId, health.epoch)
  }

  private coveredWanted(from: PeerId, epoch: number): void {
    if (epoch !== this.chain.epoch) return
    this.outbox.send(from, { kind: 'covered', epoch, sender: this.identity, sources: this.repair.coveredSources() }, 'everything')
  }

  private finish(key: RegisterKey, settled: (done: boolean) => void): void {
    const claim = finishingClaim(this.moment.nowMs + FINISH_MS, (result) => {
      if (result.kind === 'chosen') this.outbox.note({ kind: 'finished', key })
      settled(result.kind !== 'expired')
    })
    this.coordinator.claim(key, claim, true)
  }

  private health(): Health {
    const { tree } = this.chosen
    return {
      networkId: this.config?.networkId,
      epoch: this.chain.epoch,
      ceiling: this.rounds.ceiling,
      caughtUp: this.caughtUp,
      keyCount: tree.keyCount,
      root: tree.rootHash(),
      inDoubtCount: this.doubts.size,
    }
  }

  private known(): KnownPeer[] {
    const { identity, clusterId, minPeers } = this
    const catchingUp = this.caughtUp ? undefined : 'catching up'
    const hindrance = this.isTooOld ? 'protocol too old' : catchingUp
    return knownPeers(
      { identity, clusterId, minPeers, protocolMax: PROTOCOL_VERSION, hindrance },
      this.roster,
      this.config?.protocolMin ?? 0,
    )
  }
}
