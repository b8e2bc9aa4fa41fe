/**
 * One run of a log that Kafka orders: replicas, a broker, clients and faults, all from one seed. First
 * faults happen, then they end, and all has to come right. G19: offset and effect together, one
 * content a name, and a halt where the topic is not what it was.
 */
import { hashOfRecord, indexOf, offsetOf } from '../../../protocols/log/kafka/record.ts'
import type { KafkaLimits } from '../../../protocols/log/kafka/limits.ts'
import { equalBytes } from '../../../protocols/base/record.ts'
import { utf8 } from '../../../src/bytes.ts'
import { Agenda } from '../agenda.ts'
import { Chance } from '../chance.ts'
import { check, Violation } from '../checkers/violation.ts'
import { SimulatedBroker } from './broker.ts'
import { KafkaClients } from './clients.ts'
import { SimulatedKafkaReplica, TOOLS } from './replica.ts'
import { JournalStore } from './store.ts'

const LIMITS: KafkaLimits = {
  pendingEntriesMax: 12,
  pendingBytesMax: 65_536,
  recentMax: 20,
  verdictsMax: 100,
  requestsMax: 30,
  behindMs: 2_000,
  requestMs: 30_000,
  stretchLength: 16,
  retryMs: 100,
}
const FAULTS_MS = 15_000
const HEALED_MS = 60_000
const LOOK_MS = 100
/** An operator waits for so long whether a stall ends by itself: a store is tried again each 5 s. */
const OPERATOR_MS = 8_000

/** What no promise covers: it happens in some runs, once. */
export type Unsafe = 'none' | 'lost-tail' | 'recreated'

export interface KafkaRun {
  readonly violation: Violation | undefined
  readonly counts: { readonly done: number; readonly reads: number; readonly halted: number; readonly records: number }
}

export class KafkaWorld {
  readonly agenda: Agenda = new Agenda()
  readonly chance: Chance
  readonly limits: KafkaLimits = LIMITS
  readonly broker: SimulatedBroker
  readonly replicas: readonly SimulatedKafkaReplica[]
  readonly clients: KafkaClients
  readonly unsafe: Unsafe
  /** Verdicts that were ordered: replicas that had applied what was judged are to halt. */
  readonly verdicts: Set<number> = new Set()

  constructor(seed: number) {
    this.chance = new Chance(seed)
    this.unsafe = this.chance.happens(0.3) ? this.chance.pick(['lost-tail', 'recreated'] as const) : 'none'
    this.broker = new SimulatedBroker(this.chance.fork(), 3, this.chance.pick([0, 0.1, 0.4]))
    const hasPicky = this.chance.happens(0.3)
    this.replicas = ['a', 'b', 'c'].map(
      (name, place) => new SimulatedKafkaReplica(name, new JournalStore(hasPicky && place === 0), this, this.chance.fork()),
    )
    this.clients = new KafkaClients(this, this.chance.fork(), hasPicky)
  }

  run(): void {
    for (const replica of this.replicas) replica.start()
    this.clients.start(FAULTS_MS)
    this.plan()
    this.agenda.runUntil(FAULTS_MS)
    this.heal()
    for (let atMs = FAULTS_MS; atMs < FAULTS_MS + HEALED_MS; atMs += LOOK_MS) {
      this.agenda.runUntil(atMs)
      if (atMs > FAULTS_MS + OPERATOR_MS) this.settleStalls()
    }
    this.checkStores()
    this.clients.checkEnd()
  }

  responded(replica: SimulatedKafkaReplica, effect: Parameters<KafkaClients['responded']>[1]): void {
    this.clients.responded(replica, effect)
  }

  private plan(): void {
    const { agenda, chance, broker } = this
    const some = (low: number, high: number, run: () => void): void => {
      for (let count = chance.between(low, high); count > 0; count -= 1) agenda.at(chance.span(200, FAULTS_MS), run)
    }
    some(0, 6, () => this.outage(chance.pick(this.replicas)))
    some(0, 4, () => broker.newLeader())
    some(0, 5, () => broker.rebalance())
    some(0, 3, () => {
      const replica = chance.pick(this.replicas)
      replica.isStoreDown = true
      agenda.after(chance.span(10, 4_000), () => (replica.isStoreDown = false))
    })
    some(0, 3, () => {
      const replica = chance.pick(this.replicas)
      replica.isCutOff = true
      agenda.after(chance.span(10, 4_000), () => (replica.isCutOff = false))
    })
    if (this.unsafe === 'lost-tail') agenda.at(chance.span(5_000, 10_000), () => broker.loseTail(chance.between(1, 8)))
    if (this.unsafe === 'recreated') agenda.at(chance.span(5_000, 10_000), () => broker.recreate())
  }

  private outage(replica: SimulatedKafkaReplica): void {
    replica.crash()
    this.agenda.after(this.chance.span(10, 6_000), () => replica.start())
  }

  private heal(): void {
    for (const replica of this.replicas) {
      replica.isStoreDown = false
      replica.isCutOff = false
      replica.start()
    }
  }

  /** An operator sees what stalls, and has it rejected. */
  private settleStalls(): void {
    for (const replica of this.replicas) {
      const { state, stalledIndex } = replica.status ?? {}
      if (state !== 'stalled' || stalledIndex === undefined || this.verdicts.has(stalledIndex)) continue
      this.verdicts.add(stalledIndex)
      const message = { replicator: 1, verdict: { offset: offsetOf(stalledIndex), code: 'by-operator' } }
      this.broker.append(utf8.encode(`verdict ${stalledIndex}`), utf8.encode(JSON.stringify(message)), this.agenda.nowMs)
    }
  }

  /** Each store is the fold of the topic, or its replica has stopped and says why. */
  private checkStores(): void {
    const { broker } = this
    for (const { name, store, halted, topicId, status } of this.replicas) {
      const told = `${name} (${halted ?? status?.state ?? 'down'}, ${status?.why ?? 'well'})`
      check(halted === undefined || this.isHaltDue(store), 'G19', () => `${told} halted for nothing`)
      if (halted !== undefined) continue
      check(topicId === broker.topicId, 'G19', () => `${told} goes on upon another topic`)
      check(status?.state === 'ready', 'liveness', () => `${told} is not ready: ${JSON.stringify(status)}`)
      check(store.journal.length === broker.records.length, 'G19', () => `${told} has ${store.journal.length} of ${broker.records.length}`)
      for (const [place, record] of broker.records.entries()) {
        const line = store.journal[place]
        const isIt = line?.index === indexOf(record.offset) && equalBytes(line.recordHash, hashOfRecord(record, TOOLS))
        check(isIt, 'G19', () => `${told} has something else at offset ${record.offset}`)
      }
    }
    const stores = this.replicas.filter(({ halted }) => halted === undefined).map(({ store }) => JSON.stringify(store.items))
    check(new Set(stores).size <= 1, 'G14', () => 'stores that go on differ')
  }

  private isHaltDue(store: JournalStore): boolean {
    if (this.unsafe !== 'none') return true
    return [...this.verdicts].some((index) => store.journal.some((line) => line.index === index && line.outcome.kind === 'done'))
  }
}

export function simulateKafka(seed: number): KafkaRun {
  let violation: Violation | undefined
  const world = new KafkaWorld(seed)
  try {
    world.run()
  } catch (error) {
    violation = error instanceof Violation ? error : new Violation('thrown', error instanceof Error ? (error.stack ?? '') : String(error))
  }
  const halted = world.replicas.filter((replica) => replica.halted !== undefined).length
  return { violation, counts: { ...world.clients.counts, halted, records: world.broker.records.length } }
}
