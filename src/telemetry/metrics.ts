/**
 * Counts for Prometheus. What happens often only adds to a number; the registry takes the numbers
 * when it is asked for them.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { Distribution, registerSamples } from '../distribution.ts'
import type { GetOutcome, PutOutcome } from '../ports/replicator.ts'

/** From a fast disk with nothing to do to one that hangs. */
const SYNC_BUCKETS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
/** Writes of one transaction: powers of four. */
const BATCH_BUCKETS_WRITES = [1, 4, 16, 64, 256, 1_024, 4_096]

const VALUES_SENT_HELP =
  'Values sent to peers of a cluster, repair apart; of another cluster at most one for each put, while nothing is lost'

const TURNED_AWAY_HELP = 'Connections closed because nobody proved to be a member: out of time, or too many of a source, a peer or in all'

type PutKind = PutOutcome['kind']
type GetKind = GetOutcome['kind']

/** Numbers that the owner adds to; read when the registry is. */
export interface Tallies {
  readonly puts: Record<PutKind, number>
  readonly gets: Record<GetKind, number>
  /** Peers that the core refused; the network counts its own. */
  connectionsRefused: number
  /** Keys with two chosen records. Anything but 0 is an alarm. */
  divergences: number
  /** Keys that came by repair. */
  keysRepaired: number
}

/** What the network counts, each only ever rising; read when the registry is. */
export interface Traffic {
  readonly messagesSent: number
  readonly messagesReceived: number
  /** Let go because there was no connection, or too much was waiting. */
  readonly messagesDropped: number
  /** Answers of repair among the messages sent, and the bytes they took. */
  readonly repairAnswersSent: number
  readonly repairBytesSent: number
  /** Whole values sent, by the receiver's cluster; repair's apart. */
  readonly valuesSent: ReadonlyMap<string, number>
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Connections that were refused: another network, a wrong secret. */
  readonly refusals: number
  /** Connections cut because the other end broke the protocol. */
  readonly breaches: number
  /** Addresses dialled because others spoke of them. */
  readonly hearsayDials: number
  /** Connections closed before anybody proved anything on them, by why. */
  readonly turnedAway: ReadonlyMap<string, number>
}

/** What the DHT counts; read when the registry is. */
export interface DhtCounts {
  /** Messages and streams that it refused, by what was wrong with them. */
  readonly refused: Readonly<Record<string, number>>
  /** Provider records held now. */
  readonly providersHeld: number
}

/** What is true now; must be cheap to say. */
export interface Readings {
  /** -1 when no config is known. */
  readonly epoch: number
  readonly keyCount: number
  /** Of keys and values. */
  readonly keyBytes: number
  readonly inDoubtCount: number
  readonly connectedPeerCount: number
  /** Connections on which nobody has proved to be a member. */
  readonly unprovedConnectionCount: number
  /** Every other peer that is known, and in words why it is not alive, if it is not. */
  readonly peers: readonly { readonly state: string; readonly reason: string }[]
}

/** A number of a further type. */
export interface TypeFigure {
  /** What follows the type's name. */
  readonly name: string
  readonly help: string
  readonly kind: 'gauge' | 'counter'
  readonly read: () => number
}

export interface Metrics {
  /** All of it, the process's own figures included; others may add to it. */
  readonly registry: Registry
  readonly tallies: Tallies
  /**
   * One transaction was synced: how many writes it held, and the seconds until they were on disk.
   */
  persisted(writeCount: number, seconds: number): void
  /** Names the source of the gauges; they are absent before. */
  observe(read: () => Readings): void
  /**
   * Names the network's own counts, which are read where they are; their counters are absent
   * before.
   */
  observeTraffic(traffic: Traffic): void
  /** Adds the figures of a further type. */
  observeType(type: string, figures: readonly TypeFigure[]): void
  /** Names the source of what is free where the store lies, in bytes. */
  observeDisk(read: () => number | undefined): void
  /** Names the DHT's own counts, in the same way. */
  observeDht(counts: DhtCounts): void
}

/**
 * Between looks at how late the event loop is. At the usual 10 ms they were most of what an idle
 * peer does.
 */
const LOOP_LOOK_MS = 500

/**
 * Of the library's own: `_total` is for counters. The same numbers are there by kind, without that
 * ending.
 */
const GAUGES_NAMED_AS_COUNTERS = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** Makes a registry with everything in it, each at 0. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS })
  for (const name of GAUGES_NAMED_AS_COUNTERS) registry.removeSingleMetric(name)
  const tallies = newTallies()
  registerTallies(registry, tallies)
  const batchWrites = new Distribution(BATCH_BUCKETS_WRITES)
  const syncSeconds = new Distribution(SYNC_BUCKETS_SECONDS)
  registerDistribution(
    registry,
    'replicator_persist_batch_writes',
    'Writes of one transaction; its count is the number of transactions',
    batchWrites,
  )
  registerDistribution(
    registry,
    'replicator_sync_seconds',
    'Seconds from handing a transaction to the store until it is on disk',
    syncSeconds,
  )
  return {
    registry,
    tallies,
    persisted: (writeCount, seconds) => {
      batchWrites.add(writeCount)
      syncSeconds.add(seconds)
    },
    observe: (read) => registerReadings(registry, read),
    observeTraffic: (traffic) => registerTraffic(registry, traffic, tallies),
    observeType: (type, figures) => registerFigures(registry, type, figures),
    observeDisk: (read) =>
      registerGauge(
        registry,
        'replicator_disk_free_bytes',
        'Bytes free where the store lies, -1 where the system does not tell',
        () => read() ?? -1,
      ),
    observeDht: (counts) => registerDht(registry, counts),
  }
}

