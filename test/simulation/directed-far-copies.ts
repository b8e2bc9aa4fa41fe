/**
 * Scenarios of far links in repair: a question of a pull, what a peer holds and this one awaits,
 * and a pull that no other goes beside.
 */
import { HASH_BYTES, HashTree } from '../../protocols/base/hash-tree.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { ConfigChain } from '../../protocols/config/chain.ts'
import type { Collection } from '../../protocols/repair/collection.ts'
import { Copying } from '../../protocols/repair/copying.ts'
import { Pull } from '../../protocols/repair/pull.ts'
import { speechOfKeys } from '../../protocols/repair/speech.ts'
import { FAR_MS, HEALTH, Waiting, Watching, quorumOf, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

export const FAR_COPIES: readonly Scenario[] = [
  { name: 'far-pulls', play: farPulls },
  { name: 'far-roots', play: farRoots },
  { name: 'far-pulls-alone', play: farPullsAlone },
]

/** Of a peer that holds nothing. */
const EMPTY: Collection = {
  tree: new HashTree(),
  leaf: () => [],
  lacks: () => false,
  held: () => undefined,
  isWithheld: () => false,
  take: () => 0,
  page: () => ({ keys: [], more: false }),
  settle: () => undefined,
}
const EMPTY_ROOT = EMPTY.tree.rootHash()
const OTHER_ROOT = new Uint8Array(HASH_BYTES).fill(1)
/**
 * From one look at a peer of the own cluster to the next, with the random part of it in the middle.
 */
const LOOKS_APART_MS = 3_000

/**
 * A pull does not repeat a question while its answer may be on its way, the first time and later.
 */
function farPulls(): string[] {
  const bench = new Waiting()
  const { moment, outbox, nextId } = bench
  const pull = new Pull(voter('B'), 0, { moment, nextId, collection: EMPTY, speech: speechOfKeys(outbox), roundTripMs: () => FAR_MS })
  pull.begin()
  bench.sent()
  const isRepeated = (): boolean => {
    pull.tick()
    return bench.sent().length > 0
  }
  const firstMs = bench.until(20_000, isRepeated)
  bench.see('a pull repeats its question', firstMs, FAR_MS)
  bench.see('and repeats it again', bench.until(20_000, isRepeated) - firstMs, FAR_MS)
  return bench.lines
}

/** A repairs from others of its cluster. */
class Repairing extends Watching {
  /** What each of the others told that it holds. */
  readonly rootOf: Map<string, Uint8Array>
  private readonly copying: Copying<RegisterKey, ValueRecord>

  constructor(names: readonly string[]) {
    super()
    this.rootOf = new Map(names.map((name) => [name, EMPTY_ROOT]))
    for (const name of names) this.roster.onHeartbeat(this.meet(name, FAR_MS), HEALTH)
    const { self, moment, outbox, nextId, rootOf, roster } = this
    this.copying = new Copying({
      self,
      moment,
      nextId,
      collection: EMPTY,
      speech: speechOfKeys(outbox),
      roundTripMs: (peerId) => roster.roundTripMs(peerId),
      pageLimits: undefined,
      chain: { current: { quorum: quorumOf(names) }, epoch: 0, isVoter: () => false } as unknown as ConfigChain,
      roster,
      random: () => 0.5,
      toldBy: ({ peerId }) => ({ root: rootOf.get(peerId) ?? EMPTY_ROOT, rowCount: 0 }),
      answeredBy: () => undefined,
      onCaughtUp: () => undefined,
      onCopied: () => undefined,
    })
  }

  /** Lets time pass until something is pulled. @returns when */
  pulls(): number {
    return this.until(20_000, () => {
      this.copying.upkeep(false)
      return this.sent().length > 0
    })
  }

  /** Lets time pass. */
  pass(untilMs: number): void {
    this.until(untilMs, () => {
      this.copying.upkeep(false)
      return false
    })
  }
}

/**
 * What a far peer holds and this one does not is under way as long as the way is: only then is it
 * pulled.
 */
function farRoots(): string[] {
  const bench = new Repairing(['B'])
  // Just before the second look.
  bench.pass(LOOKS_APART_MS)
  bench.rootOf.set('B', OTHER_ROOT)
  bench.see('what a far peer holds is pulled', bench.pulls() - LOOKS_APART_MS, FAR_MS)
  return bench.lines
}

/** While the answer of a far peer may be on its way, the same is not pulled from another. */
function farPullsAlone(): string[] {
  const bench = new Repairing(['B', 'C'])
  bench.rootOf.set('B', OTHER_ROOT).set('C', OTHER_ROOT)
  bench.lines.push(`the first pull begins after ${bench.pulls()} ms`)
  bench.see('another pull begins', bench.pulls(), FAR_MS)
  return bench.lines
}
