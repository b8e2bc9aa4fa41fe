/**
 * Logs in whole networks, beside keys: born by themselves and by request, by rivals too, under every
 * fault that keys have, and on the disks and the send gate that they share with keys. What a single
 * log does is looked at more closely in `../../log/`, where nothing else is simulated.
 */
import type { Identity, PeerId } from '../../../../protocols/base/identity.ts'
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import type { Outcome, TypeOutcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { SubmitId } from '../../../../protocols/log/entry.ts'
import { LOGS } from '../../../../protocols/log/placing.ts'
import type { HostTold, LogAnswerOf, LogRequest } from '../../../../protocols/log/requests.ts'
import { utf8 } from '../../../../src/bytes.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit } from '../../type.ts'
import { KeyLedger } from '../keys/ledger.ts'
import { Hosting } from './hosting.ts'
import type { HostingWorld } from './hosting.ts'
import { OneLog } from './one-log.ts'

const NAMES: readonly string[] = ['orders', 'jobs']
/** Peers that offer a store for a log. */
const OFFER_RATE = 0.85
/** Logs that are wished to be spread over clusters, where they are born by themselves. */
const SPREAD_RATE = 0.4
/** When rivals ask for a birth, and how many. */
const CREATE_MAX_MS = 5_000
const RIVALS_MAX = 3
const PLACED_MAX = 3
const OPERATED_EVERY_MS = 1_500
/** Of what an operator does. */
const REFILL_RATE = 0.15
/** Of the rest: contents are compared, a log goes on from one survivor where it can, and one ends. */
const CHECK_RATE = 0.15
const RECOVER_RATE = 0.1
const END_RATE = 0.02
/** Of the rest, besides transfers. */
const PLACE_RATE = 0.4
const STALLED_EVERY_MS = 3_000
const STALLED_MAX_MS = 3_000
const TIMEOUT_MS = 3_000
/** A command comes through within so long, of rivals too. */
const DONE_WITHIN_MS = 20_000
const DONE_ROUND_TRIPS = 20

/** What a run did. */
export interface LogsCounts {
  born: number
  committed: number
  done: number
  reads: number
  lost: number
  /** Logs that went on from one survivor, and logs that ended. */
  recovered: number
  ended: number
}

export function noCounts(): LogsCounts {
  return { born: 0, committed: 0, done: 0, reads: 0, lost: 0, recovered: 0, ended: 0 }
}

export class SimulatedLogs implements SimulatedType {
  private readonly init: TypeInit
  private readonly counts: LogsCounts
  private readonly keys: KeyLedger
  private readonly logs: readonly OneLog[]
  private readonly hostings: Hosting[] = []
  private readonly asked = new Map<ClientId, (answer: LogAnswerOf) => void>()
  private isStopped = false

  constructor(init: TypeInit, counts: LogsCounts) {
    this.init = init
    this.counts = counts
    this.keys = new KeyLedger(init.ledger, () => {})
    this.logs = NAMES.map((name) => new OneLog(init, this.keys, name))
    const { agenda, chance, nextClient } = init
    for (const log of this.logs) {
      const world: HostingWorld = {
        agenda,
        chance,
        nextClient,
        opens: (hosting, claim) => log.opens(hosting, claim),
        reached: (from, to) => this.reached(from, to),
      }
      const place = chance.happens(SPREAD_RATE) ? 'spread:3' : undefined
      for (const peer of init.peers) if (chance.happens(OFFER_RATE)) log.hostings.push(new Hosting(world, peer, log.name, place))
      this.hostings.push(...log.hostings)
    }
  }

  begin(): void {
    const { agenda, chance } = this.init
    for (const log of this.logs) {
      log.begin()
      const atMs = chance.span(0, CREATE_MAX_MS)
      for (let rival = chance.between(0, RIVALS_MAX); rival > 0; rival -= 1)
        agenda.at(atMs + chance.span(0, TIMEOUT_MS), () => this.create(log))
    }
    this.every(OPERATED_EVERY_MS, () => this.operate())
    this.every(STALLED_EVERY_MS, () => this.stall())
  }

  stop(): void {
    this.isStopped = true
    for (const { clients } of this.logs) clients.stop()
    for (const hosting of this.hostings) hosting.isDown = false
  }

  hardened(_: SimulatedPeer, by: Identity, write: AnyWrite): void {
    this.keys.hardened(by, write)
  }

  answered(client: ClientId, outcome: Outcome): void {
    if (outcome.kind !== 'typed' || outcome.type !== LOGS) return
    const answer = outcome.answer as LogAnswerOf
    const ended = this.asked.get(client)
    this.asked.delete(client)
    if (ended !== undefined) return ended(answer)
    for (const log of this.logs) log.answered(client, answer)
  }

  told(client: ClientId, { type, answer }: TypeOutcome): void {
    if (type !== LOGS) return
    for (const hosting of this.hostings) if (hosting.isAskedBy(client)) return hosting.told(answer as HostTold)
  }

  starting(peer: SimulatedPeer): void {
    for (const hosting of this.hostings) if (hosting.peer === peer) hosting.starting()
    this.probe()
  }

  crashed(peer: SimulatedPeer): void {
    for (const hosting of this.hostings) if (hosting.peer === peer) hosting.crashed()
    for (const { clients, doors } of this.logs) for (const door of doors) if (door.peer === peer) clients.crashed(door)
  }

  probe(): void {
    for (const log of this.logs) log.probe()
  }

  unsettled(): Lacking | undefined {
    for (const log of this.logs) {
      const lacking = log.unsettled()
      if (lacking !== undefined) return lacking
    }
    return undefined
  }

  /** All ask at once, and all are done. */
  contend(rivals: readonly SimulatedPeer[]): void {
    for (const log of this.logs) if (log.mustGoOn) this.mustDo(log, rivals, 'rivals')
  }

  survive(peer: SimulatedPeer, missing: string): void {
    for (const log of this.logs) if (log.mustGoOn) this.mustDo(log, [peer], `without ${missing}`)
  }

  check(): void {
    for (const log of this.logs) log.check()
  }

  cover(coverage: Coverage): void {
    Object.assign(this.counts, noCounts())
    for (const { ledger, clients, probes, isLost, isEnded, generation } of this.logs) {
      const { submits, done, rejected, reads } = clients.counts
      coverage.operations += submits + reads
      coverage.answered += done + rejected + reads
      coverage.probes += probes
      this.counts.born += ledger === undefined ? 0 : 1
      this.counts.committed += ledger?.committed.length ?? 0
      this.counts.done += done
      this.counts.reads += reads
      this.counts.lost += isLost ? 1 : 0
      this.counts.recovered += generation > 0 ? 1 : 0
      this.counts.ended += isEnded ? 1 : 0
    }
  }

  /** @throws Violation when a command is not done in time */
  private mustDo(log: OneLog, peers: readonly SimulatedPeer[], who: string): void {
    const { agenda, allowedMs } = this.init
    const withinMs = allowedMs(DONE_WITHIN_MS, DONE_ROUND_TRIPS)
    const done: SimulatedPeer[] = []
    const told: string[] = []
    const submit = (peer: SimulatedPeer, number: number): void => {
      const item = `${who} ${peer.peerId} ${number}`
      const command = utf8.encode(JSON.stringify({ list: 'c', item, isWrong: false }))
      this.ask(peer, { kind: 'submit', log: log.name, submitId: item as SubmitId, isNamedByClient: true, since: 0, command }, (answer) => {
        told.push(answer.kind)
        if (answer.kind === 'outcome') done.push(peer)
        // Named anew: what was not ordered in time may be ordered by another try.
        else agenda.after(100, () => submit(peer, number + 1))
      })
    }
    for (const peer of peers) submit(peer, 1)
    for (const endMs = agenda.nowMs + withinMs; done.length < peers.length && agenda.nowMs < endMs;) agenda.runUntil(agenda.nowMs + 20)
    check(
      done.length >= peers.length,
      'L5',
      () => `log ${log.name}, ${who}: ${done.length} of ${peers.length} done, told ${told.join(' ')}`,
    )
  }

  private ask(peer: SimulatedPeer, request: LogRequest, ended: (answer: LogAnswerOf) => void): void {
    const client = this.init.nextClient()
    this.asked.set(client, ended)
    peer.dispatch({ kind: 'typed', type: LOGS, client, request, deadlineMs: peer.clockMs + TIMEOUT_MS })
  }

  private reached(from: Hosting, to: PeerId): Hosting | undefined {
    const isConnected = from.peer.core?.roster.isConnected(to) === true
    return isConnected ? this.hostings.find(({ peer, log }) => peer.peerId === to && log === from.log) : undefined
  }

  private every(meanMs: number, run: () => void): void {
    const { agenda, chance } = this.init
    agenda.after(chance.span(0, 2 * meanMs), () => {
      if (this.isStopped) return
      run()
      this.every(meanMs, run)
    })
  }

  private anyone(): SimulatedPeer | undefined {
    const up = this.init.peers.filter((peer) => peer.isUp && !peer.isPaused)
    return up.length === 0 ? undefined : this.init.chance.pick(up)
  }

  private create(log: OneLog): void {
    const peer = this.anyone()
    if (peer === undefined || this.isStopped) return
    const { chance } = this.init
    if (log.isEnded) log.isCreatedAgain = true
    const { name } = log
    const place = chance.happens(0.3) ? undefined : this.drawPlace()
    this.ask(peer, { kind: 'create', log: name, store: 'kv', place, isLeased: false }, ignored)
  }

  private operate(): void {
    const { chance } = this.init
    const peer = this.anyone()
    if (peer === undefined) return
    const log = chance.pick(this.logs)
    const other = chance.pick(this.init.peers).peerId
    if (log.isEnded) return this.create(log)
    if (log.isLost || chance.happens(RECOVER_RATE)) return this.recover(log, peer)
    if (chance.happens(END_RATE)) return this.ask(peer, { kind: 'end', log: log.name }, ignored)
    if (chance.happens(CHECK_RATE)) return this.ask(peer, { kind: 'check', log: log.name }, ignored)
    if (chance.happens(REFILL_RATE)) return this.ask(peer, { kind: 'refill', log: log.name }, ignored)
    if (chance.happens(0.3)) return this.ask(peer, { kind: 'transfer', log: log.name, to: other }, ignored)
    if (chance.happens(PLACE_RATE)) return this.ask(peer, { kind: 'place', log: log.name, place: this.drawPlace() }, ignored)
    const isAdding = chance.happens(0.6)
    this.ask(
      peer,
      { kind: 'change', log: log.name, add: isAdding ? [other] : [], remove: isAdding ? [] : [other], isForced: false },
      ignored,
    )
  }

  /** Only a log whose majority is gone: else what was acknowledged could be lost. */
  private recover(log: OneLog, peer: SimulatedPeer): void {
    if (log.isLost) this.ask(peer, { kind: 'recover', log: log.name }, ignored)
  }

  private drawPlace(): string {
    const { chance, peers } = this.init
    const { clusterId } = chance.pick(peers)
    const some = chance.shuffled(peers).slice(0, chance.between(1, PLACED_MAX))
    return chance.pick(['spread:3', `cluster:${clusterId}`, `peers:${some.map(({ peerId }) => peerId).join()}`])
  }

  private stall(): void {
    const { agenda, chance } = this.init
    if (this.hostings.length === 0) return
    const hosting = chance.pick(this.hostings)
    hosting.isDown = true
    agenda.after(chance.span(200, STALLED_MAX_MS), () => (hosting.isDown = false))
  }
}

function ignored(): void {}
