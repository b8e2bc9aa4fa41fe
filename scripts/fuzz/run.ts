/**
 * Fuzzes one peer for a while. Cases come one after another, and each has its own chance from the
 * seed and its number: the same seed says the same things in the same order, and one case can be
 * said by itself.
 */
import { Chance } from '../../test/simulation/chance.ts'
import { fuzzHttp } from './http.ts'
import { PeerFuzzer } from './peers.ts'
import { Found, Subject } from './subject.ts'

export interface FuzzOptions {
  /** The checkout whose peer is fuzzed. */
  readonly root: string
  readonly seconds: number
  readonly seed: number
  /** The number of the first case. */
  readonly first: number
  /** Run this many cases however long it takes; undefined: until time is over. */
  readonly cases: number | undefined
  /** For the peer's Node. */
  readonly nodeFlags: readonly string[]
}

export interface FuzzResult {
  /** How many requests, frames and messages of each kind were sent. */
  readonly said: ReadonlyMap<string, number>
  /** What was found, and in which case; undefined when all is well. */
  readonly found: { readonly number: number; readonly kind: string; readonly what: string } | undefined
}

/** Apart from one another in the sequence of seeds. */
const CASE_STRIDE = 0x9e37_79b1
/** The number of a case counts below the seed. */
const SEED_STRIDE = 1_000_003

/** Returns how much it has said. */
type Case = (chance: Chance) => Promise<number>

export async function runFuzz(options: FuzzOptions, signal: AbortSignal): Promise<FuzzResult> {
  const subject = await Subject.start(options.root, options.nodeFlags)
  const peers = new PeerFuzzer(subject, options.root)
  const kinds: readonly (readonly [string, Case])[] = [
    ['http', (chance) => fuzzHttp(subject, chance)],
    ['frames before the proof', (chance) => peers.beforeProof(chance)],
    ['frames after the proof', (chance) => peers.afterProof(chance)],
    ['dht', (chance) => peers.dht(chance)],
    ['identify', (chance) => peers.identify(chance)],
  ]
  const said = new Map<string, number>()
  try {
    const deadlineMs = performance.now() + options.seconds * 1_000
    for (let number = options.first; !signal.aborted; number += 1) {
      const isEnough = options.cases === undefined ? performance.now() > deadlineMs : number >= options.first + options.cases
      if (isEnough) break
      const chance = new Chance(options.seed * SEED_STRIDE + number * CASE_STRIDE)
      const turn = kinds[number % kinds.length]
      if (turn === undefined) break
      const [kind, run] = turn
      try {
        said.set(kind, (said.get(kind) ?? 0) + (await run(chance)))
        await subject.check()
      } catch (error) {
        // Whatever it was that failed here: a peer that has ended explains it.
        const what = await subject.check().then(
          () => error,
          (fault: unknown) => fault,
        )
        if (what instanceof Found) return { said, found: { number, kind, what: what.message } }
        throw what
      }
    }
    return { said, found: undefined }
  } finally {
    await peers.stop().catch(() => {})
    await subject.close()
  }
}
