/**
 * A further type of data in a peer, beside write-once keys: a service with rows, messages and
 * requests of its own. What it says passes through the core, the runtime, the network and the store
 * as it is; none of them knows what it means. So a type is added by naming it where a peer is put
 * together (`PeerInit.types`).
 */
import type { Agreement } from './agreement/agreement.ts'
import type { Ceiling } from './base/ballot.ts'
import type { Config } from './base/config.ts'
import type { Sha256 } from './base/bytes.ts'
import type { Identity, PeerId } from './base/identity.ts'
import type { Moment, NextId } from './base/moment.ts'
import type { RowWrite, Rows } from './base/rows.ts'
import type { After } from './base/slot.ts'
import type { ConfigChain } from './config/chain.ts'
import type { ClientId } from './events.ts'
import type { Readiness } from './membership/readiness.ts'
import type { Roster } from './membership/roster.ts'
import type { Outbox } from './outbox.ts'
import type { RowCollection } from './repair/collection.ts'
import type { RequestOf, Service } from './service.ts'
import type { Codec } from './wire/codec.ts'
import type { Way } from './wire/message-rows.ts'

/** What a type is given by the peer that it lives in. */
export interface TypeContext {
  readonly self: Identity
  readonly moment: Moment
  /**
   * Milliseconds since 1970 as this machine has it: it jumps and drifts, and no safety may rest on
   * it.
   */
  readonly wallMs: () => number
  /** Numbers of questions. */
  readonly nextId: NextId
  /** From 0 up to, not including, 1. */
  readonly random: () => number
  readonly sha256: Sha256
  readonly codec: Codec
  /** The configs, and the quorum of the one in force. */
  readonly chain: ConfigChain
  /** Who is there, how far away, and how alive. */
  readonly roster: Roster
  readonly readiness: Readiness
  /** Ballots, polls of voters and what relays them. */
  readonly agreement: Agreement
  /** What the ceiling was before this opening: memory of promises at or below it is lost. */
  readonly floor: Ceiling
  /** This peer speaks no protocol that the config lets vote. */
  readonly isTooOld: () => boolean
  /** A peer is in a later epoch, and sent the configs that are lacking here, if any. */
  readonly onLaterEpoch: (peerId: PeerId, configs: readonly Config[]) => void
  readonly outbox: Outbox
  /**
   * The rows of this type, as written so far: what the store held at the start is here from the
   * first moment.
   */
  readonly rows: Rows
  /**
   * Writes rows of this type, all or none. @param name of the slot that a send, or an answer, can
   * wait for
   */
  persist(name: string, rows: readonly RowWrite[], urgency?: 'barrier' | 'lazy' | 'usual'): void
  /**
   * Says something to the same type of a peer, perhaps this one. It is dropped where that peer does
   * not know the type.
   *
   * @param after what must be on disk before it leaves, besides every barrier
   * @param way `bulk` for what is large and nobody waits for, `spare` for what is let go first
   * where much is waiting: both come by another way when they are lost
   */
  send(to: PeerId, body: Uint8Array, after: After, way?: Way | 'spare'): void
  /** True when the peer, perhaps this one, knows the type. */
  speaks(peerId: PeerId): boolean
  /** True when all voters know the type: what rests on voters may be used. */
  readonly isOpen: boolean
  /** Ends a client's request. @param after what must be on disk before the client is told */
  answer(client: ClientId, answer: unknown, after: After): void
  /** Tells a client that goes on listening: any number of times before the request ends. */
  tell(client: ClientId, event: unknown, after: After): void
  /**
   * Has a write-once key of this type decided, as clients' keys are, by the voters and for good. It
   * is never forgotten.
   *
   * @param name 1 to 980 bytes of UTF-8, without U+0000
   * @param settled told once: the value that the key has, this one or another; undefined when that
   * was not decided by the deadline, and may be later
   */
  decide(name: string, value: Uint8Array, deadlineMs: number, settled: (value: Uint8Array | undefined) => void): void
  /** The value of such a key, when it is known here. */
  decided(name: string): Uint8Array | undefined
  /** The names of such keys that the store held at the start. */
  decidedNames(): readonly string[]
  /**
   * A line in the log. @param isAlarm what must not be is found: it is counted, and told in the
   * warnings by the type itself
   */
  note(text: string, isAlarm: boolean): void
  /**
   * Pulls all that a connected peer holds of this type. @param ended told once, with true when it
   * is all here
   */
  pull(source: Identity, ended: (isDone: boolean) => void): void
}

/** A number that a type tells to whoever draws graphs. */
export interface Figure {
  /**
   * Lower case, with underscores: `replicator_<type>_<name>` is what it is called. Of a counter it
   * ends in `total`.
   */
  readonly name: string
  readonly help: string
  /** A counter only rises. */
  readonly kind: 'gauge' | 'counter'
  /** Cheap to say. */
  readonly read: () => number
}

export interface DataType extends Service {
  /** Its rows, where peers repair them among one another. */
  readonly collection?: RowCollection
  /**
   * A peer, perhaps this one, said something.
   *
   * @throws MalformedBytes for what no peer of this protocol writes, before anything came of it:
   * its connection is closed
   */
  told(from: Identity, body: Uint8Array): void
  /**
   * A write-once key of this type is known here from now on (`TypeContext.decide`), whoever had it
   * decided.
   */
  decided?(name: string, value: Uint8Array): void
  /** How much is under way, by name: it comes back to nothing when all is done. */
  readonly load?: Readonly<Record<string, number>>
  /** What it shows of itself beside its rows, for people: names and values as JSON has them. */
  status?(): Readonly<Record<string, unknown>>
  /** What an operator should know, in words; nothing when all is well. */
  warnings?(): readonly string[]
  /** Its figures for graphs. */
  readonly figures?: readonly Figure[]
  /**
   * A client asks for something. It is answered, or told and then answered; until then it may be
   * cancelled (`cancel`).
   */
  asked(request: RequestOf<'typed'>): void
}

/** What a peer is given of a type. */
export interface TypeDefinition {
  /** Of its slots, its rows and its requests. */
  readonly name: string
  /** Of its messages, 0 to 255. A code that was ever in use keeps its meaning. */
  readonly code: number
  /**
   * The protocol version from which on builds know the type, 2 or more: nobody who speaks none so
   * late is told of it.
   */
  readonly since: number
  /** Makes it for one peer. */
  readonly create: (context: TypeContext) => DataType
}
