/**
 * What a seed means: the shape of the network, the faults and their rates, the load. Drawn anew for
 * each seed, and printed first.
 */
import { Chance } from './chance.ts'

export interface Options {
  readonly seed: number
  /** Peers of each cluster. */
  readonly clusterSizes: readonly number[]
  /**
   * True: one founder, and all others join it. False: the network stands already, with a config
   * drawn at random.
   */
  readonly isFounded: boolean
  /** What founders and joiners are told with `-min-peers`. */
  readonly minPeers: number
  /** One way a message takes, in milliseconds, inside a cluster and between clusters. */
  readonly nearMs: number
  readonly farMs: number
  /** Part of the delay that varies. */
  readonly jitter: number
  readonly lossRate: number
  readonly duplicateRate: number
  /** Messages that overtake others, and now and then survive the connection they were sent on. */
  readonly reorderRate: number
  /** Chance that a link is slow by a factor of ten. */
  readonly slowLinkRate: number
  /** But no slower than this, one way. */
  readonly slowestMs: number
  /** Votes that a representative loses on the way back. */
  readonly relayDropRate: number
  /**
   * Peers whose writes are synced one by one in any order; the others write as the runtime does.
   */
  readonly looseRate: number
  readonly syncMs: number
  readonly slowSyncRate: number
  readonly failedSyncRate: number
  /** Ticks come so much later than asked for, at most, in milliseconds. */
  readonly tickLateMs: number
  /** Faults, each as the mean time between two of its kind, in milliseconds; infinite for never. */
  readonly crashEveryMs: number
  readonly powerLossEveryMs: number
  readonly wipeEveryMs: number
  readonly fullDiskEveryMs: number
  readonly pauseEveryMs: number
  readonly partitionEveryMs: number
  readonly flapEveryMs: number
  readonly clockJumpEveryMs: number
  readonly changeEveryMs: number
  readonly withdrawEveryMs: number
  /** Requests of operators, one or two at a time. */
  readonly askEveryMs: number
  /** All peers of a cluster die, and its removal is asked for. */
  readonly loseClusterEveryMs: number
  /** A page of a list holds so many keys, and an answer so many bytes of records. */
  readonly pageKeys: number
  readonly pageBytes: number
  /** Learns that are lost, beyond `lossRate`: then what is copied must be copied by pulls. */
  readonly learnLossRate: number
  /**
   * Answers to pulls that are lost, and those that come later than it takes to withdraw a change.
   */
  readonly answerLossRate: number
  readonly answerHeldRate: number
  /** Joint configs upon which an old and a new voter lose each other for a moment. */
  readonly jointCutRate: number
  /** Openings whose sync takes a while. */
  readonly slowOpeningRate: number
  /** All peers stand still together for 10 to 60 s, as on a machine that sleeps. */
  readonly sleepEveryMs: number
  /** Voters that are silent for so long are replaced; infinite for never. */
  readonly replaceAfterMs: number
  readonly downMs: number
  readonly clientCount: number
  /** Whose puts begin with an offer where they may. */
  readonly offersBy: 'all' | 'some' | 'nobody'
  /** Mean time that a client thinks between two requests. */
  readonly thinkMs: number
  readonly keyCount: number
  /** Chance that a request is for a key used before rather than for the newest. */
  readonly rerunRate: number
  readonly putRate: number
  readonly givenIdRate: number
  readonly cancelRate: number
  readonly deadlineMs: number
  readonly loadMs: number
  /** Clients ask nothing more once so much was asked. */
  readonly operationsMax: number
  /** Every message goes through the codec; else one in 16 does. */
  readonly encodesAll: boolean
  /** Waits after healing until promises are folded as well. */
  readonly waitsForPromises: boolean
}

/** More than any run has time for; only a world that is being shrunk has fewer. */
const OPERATIONS_MAX = 1_000_000
const NEVER_MS = Number.POSITIVE_INFINITY
/** Above any seed, and no seed itself. */
const FULL_DISKS = 2 ** 40
const COPYING = 2 ** 41
const DISTANCE = 2 ** 44
/** Satellites, and uplinks that are full. */
const SLOWEST_MS = 4_000

