/**
 * Looks for a smaller world in which a seed still goes wrong: fewer faults, peers, clients and
 * operations, less time. Greedy: a change is kept when the same checker still complains, and the
 * steps are gone through until none of them helps any more. Each change also draws the rest of the
 * chance anew, so a world that stays quiet may be bad luck: what is found is small, not the
 * smallest there is.
 */
import type { Changes } from './changes.ts'
import type { Options } from './options.ts'
import type { RunResult, simulate } from './world.ts'

/** Clusters that a seed may draw. */
const CLUSTERS_MAX = 5
/** Rates below are switched off, no longer halved. */
const RATE_MIN = 0.01
/** A load shorter than this is not cut any further. */
const LOAD_MS_MIN = 50

type Numeric = { [Name in keyof Options]: Options[Name] extends number ? Name : never }[keyof Options]
/**
 * A smaller world than the one that was just played; undefined when it is as small as this step can
 * make it.
 */
type Step = (options: Options, result: RunResult) => Changes | undefined

export interface ShrinkInit {
  readonly simulate: typeof simulate
  readonly seed: number
  /** Where to start from, beyond what the seed draws. */
  readonly changes: Changes
  /** Runs after the first. */
  readonly triesMax: number
  /** Told of each try: what was changed, and whether that was kept. */
  readonly tried: (tries: number, step: Changes, isKept: boolean) => void
}

export interface Shrunk {
  /** Of the first violation and of all that were kept. */
  readonly rule: string
  readonly changes: Changes
  /** The run of the smallest world found, with its trace. */
  readonly result: RunResult
  readonly tries: number
  /** False when the tries ran out before the steps did. */
  readonly isDone: boolean
}

const INTERVALS: readonly Numeric[] = [
  'crashEveryMs',
  'powerLossEveryMs',
  'wipeEveryMs',
  'fullDiskEveryMs',
  'pauseEveryMs',
  'partitionEveryMs',
  'flapEveryMs',
  'clockJumpEveryMs',
  'changeEveryMs',
  'withdrawEveryMs',
  'sleepEveryMs',
]
const RATES: readonly Numeric[] = [
  'lossRate',
  'duplicateRate',
  'reorderRate',
  'slowLinkRate',
  'relayDropRate',
  'looseRate',
  'slowSyncRate',
  'failedSyncRate',
  'cancelRate',
  'givenIdRate',
  'jitter',
  'learnLossRate',
  'answerLossRate',
  'answerHeldRate',
  'jointCutRate',
  'slowOpeningRate',
]
const PLACES = Array.from({ length: CLUSTERS_MAX }, (_, place) => place)

/** From what saves most to what saves least. */
const STEPS: readonly Step[] = [
  endAtViolation,
  withoutFaults,
  ...PLACES.map(withoutCluster),
  ...PLACES.map(withoutPeer),
  ...[...INTERVALS, ...RATES].map(without),
  ...INTERVALS.map(rarer),
  ...RATES.map(milder),
  (options) => (options.isFounded ? { isFounded: false } : undefined),
  (options) => (options.waitsForPromises ? { waitsForPromises: false } : undefined),
  (options) => halved('clientCount', options),
  (options) => (options.clientCount > 1 ? { clientCount: options.clientCount - 1 } : undefined),
  (options) => halved('operationsMax', options),
  (options) => (options.operationsMax > 1 ? { operationsMax: options.operationsMax - 1 } : undefined),
  (options) => (options.loadMs > LOAD_MS_MIN ? halved('loadMs', options) : undefined),
  (options) => halved('keyCount', options),
]

/** @returns undefined when the seed violates nothing */
export function shrink({ simulate: play, seed, changes: given, triesMax, tried }: ShrinkInit): Shrunk | undefined {
  let changes = given
  let result = play(seed, true, changes)
  const rule = result.violation?.rule
  if (rule === undefined) return undefined
  let tries = 0
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false
    for (const step of STEPS) {
      for (let next = step(result.options, result); next !== undefined; next = step(result.options, result)) {
        if (tries >= triesMax) return { rule, changes, result, tries, isDone: false }
        tries += 1
        const smaller = play(seed, true, { ...changes, ...next })
        const isKept = smaller.violation?.rule === rule
        tried(tries, next, isKept)
        if (!isKept) break
        changes = { ...changes, ...next }
        result = smaller
        isSmaller = true
      }
    }
  }
  return { rule, changes, result, tries, isDone: true }
}

/** What came after the violation was never played: the same run, told shorter. */
function endAtViolation({ loadMs, operationsMax }: Options, { coverage }: RunResult): Changes | undefined {
  const shorter: { -readonly [Name in keyof Options]?: Options[Name] } = {}
  const endMs = Math.ceil(coverage.simulatedMs)
  if (endMs < loadMs && endMs > 0) shorter.loadMs = endMs
  if (coverage.operations < operationsMax && coverage.operations > 0) shorter.operationsMax = coverage.operations
  return Object.keys(shorter).length === 0 ? undefined : shorter
}

function withoutFaults(options: Options): Changes | undefined {
  const off = [...INTERVALS, ...RATES].map((name) => without(name)(options)).filter((changes) => changes !== undefined)
  // A single one is left to its own step.
  return off.length < 2 ? undefined : (Object.assign({}, ...off) as Changes)
}

function without(name: Numeric): (options: Options) => Changes | undefined {
  const off = INTERVALS.includes(name) ? Number.POSITIVE_INFINITY : 0
  return (options) => (options[name] === off ? undefined : changed(name, off))
}

function withoutCluster(place: number): Step {
  return (options) => {
    const { clusterSizes } = options
    if (clusterSizes.length < 2 || place >= clusterSizes.length) return undefined
    return withSizes(
      options,
      clusterSizes.filter((_, index) => index !== place),
    )
  }
}

function withoutPeer(place: number): Step {
  return (options) => {
    const { clusterSizes } = options
    if ((clusterSizes[place] ?? 0) < 2) return undefined
    return withSizes(
      options,
      clusterSizes.map((size, index) => (index === place ? size - 1 : size)),
    )
  }
}

/** No cluster may wait for more peers than it has. */
function withSizes({ minPeers }: Options, clusterSizes: readonly number[]): Changes {
  const most = Math.min(...clusterSizes)
  return minPeers > most ? { clusterSizes, minPeers: most } : { clusterSizes }
}

function rarer(name: Numeric): Step {
  return (options) => {
    const everyMs = options[name]
    // Rarer than once a run, it does not come at all.
    return everyMs < options.loadMs ? changed(name, Math.ceil(everyMs * 2)) : undefined
  }
}

function milder(name: Numeric): Step {
  return (options) => (options[name] > RATE_MIN ? changed(name, Number((options[name] / 2).toPrecision(3))) : undefined)
}

function halved(name: Numeric, options: Options): Changes | undefined {
  const half = Math.floor(options[name] / 2)
  return half >= 1 ? changed(name, half) : undefined
}

function changed(name: Numeric, value: number): Changes {
  return { [name]: value }
}
