/**
 * Registers in the simulated world: clients that write, delete and look, what is chosen worked out
 * from disks, and the checkers V1 to V10; after healing all peers hold the same, and deletions are
 * forgotten by all (V11).
 */
import type { Config } from '../../../../protocols/base/config.ts'
import type { Identity, IdentityId } from '../../../../protocols/base/identity.ts'
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import { dataQuorum } from '../../../../protocols/base/quorum.ts'
import type { Quorum } from '../../../../protocols/base/quorum.ts'
import { dataKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Note, Outcome, TypeOutcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { Cell, Swept } from '../../../../protocols/registers/cells.ts'
import { readEntry, readSwept } from '../../../../protocols/registers/fields.ts'
import { equalRegisterRecords, isStub } from '../../../../protocols/registers/record.ts'
import type { Entry } from '../../../../protocols/registers/record.ts'
import { REGISTERS } from '../../../../protocols/registers/requests.ts'
import type { Contents, RegisterAnswer, WatchAnswer } from '../../../../protocols/registers/requests.ts'
import { REGISTERS_TYPE, registersType } from '../../../../protocols/registers/type.ts'
import { ByteReader } from '../../../../protocols/wire/reader.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { Send } from '../../../../src/runtime/send-gate.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit, WorldType } from '../../type.ts'
import { Chain } from './chain.ts'
import { Clients } from './clients.ts'
import { Epochs } from './epochs.ts'
import { checkHistory } from './history.ts'
import { probe } from './probe.ts'
import type { ProbedVoter } from './probe.ts'
import { Watchers } from './watchers.ts'

/** A write must come through within so long while one peer is missing. */
const WRITE_WITHIN_MS = 20_000
const WRITE_ROUND_TRIPS = 20
/** A rival gives up no sooner. */
const RIVAL_DEADLINE_MS = 40_000
const RIVAL_ROUND_TRIPS = 40
const LASTING: Contents = { kind: 'value', value: utf8.encode('lasting'), contentType: 'text/plain', ttlMs: undefined }

/** Often enough that deletions are forgotten under load, and all of them after healing. */
const SWEEP_EVERY_MS = 4_000

export const REGISTERS_WORLD: WorldType = { begin: (init) => new SimulatedRegisters(init), further: registersType(SWEEP_EVERY_MS) }

class SimulatedRegisters implements SimulatedType {
  private readonly init: TypeInit
  private readonly clients: Clients
  private readonly watchers: Watchers
  /** What each peer's clock showed when a version was on a disk first. */
  private readonly begunAt = new Map<string, readonly number[]>()
  private readonly chains = new Map<RegisterKey, Chain>()
  private readonly quorums = new Map<number, Quorum>()
  private readonly epochs = new Epochs(REGISTERS_TYPE.code)
  private probes = 0

  constructor(init: TypeInit) {
    this.init = init
    this.clients = new Clients(init)
    this.watchers = new Watchers(init, (key) => this.chainOf(key))
  }

  begin(): void {
    this.clients.begin()
    this.watchers.begin()
  }

  stop(): void {
    this.clients.isStopped = true
  }

  answered(client: ClientId, outcome: Outcome): void {
    if (outcome.kind !== 'typed' || outcome.type !== REGISTERS) return
    this.clients.answered(client, outcome.answer as RegisterAnswer)
    this.watchers.told(client, outcome.answer as WatchAnswer)
  }

  told(client: ClientId, { type, answer }: TypeOutcome): void {
    if (type === REGISTERS) this.watchers.told(client, answer as WatchAnswer)
  }

  crashed(peer: SimulatedPeer): void {
    this.clients.crashed(peer)
    this.watchers.crashed(peer)
    this.probe()
  }

  decided(): void {
    this.probe()
  }

