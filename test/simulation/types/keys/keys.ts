/**
 * Write-once keys in the simulated world: clients that put and get, what is chosen worked out from
 * disks, and the checkers S1 to S15, L2, L3, L5.
 */
import type { Config } from '../../../../protocols/base/config.ts'
import type { Identity, IdentityId } from '../../../../protocols/base/identity.ts'
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import { dataKey, isConfigKey } from '../../../../protocols/base/register.ts'
import type { RegisterKey } from '../../../../protocols/base/register.ts'
import type { Note, Outcome } from '../../../../protocols/effects.ts'
import type { ClientId } from '../../../../protocols/events.ts'
import type { Send } from '../../../../src/runtime/send-gate.ts'
import { check } from '../../checkers/violation.ts'
import type { Coverage } from '../../coverage.ts'
import { describeKey, describeRecord } from '../../describe.ts'
import type { SimulatedPeer } from '../../peer.ts'
import type { Lacking, SimulatedType, TypeInit, WorldType } from '../../type.ts'
import { Clients } from './clients.ts'
import { incomplete, unequal } from './copied.ts'
import { Copies } from './copies.ts'
import { History } from './history.ts'
import { KeyLedger } from './ledger.ts'
import { checkAnswer, checkHistory } from './outcomes.ts'
import { QuorumProbe } from './probe.ts'

/** A put must come through within so long while one peer is missing. */
const PUT_WITHIN_MS = 20_000
/** Until the loss is noticed, and then a put that meets the voters who finish it. */
const PUT_ROUND_TRIPS = 20
/** A rival gives up no sooner. */
const RIVAL_DEADLINE_MS = 40_000
/** Up to six rivals, each of whom may lose several tries. */
const RIVAL_ROUND_TRIPS = 40

export const KEYS: WorldType = { begin: (init) => new SimulatedKeys(init) }

class SimulatedKeys implements SimulatedType {
  private readonly init: TypeInit
  private readonly history: History = new History()
  private readonly ledger: KeyLedger
  private readonly copies: Copies = new Copies(() => this.ledger)
  private readonly quorums: QuorumProbe
  private readonly clients: Clients
  /** Accepted somewhere, and not chosen. */
  private readonly inDoubt = new Set<RegisterKey>()

  constructor(init: TypeInit) {
    const { agenda, trace } = init
    this.init = init
    this.ledger = new KeyLedger(init.ledger, (key, { record }) => {
      trace.line(agenda.nowMs, () => `== ${key} is chosen: ${describeRecord(record)}`)
      this.inDoubt.delete(key)
      this.quorums.one(key, record)
    })
    this.quorums = new QuorumProbe(this.ledger, (id, key) => this.readSynced(id, key))
    this.clients = new Clients({ ...init, history: this.history })
  }

  get isAnyInDoubt(): boolean {
    return this.inDoubt.size > 0
  }

  begin(): void {
    this.clients.begin()
  }

  stop(): void {
    this.clients.isStopped = true
  }

  persisting(peer: SimulatedPeer, write: AnyWrite): void {
    if (write.kind !== 'chosen' || isConfigKey(write.key)) return
    const chosen = this.ledger.chosen(write.key)
    check(chosen !== undefined, 'S10', () => `${peer.peerId} takes ${describeKey(write.key)} for chosen, which no quorum has accepted`)
  }

  hardened(_peer: SimulatedPeer, identity: Identity, write: AnyWrite): void {
    if (write.kind === 'accepted' && !isConfigKey(write.key) && this.ledger.chosen(write.key) === undefined) this.inDoubt.add(write.key)
    this.copies.hardened(identity, write)
    this.ledger.hardened(identity, write)
  }

  left(peer: SimulatedPeer, send: Send): void {
    this.copies.left(peer, send)
  }

  answered(client: ClientId, outcome: Outcome): void {
    const operation = this.clients.operationOf(client)
    if (operation === undefined) return
    checkAnswer(this.ledger, operation.key, outcome)
    this.clients.answered(client, outcome)
  }

  noted(peer: SimulatedPeer, note: Note): void {
    this.copies.noted(peer, note)
    check(note.kind !== 'divergence', 'S15', () => `${peer.peerId} was told two records: ${note.kind === 'divergence' ? note.key : ''}`)
  }

  starting(peer: SimulatedPeer): void {
    this.copies.starting(peer)
  }

  crashed(peer: SimulatedPeer): void {
    this.clients.crashed(peer)
    this.probe()
  }

  decided(config: Config): void {
    this.copies.decided(config)
    this.probe()
  }

  probe(): void {
    this.quorums.all()
  }

  unsettled(): Lacking | undefined {
    return unequal(this.init.peers)
  }

  /** N rivals for one key: all are answered, one created it (L2). */
  contend(rivals: readonly SimulatedPeer[]): void {
    const { agenda } = this.init
    const { clients } = this
    const key = dataKey('rivals')
    const outcomes: (Outcome | undefined)[] = []
    const deadlineMs = this.init.allowedMs(RIVAL_DEADLINE_MS, RIVAL_ROUND_TRIPS)
    for (const rival of rivals) clients.put(rival, key, clients.newRecord(), false, deadlineMs, (outcome) => outcomes.push(outcome))
    for (const endMs = agenda.nowMs + deadlineMs; outcomes.length < rivals.length && agenda.nowMs < endMs;)
      agenda.runUntil(agenda.nowMs + 5)
    const kinds = outcomes.map((outcome) => outcome?.kind ?? 'none')
    const created = kinds.filter((kind) => kind === 'created').length
    const isSettled = created === 1 && kinds.filter((kind) => kind === 'conflict').length === rivals.length - 1
    check(isSettled, 'L2', () => `${rivals.length} rivals were answered ${kinds.join(' ')}`)
  }

  /** A put comes through (L5). */
  survive(peer: SimulatedPeer, missing: string): void {
    const { agenda } = this.init
    const { clients } = this
    const outcomes: (Outcome | undefined)[] = []
    const withinMs = this.init.allowedMs(PUT_WITHIN_MS, PUT_ROUND_TRIPS)
    clients.put(peer, dataKey('survivor'), clients.newRecord(), false, withinMs, (answer) => outcomes.push(answer))
    for (const endMs = agenda.nowMs + withinMs; outcomes.length === 0 && agenda.nowMs <= endMs;) agenda.runUntil(agenda.nowMs + 20)
    const [outcome] = outcomes
    check(outcome?.kind === 'created', 'L5', () => `without ${missing} a put at ${peer.peerId} ended ${outcome?.kind ?? 'not at all'}`)
  }

  check(): void {
    const lacking = incomplete(this.init.peers, this.ledger)
    check(lacking === undefined, 'L3', () => lacking ?? '')
    checkHistory(this.history, this.ledger)
  }

  cover(coverage: Coverage): void {
    const { history } = this
    const answered = [...history.puts, ...history.gets].filter((operation) => operation.outcome !== undefined)
    coverage.operations += history.size
    coverage.answered += answered.length
    coverage.created += answered.filter((operation) => operation.outcome?.kind === 'created').length
    coverage.contendedKeys += history.contendedCount
    coverage.offersChosen += this.ledger.offersChosen
    coverage.probes += this.quorums.probes
  }

  private readSynced(id: IdentityId, key: RegisterKey): ReturnType<SimulatedPeer['disk']['readSynced']> | 'gone' {
    for (const peer of this.init.peers) if (peer.identity.id === id) return peer.disk.readSynced(key)
    return 'gone'
  }
}