function registerDistribution(registry: Registry, name: string, help: string, distribution: Distribution): void {
  registerSamples(registry, name, help, 'histogram', () => distribution.samples(name))
}

function newTallies(): Tallies {
  return {
    puts: { created: 0, 'stored-before': 0, conflict: 0, reused: 0, 'not-stored': 0, 'in-doubt': 0, 'not-ready': 0 },
    gets: { found: 0, absent: 0, unavailable: 0 },
    connectionsRefused: 0,
    divergences: 0,
    keysRepaired: 0,
  }
}

function registerTallies(registry: Registry, tallies: Tallies): void {
  registerByOutcome(registry, 'replicator_puts_total', 'Puts by their outcome at this coordinator', tallies.puts)
  registerByOutcome(registry, 'replicator_gets_total', 'Gets by their outcome', tallies.gets)
  const register = (name: string, help: string, read: () => number): void => registerCounter(registry, name, help, read)
  register('replicator_divergences_total', 'Keys with two chosen records; anything but 0 is an alarm', () => tallies.divergences)
  register('replicator_keys_repaired_total', 'Keys that came by repair', () => tallies.keysRepaired)
}

function registerTraffic(registry: Registry, traffic: Traffic, tallies: Tallies): void {
  const register = (name: string, help: string, read: () => number): void => registerCounter(registry, name, help, read)
  register('replicator_messages_sent_total', 'Messages sent to peers', () => traffic.messagesSent)
  register('replicator_messages_received_total', 'Messages received from peers', () => traffic.messagesReceived)
  register('replicator_messages_dropped_total', 'Messages that could not be sent', () => traffic.messagesDropped)
  register('replicator_repair_answers_sent_total', 'Answers of repair among the messages sent', () => traffic.repairAnswersSent)
  register('replicator_repair_sent_bytes_total', 'Bytes of them', () => traffic.repairBytesSent)
  registerLabelled(registry, 'replicator_values_sent_total', VALUES_SENT_HELP, 'cluster', () => traffic.valuesSent)
  register('replicator_sent_bytes_total', 'Bytes sent to peers', () => traffic.bytesSent)
  register('replicator_received_bytes_total', 'Bytes received from peers', () => traffic.bytesReceived)
  register('replicator_connections_refused_total', 'Connections refused', () => traffic.refusals + tallies.connectionsRefused)
  register('replicator_hearsay_dials_total', 'Addresses dialled because others spoke of them', () => traffic.hearsayDials)
  registerLabelled(registry, 'replicator_connections_turned_away_total', TURNED_AWAY_HELP, 'why', () => traffic.turnedAway)
  register('replicator_breaches_total', 'Connections cut because the other end broke the protocol', () => traffic.breaches)
}

function registerDht(registry: Registry, counts: DhtCounts): void {
  const refused = (): Iterable<[string, number]> => Object.entries(counts.refused)
  registerLabelled(registry, 'replicator_dht_refused_total', 'Messages and streams that the DHT refused', 'kind', refused)
  registerGauge(registry, 'replicator_dht_providers', 'Provider records held', () => counts.providersHeld)
}

function registerFigures(registry: Registry, type: string, figures: readonly TypeFigure[]): void {
  for (const { name: suffix, help, kind, read } of figures) {
    const name = `replicator_${type}_${suffix}`
    if (kind === 'counter') registerCounter(registry, name, help, read)
    else registerGauge(registry, name, help, read)
  }
}

function registerGauge(registry: Registry, name: string, help: string, read: () => number): void {
  const collect = function (this: Gauge): void {
    this.set(read())
  }
  registry.registerMetric(new Gauge({ name, help, registers: [], collect }))
}

function registerByOutcome(registry: Registry, name: string, help: string, tally: Readonly<Record<string, number>>): void {
  registerLabelled(registry, name, help, 'outcome', () => Object.entries(tally))
}

function registerLabelled(registry: Registry, name: string, help: string, label: string, read: () => Iterable<[string, number]>): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [],
      collect() {
        this.reset()
        for (const [value, count] of read()) this.inc({ [label]: value }, count)
      },
    }),
  )
}

function registerCounter(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset()
        this.inc(read())
      },
    }),
  )
}

function registerReadings(registry: Registry, read: () => Readings): void {
  const register = (name: string, help: string, field: Exclude<keyof Readings, 'peers'>): void => {
    registerGauge(registry, name, help, () => read()[field])
  }
  register('replicator_epoch', 'Epoch of the installed config, -1 without one', 'epoch')
  register('replicator_keys', 'Chosen keys held', 'keyCount')
  register('replicator_key_bytes', 'Bytes of the chosen keys and values held', 'keyBytes')
  register('replicator_keys_in_doubt', 'Keys accepted and not known to be chosen', 'inDoubtCount')
  registry.registerMetric(
    new Gauge({
      name: 'replicator_peers',
      help: 'Other peers known, by their state and why they are not alive',
      labelNames: ['state', 'reason'],
      registers: [],
      collect() {
        this.reset()
        for (const { state, reason } of read().peers) this.inc({ state, reason: labelOf(reason) })
      },
    }),
  )
  register('replicator_connected_peers', 'Peers connected', 'connectedPeerCount')
  register('replicator_unproved_connections', 'Connections on which nobody has proved to be a member', 'unprovedConnectionCount')
}

/**
 * Reasons that have a label of their own; what follows one in brackets, and all others, would make
 * ever new series.
 */
const REASONS = ['refused', 'timed out', 'silent', 'other network', 'other protocol version', 'other secret', 'closed by the other side']

function labelOf(reason: string): string {
  return reason === '' ? '' : (REASONS.find((known) => reason.startsWith(known)) ?? 'other')
}