  hardened(_: SimulatedPeer, by: Identity, write: AnyWrite): void {
    if (write.kind !== 'typed' || write.slot.type !== REGISTERS) return
    for (const { name, bytes } of write.rows) {
      if (bytes === undefined || !'+='.includes(name.charAt(0))) continue
      const key = dataKey(name.slice(1))
      const entry = readEntry(new ByteReader(bytes, utf8))
      if (name.startsWith('+')) this.accepted(by, key, entry)
      else this.checkHeld(by, key, entry)
    }
  }

  sending({ identity }: SimulatedPeer, send: Send): void {
    this.epochs.sending(identity.id, send)
  }

  left({ identity }: SimulatedPeer, send: Send): void {
    this.epochs.left(identity.id, send)
  }

  noted(peer: SimulatedPeer, note: Note): void {
    const isAlarm = note.kind === 'divergence' && this.chains.has(note.key)
    check(!isAlarm, 'V1', () => `${peer.peerId} was told two records for ${note.kind === 'divergence' ? note.key : ''}`)
  }

  probe(): void {
    const config: Config = this.init.ledger.newest
    for (const [key, { tip }] of this.chains) {
      if (tip === undefined) continue
      this.probes += 1
      probe(config, key, tip, (id) => this.voterOf(id, key))
    }
  }

  unsettled(): Lacking | undefined {
    for (const [key, { tip }] of this.chains) {
      for (const peer of this.init.peers) {
        const { held, accepted } = cellAt(peer, key)
        const told = `${peer.peerId} holds version ${held?.record.version} of ${key}, and version ${tip?.record.version} is chosen`
        if (accepted !== undefined) return { rule: 'L1', detail: `${told}; version ${accepted.record.version} is accepted` }
        const isForgotten = tip?.record.isDeleted === true
        if (isForgotten && held !== undefined) return { rule: 'V9', detail: `${told}: it is deleted, and not forgotten` }
        if (tip !== undefined && !isForgotten && (held === undefined || !equalRegisterRecords(held.record, tip.record)))
          return { rule: 'V11', detail: told }
      }
    }
    for (const [key, { tip }] of this.chains) {
      const { ttlMs, version } = tip?.record ?? {}
      if (ttlMs !== undefined) return { rule: 'expiry', detail: `version ${version} of ${key} should have expired` }
    }
    return this.watchers.unsettled(this.chains)
  }

  /** N rivals create one register: all are answered, one did (L2). */
  contend(rivals: readonly SimulatedPeer[]): void {
    const { agenda } = this.init
    const { clients } = this
    const answers: (RegisterAnswer | undefined)[] = []
    const deadlineMs = this.init.allowedMs(RIVAL_DEADLINE_MS, RIVAL_ROUND_TRIPS)
    for (const rival of rivals)
      clients.ask(rival, clients.newWrite(dataKey('rivals'), { kind: 'absent' }, LASTING), deadlineMs, (answer) => answers.push(answer))
    for (const endMs = agenda.nowMs + deadlineMs; answers.length < rivals.length && agenda.nowMs < endMs;) agenda.runUntil(agenda.nowMs + 5)
    const kinds = answers.map((answer) => answer?.kind ?? 'none')
    const isSettled =
      kinds.filter((kind) => kind === 'applied').length === 1 && kinds.filter((kind) => kind === 'refused').length === rivals.length - 1
    check(isSettled, 'L2', () => `${rivals.length} rivals were answered ${kinds.join(' ')}`)
  }

  /** A write comes through (L5). */
  survive(peer: SimulatedPeer, missing: string): void {
    const { agenda } = this.init
    const answers: (RegisterAnswer | undefined)[] = []
    const withinMs = this.init.allowedMs(WRITE_WITHIN_MS, WRITE_ROUND_TRIPS)
    this.clients.ask(peer, this.clients.newWrite(dataKey('survivor'), undefined, LASTING), withinMs, (answer) => answers.push(answer))
    for (const endMs = agenda.nowMs + withinMs; answers.length === 0 && agenda.nowMs <= endMs;) agenda.runUntil(agenda.nowMs + 20)
    const [answer] = answers
    check(answer?.kind === 'applied', 'L5', () => `without ${missing} a write at ${peer.peerId} ended ${answer?.kind ?? 'not at all'}`)
  }