export function drawOptions(seed: number, chance: Chance): Options {
  const clusterSizes = drawShape(chance)
  const peers = clusterSizes.reduce((sum, size) => sum + size, 0)
  const isRough = chance.happens(0.6)
  const often = (probability: number, lowMs: number, highMs: number): number => {
    const everyMs = chance.span(lowMs, highMs)
    return chance.happens(probability) ? everyMs : NEVER_MS
  }
  const sometimes = (probability: number, most: number): number => {
    const rate = chance.number() ** 2 * most
    return chance.happens(probability) ? rate : 0
  }
  return {
    seed,
    clusterSizes,
    isFounded: chance.happens(0.3),
    minPeers: chance.happens(0.5) ? 1 : chance.between(1, Math.min(...clusterSizes)),
    nearMs: chance.span(0.1, 3),
    farMs: chance.span(2, 60),
    jitter: chance.span(0, 2),
    lossRate: isRough ? sometimes(0.5, 0.2) : 0,
    duplicateRate: isRough ? sometimes(0.5, 0.2) : 0,
    reorderRate: isRough ? sometimes(0.5, 0.3) : 0,
    slowLinkRate: sometimes(0.4, 0.4),
    slowestMs: SLOWEST_MS,
    relayDropRate: sometimes(0.3, 0.5),
    looseRate: chance.pick([0, 0.5, 1]),
    syncMs: chance.pick([0.1, 1, 5, 20]),
    slowSyncRate: sometimes(0.4, 0.2),
    failedSyncRate: sometimes(0.2, 0.005),
    tickLateMs: chance.pick([1, 10, 25]),
    crashEveryMs: often(0.6, 300, 4_000),
    powerLossEveryMs: often(0.25, 1_500, 6_000),
    wipeEveryMs: often(0.3, 1_000, 5_000),
    pauseEveryMs: often(0.35, 500, 4_000),
    partitionEveryMs: often(0.4, 500, 5_000),
    flapEveryMs: often(0.4, 100, 2_000),
    clockJumpEveryMs: often(0.15, 500, 3_000),
    changeEveryMs: often(0.6, 300, 3_000),
    withdrawEveryMs: often(0.3, 500, 4_000),
    downMs: chance.pick([20, 200, 1_500, 4_000]),
    clientCount: Math.min(chance.between(1, 6), peers + 2),
    thinkMs: chance.pick([1, 20, 100]),
    keyCount: chance.pick([1, 3, 12, 40]),
    rerunRate: chance.span(0.1, 0.9),
    putRate: chance.span(0.3, 0.9),
    givenIdRate: chance.span(0, 0.6),
    cancelRate: sometimes(0.3, 0.2),
    deadlineMs: chance.pick([100, 800, 3_000, 10_000]),
    loadMs: chance.span(1_500, peers > 6 ? 4_000 : 8_000),
    operationsMax: OPERATIONS_MAX,
    encodesAll: peers <= 3 || chance.happens(0.1),
    waitsForPromises: chance.happens(0.05),
    askEveryMs: often(0.6, 100, 1_500),
    loseClusterEveryMs: often(0.1, 1_000, 4_000),
    // Drawn apart from all others, so that those mean what they meant before.
    fullDiskEveryMs: drawFullDisks(new Chance(seed + FULL_DISKS)),
    offersBy: whoOffers(seed),
    ...drawCopying(new Chance(seed + COPYING)),
    replaceAfterMs: often(0.3, 300, 4_000),
    ...drawDistance(new Chance(seed + DISTANCE)),
  }
}

/**
 * Nobody in every other seed, so that those mean what they meant before there were offers; some
 * peers in one seed of eight.
 */
function whoOffers(seed: number): Options['offersBy'] {
  if (seed % 2 !== 0) return 'nobody'
  return seed % 8 === 6 ? 'some' : 'all'
}

function drawFullDisks(chance: Chance): number {
  return chance.happens(0.25) ? chance.span(500, 5_000) : NEVER_MS
}

/**
 * In a share of the seeds clusters are far from one another; then load and deadlines last as much
 * longer as answers do.
 */
function drawDistance(
  chance: Chance,
): Partial<Pick<Options, 'farMs' | 'slowLinkRate' | 'deadlineMs' | 'loadMs' | 'pageKeys' | 'pageBytes'>> {
  if (!chance.happens(0.2)) return {}
  return {
    farMs: chance.span(60, 400),
    slowLinkRate: chance.pick([0, 0.1, 0.3]),
    deadlineMs: chance.pick([800, 3_000, 10_000, 30_000]),
    loadMs: chance.span(4_000, 16_000),
    // Each page costs a round trip: with a few keys on each, filling a peer would take as many as
    // there are keys.
    pageKeys: 64,
    pageBytes: 4_096,
  }
}

type Copying =
  | 'pageKeys'
  | 'pageBytes'
  | 'learnLossRate'
  | 'answerLossRate'
  | 'answerHeldRate'
  | 'jointCutRate'
  | 'slowOpeningRate'
  | 'sleepEveryMs'

/** What makes copying hard, and leaves it to pulls alone. */
function drawCopying(chance: Chance): Pick<Options, Copying> {
  const often = (probability: number, low: number, high: number): number => {
    const rate = chance.span(low, high)
    return chance.happens(probability) ? rate : 0
  }
  return {
    pageKeys: chance.between(2, 8),
    pageBytes: chance.between(1, 8),
    learnLossRate: chance.pick([0, 0, 0.5, 1]),
    answerLossRate: often(0.3, 0.05, 0.6),
    answerHeldRate: often(0.3, 0.05, 0.5),
    jointCutRate: often(0.4, 0.2, 1),
    slowOpeningRate: chance.pick([0, 0, 0.3, 1]),
    sleepEveryMs: often(0.2, 1_000, 6_000) || NEVER_MS,
  }
}

/** Mostly small networks, for what goes wrong can go wrong among few. */
function drawShape(chance: Chance): number[] {
  const size = chance.number()
  if (size < 0.25) return [chance.between(1, 3)]
  if (size < 0.5) return [chance.between(3, 5)]
  if (size < 0.7) return [chance.between(1, 2), chance.between(1, 2), chance.between(1, 2)]
  if (size < 0.9) return Array.from({ length: chance.between(2, 3) }, () => chance.between(1, 3))
  return Array.from({ length: chance.between(3, 5) }, () => chance.between(1, size < 0.97 ? 2 : 5))
}

/** The options as lines of `name value`. */
export function describeOptions(options: Options): string {
  const entries = Object.entries(options).map(([name, value]) => `${name} ${typeof value === 'number' ? short(value) : String(value)}`)
  const lines: string[] = []
  for (let from = 0; from < entries.length; from += 6) lines.push(`  ${entries.slice(from, from + 6).join(', ')}`)
  return lines.join('\n')
}

function short(value: number): string {
  if (value === NEVER_MS) return 'never'
  return Number.isInteger(value) ? String(value) : value.toFixed(3)
}
