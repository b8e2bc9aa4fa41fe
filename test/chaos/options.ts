/** What a chaos run does, drawn from its seed: the network, its clients, its faults. */
import { Chance } from '../simulation/chance.ts'
import type { Planted } from './control.ts'
import type { LogKind } from './logs/dialects.ts'

export const FAULTS = ['kill', 'power-loss', 'pause', 'stop', 'cut', 'slow', 'clock', 'damage', 'wipe'] as const
export type FaultKind = (typeof FAULTS)[number]

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  readonly clusters: number
  readonly peersPerCluster: number
  readonly clients: number
  /**
   * How often each kind of fault comes, against the others; 0 for those that this run does without.
   */
  readonly weights: Readonly<Record<FaultKind, number>>
  /** Between the begin of one fault and of the next: from none to this. */
  readonly faultEveryMs: number
  /** How long a peer is away, or a link cut: up to this. */
  readonly outageMs: number
  /** Of every disk, all the time; a loss of power has more of it just before. */
  readonly diskDelayMs: number
  /** Keys that all clients fight over at a time. */
  readonly contendedKeys: number
  readonly valueBytesMax: number
  /**
   * Links are cut in the network below the peers, each of which is in a namespace of its own, not
   * in the peers.
   */
  readonly namespaces: boolean
  readonly planted: Planted | undefined
  /**
   * The last cluster lies so far from the others: a message takes so many milliseconds, and an
   * answer as many.
   */
  readonly farMs: number
  /** Faults that end or stop peers are done to all of them, always. */
  readonly everybody: boolean
  /** A log over each of these stores, with a store at every peer. */
  readonly logs: readonly LogKind[]
}

export interface Asked {
  readonly seed: number
  readonly seconds: number
  readonly clusters?: number | undefined
  readonly peersPerCluster?: number | undefined
  readonly clients?: number | undefined
  readonly namespaces?: boolean | undefined
  readonly planted?: Planted | undefined
  readonly farMs?: number | undefined
  /** In place of those drawn. */
  readonly weights?: Readonly<Partial<Record<FaultKind, number>>> | undefined
  readonly diskDelayMs?: number | undefined
  readonly everybody?: boolean | undefined
  readonly logs?: readonly LogKind[] | undefined
}

const SHAPES = [
  [3, 3],
  [2, 3],
  [1, 5],
] as const
/** Logs have clients, stores and faults of their own, and live in one cluster. */
const LOG_SHAPE = [1, 5] as const
const CLIENTS_BESIDE_LOGS = 3
/** A disk that is lost takes its voter with it, and its store waits for an operator to have it filled. */
const NOT_WITH_LOGS: readonly FaultKind[] = ['damage', 'wipe']

/** The same numbers for the same seed, whatever else was asked for. */
export function drawOptions(asked: Asked): ChaosOptions {
  const chance = new Chance(asked.seed)
  const drawnShape = chance.pick(SHAPES)
  const { logs = [] } = asked
  const [clusters, peersPerCluster] = logs.length > 0 ? LOG_SHAPE : drawnShape
  const drawn = Object.fromEntries(FAULTS.map((kind) => [kind, chance.happens(0.75) ? chance.between(1, 4) : 0])) as Record<
    FaultKind,
    number
  >
  if (logs.length > 0) for (const kind of NOT_WITH_LOGS) drawn[kind] = 0
  if (FAULTS.every((kind) => drawn[kind] === 0)) drawn.kill = 1
  const none = Object.fromEntries(FAULTS.map((kind) => [kind, 0])) as Record<FaultKind, number>
  return {
    seed: asked.seed,
    seconds: asked.seconds,
    clusters: asked.clusters ?? clusters,
    peersPerCluster: asked.peersPerCluster ?? peersPerCluster,
    faultEveryMs: chance.pick([2_000, 4_000, 8_000]),
    outageMs: chance.pick([1_000, 3_000, 8_000]),
    diskDelayMs: asked.diskDelayMs ?? drawnDelay(chance),
    contendedKeys: chance.between(1, 4),
    valueBytesMax: chance.pick([100, 10_000, 300_000]),
    clients: asked.clients ?? (logs.length > 0 ? CLIENTS_BESIDE_LOGS : chance.between(8, 16)),
    weights: asked.weights === undefined ? drawn : { ...none, ...asked.weights },
    namespaces: asked.namespaces ?? false,
    planted: asked.planted,
    farMs: asked.farMs ?? 0,
    everybody: asked.everybody ?? false,
    logs,
  }
}

function drawnDelay(chance: Chance): number {
  return chance.pick([0, 5, 30])
}

/** Name and value of each, a line each. */
export function describeOptions(options: ChaosOptions): string {
  const weights = FAULTS.map((kind) => `${kind} ${options.weights[kind]}`).join(', ')
  const others = Object.entries(options).filter(([name, value]) => name !== 'weights' && value !== undefined)
  return [...others.map(([name, value]) => `  ${name}: ${String(value)}`), `  weights: ${weights}`].join('\n')
}
