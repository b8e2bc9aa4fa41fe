/**
 * A type of data as the simulator sees it: operations that clients are drawn to do, a model of what
 * should come of them, and checkers that hold the peers to it. World, faults, disk and network know
 * slots and no type; each type lives in a folder of `types/`, and says here what it needs.
 */
import type { Config } from '../../protocols/base/config.ts'
import type { TypeDefinition } from '../../protocols/data-type.ts'
import type { Outcome, TypeOutcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Ledger } from './checkers/ledger.ts'
import type { Coverage } from './coverage.ts'
import type { Observer } from './observer.ts'
import type { Options } from './options.ts'
import type { SimulatedPeer } from './peer.ts'
import type { Trace } from './trace.ts'

export interface TypeInit {
  readonly agenda: Agenda
  /** Of this type alone. */
  readonly chance: Chance
  readonly trace: Trace
  readonly options: Options
  readonly peers: readonly SimulatedPeer[]
  /** The configs that were decided. */
  readonly ledger: Ledger
  /**
   * What a rule allows: so long, and where links are far, so many of the longest round trips
   * between two peers.
   */
  readonly allowedMs: (leastMs: number, farthestRoundTrips: number) => number
  /** A number that no client's request had before. */
  readonly nextClient: () => ClientId
}

/** What is not as it must be, with the rule that wants it. */
export interface Lacking {
  readonly rule: string
  readonly detail: string
}

/**
 * What peers tell of themselves reaches every type: each looks at what is its own. All of it may
 * throw a Violation.
 */
type Watching = Partial<Pick<Observer, 'persisting' | 'hardened' | 'sending' | 'left' | 'noted'>>

/** One type in one run. */
export interface SimulatedType extends Watching {
  /** True while something is under way that a fault may break: such faults are counted. */
  readonly isAnyInDoubt?: boolean
  /** Clients begin to ask. */
  begin(): void
  /** Clients ask nothing more of themselves: the network is being healed. */
  stop(): void
  /** A client is answered; it may be a client of another type. */
  answered(client: ClientId, outcome: Outcome): void
  /** A client is told something, and its request goes on. */
  told?(client: ClientId, outcome: TypeOutcome): void
  /** The peer is about to start. */
  starting?(peer: SimulatedPeer): void
  /** The peer's process is gone, with what was not on disk: whoever waits for it learns nothing. */
  crashed(peer: SimulatedPeer): void
  decided?(config: Config): void
  /** Looks at what is on disk now, again and again. */
  probe?(): void
  /** @returns what has not come true yet, after healing; undefined when all has */
  unsettled(): Lacking | undefined
  /** After healing: all of these are asked for the same thing at once. */
  contend?(peers: readonly SimulatedPeer[]): void
  /**
   * Others are gone for good: this peer goes on serving. @param missing who is gone, for messages
   */
  survive?(peer: SimulatedPeer, missing: string): void
  /** The run is over, and all has settled: the whole history is held against the model. */
  check(): void
  /** Adds what this type covered in the run. */
  cover(coverage: Coverage): void
}

/** What a world is told of a type. */
export interface WorldType {
  /**
   * Begins it in a run. Types are begun in the order of their list, because each draws its chance.
   */
  readonly begin: (init: TypeInit) => SimulatedType
  /** What it adds to a peer; undefined for keys, which every peer has. */
  readonly further?: TypeDefinition | undefined
  /** What must be so in a world that has it, whatever was drawn. */
  readonly needs?: Partial<Options>
}
