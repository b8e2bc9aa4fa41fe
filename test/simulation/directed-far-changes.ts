/**
 * Scenarios of far links in changes of the config: who takes one over, how long a try lasts, and
 * when a change is taken back.
 */
import type { Coordinator } from '../../protocols/agreement/coordinator.ts'
import { Latencies } from '../../protocols/agreement/latency.ts'
import { RoundTrips } from '../../protocols/agreement/round-trips.ts'
import type { Claim } from '../../protocols/agreement/run.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { Reach } from '../../protocols/base/reach.ts'
import type { ConfigChain } from '../../protocols/config/chain.ts'
import { Change } from '../../protocols/config/change.ts'
import { ConfigExchange } from '../../protocols/config/exchange.ts'
import type { Roster } from '../../protocols/membership/roster.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { CLUSTER, FAR_MS, FAR_REACH, Waiting, configOf, quorumOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

const OLD = ['A', 'B', 'C']
const NEXT = ['B', 'C', 'D']
const JOINT: Config = { ...configOf(OLD), epoch: 1, next: new Map([[CLUSTER, NEXT.map(voter)]]) }
/**
 * What a try to decide must have time for: a rival that comes between, and then a reserve and a
 * commit of its own.
 */
const TRY_ROUND_TRIPS = 8

export const FAR_CHANGES: readonly Scenario[] = [
  { name: 'far-configs', play: farConfigs },
  { name: 'far-drivers', play: farDrivers },
  { name: 'far-withdrawals', play: farWithdrawals },
]

/** A, while a change is joint. All that it asks of agreement is to decide a config. */
class Changing extends Waiting {
  readonly change: Change
  /** Peers that do not answer, and those of them that have no connection either. */
  readonly silent: Set<string> = new Set()
  readonly lost: Set<string> = new Set()
  /** The others are as far as all are. */
  readonly near: Set<string> = new Set()
  private claim: Claim | undefined

  constructor() {
    super()
    const { self, moment, outbox, silent, lost, near } = this
    const coordinator: Pick<Coordinator, 'claim'> = { claim: (_, claim) => void (this.claim = claim) }
    const get: (peerId: string) => unknown = (peerId) => ({ state: silent.has(peerId) ? 'suspect' : 'alive', identity: voter(peerId) })
    const reach: Reach = {
      ...FAR_REACH,
      isConnectedAs: ({ peerId }) => !lost.has(peerId),
      roundTripMs: (peerId) => (near.has(peerId) ? 1 : FAR_MS),
    }
    const quorum = quorumOf(OLD)
    this.change = new Change({
      self,
      moment,
      outbox,
      codec: new Codec(utf8),
      chain: { current: { config: JOINT }, epoch: JOINT.epoch } as unknown as ConfigChain,
      roster: { get, isPutBack: () => false } as unknown as Roster,
      coordinator: coordinator as Coordinator,
      roundTrips: new RoundTrips(self, reach, new Latencies(), () => quorum),
      known: () => [],
      replaceAfterMs: undefined,
      protocolMax: 1,
    })
  }

  /**
   * Lets time pass until this peer has a config decided. @returns when, and how long it tries to
   */
  decides(): { readonly atMs: number; readonly triedMs: number } {
    const atMs = this.until(120_000, () => {
      this.change.tick()
      return this.claim !== undefined
    })
    return { atMs, triedMs: (this.claim?.deadlineMs ?? 0) - atMs }
  }
}

/**
 * A far peer that is in a later epoch is asked for it once, however often it says so before it can
 * have answered.
 */
function farConfigs(): string[] {
  const bench = new Waiting()
  const { self, moment, outbox } = bench
  const chain = { epoch: 0, networkId: JOINT.networkId } as ConfigChain
  const roundTrips = new RoundTrips(self, FAR_REACH, new Latencies(), () => undefined)
  const exchange = new ConfigExchange({ chain, outbox, moment, roundTrips }, () => undefined)
  const isAsked = (): boolean => {
    exchange.onEpoch(voter('B').peerId, JOINT.networkId, JOINT.epoch)
    return bench.sent().length > 0
  }
  bench.lines.push(`a far peer is asked for its configs after ${bench.until(20_000, isAsked)} ms`)
  bench.see('and asked again', bench.until(20_000, isAsked), FAR_MS)
  return bench.lines
}

/**
 * Whoever drives a change has the time to end it before another voter does, and a try to decide
 * lasts until a rival has had its time.
 */
function farDrivers(): string[] {
  const bench = new Changing()
  for (const holder of ['B', 'C']) bench.change.onCovered(voter(holder), JOINT.epoch, OLD.map(voter))
  const { atMs, triedMs } = bench.decides()
  bench.see('the first of the other voters takes a change over', atMs, 2 * FAR_MS)
  bench.see('its try to decide is given up', triedMs, TRY_ROUND_TRIPS * FAR_MS)
  return bench.lines
}

/**
 * New voters that are far have time to answer before their change is taken back, and to come back
 * when their connections are lost.
 */
function farWithdrawals(): string[] {
  const bench = new Changing()
  bench.change['ownEpoch'] = JOINT.epoch
  for (const name of ['C', 'D']) bench.silent.add(name)
  bench.see('a change whose new voters are silent is taken back', bench.decides().atMs, 2 * FAR_MS)
  const other = new Changing()
  other.change['ownEpoch'] = JOINT.epoch
  other.near.add('B')
  for (const name of ['C', 'D']) {
    other.silent.add(name)
    other.lost.add(name)
  }
  bench.see('one whose new voters are lost is taken back', other.decides().atMs, 2 * FAR_MS)
  return bench.lines
}