  check(): void {
    const { operations } = this.clients
    for (const key of new Set(operations.map((operation) => operation.key))) {
      const ofKey = operations.filter((operation) => operation.key === key)
      checkHistory(this.chainOf(key), ofKey)
    }
  }

  cover(coverage: Coverage): void {
    const { operations } = this.clients
    coverage.operations += operations.length
    coverage.answered += operations.filter(({ answer }) => answer !== undefined).length
    coverage.probes += this.probes
  }

  /**
   * Nothing expires before it has lived for its time by somebody's clock; clocks may jump ahead.
   */
  private accepted(by: Identity, key: RegisterKey, entry: Entry): void {
    const clocksMs = this.init.peers.map((peer) => peer.clockMs)
    const { version, mark, writeId } = entry.record
    const name = `${key} ${version}/${mark}`
    if (!this.begunAt.has(name)) this.begunAt.set(name, clocksMs)
    const expired = writeId.startsWith('expiry/') ? `${key} ${writeId.slice('expiry/'.length)}` : undefined
    const chain = this.chainOf(key)
    chain.accepted(by, entry)
    if (expired === undefined) return
    const ttlMs = chain.records.find((record) => expired === `${key} ${record.version}/${record.mark}`)?.ttlMs
    const begunAt = this.begunAt.get(expired) ?? clocksMs
    const livedMs = Math.max(...clocksMs.map((clockMs, place) => clockMs - (begunAt[place] ?? clockMs)))
    check(ttlMs !== undefined && livedMs >= ttlMs, 'expiry', () => `${expired} lived for ${livedMs} ms of ${ttlMs}`)
  }

  private checkHeld(by: Identity, key: RegisterKey, { record }: Entry): void {
    const isChosen = isStub(record) || this.chainOf(key).has(record)
    check(isChosen, 'V1', () => `${by.peerId} holds version ${record.version} of ${key}, which is not chosen`)
  }

  private chainOf(key: RegisterKey): Chain {
    let chain = this.chains.get(key)
    if (chain === undefined) this.chains.set(key, (chain = new Chain(key, (epoch) => this.quorumOf(epoch))))
    return chain
  }

  private quorumOf(epoch: number): Quorum {
    let quorum = this.quorums.get(epoch)
    if (quorum !== undefined) return quorum
    const config = this.init.ledger.config(epoch)
    check(config !== undefined, 'V1', () => `something is accepted in epoch ${epoch}, which is not decided`)
    this.quorums.set(epoch, (quorum = dataQuorum(config)))
    return quorum
  }

  private voterOf(id: IdentityId, key: RegisterKey): ProbedVoter | undefined {
    const peer = this.init.peers.find(({ identity }) => identity.id === id)
    return peer === undefined ? undefined : { ...cellAt(peer, key), swept: sweptAt(peer) }
  }
}

/** How far the peer has forgotten, on its disk. */
function sweptAt({ disk }: SimulatedPeer): Swept | undefined {
  const bytes = disk.rowsSynced(REGISTERS).get('@swept')
  return bytes === undefined ? undefined : readSwept(new ByteReader(bytes, utf8))
}

/** What is on the peer's disk. */
function cellAt({ disk }: SimulatedPeer, key: RegisterKey): Cell {
  const rows = disk.rowsSynced(REGISTERS)
  const entryOf = (name: string): Entry | undefined => {
    const bytes = rows.get(name)
    return bytes === undefined ? undefined : readEntry(new ByteReader(bytes, utf8))
  }
  return { held: entryOf(`=${key}`), accepted: entryOf(`+${key}`), diverged: entryOf(`!${key}`) }
}
