/**
 * The only ways out of the core: plain data, performed in order.
 *
 * Order is safety here. A `send` says what it rests on: the writes of one slot, nothing, or
 * everything written so far. It leaves only when those of them that were issued before it are
 * synced, and every barrier that was. A barrier's sync comes no sooner than that of all writes
 * before it. Sends held back by the same sync leave in their order.
 */
import type { ClusterId, PeerId } from './base/identity.ts'
import type { AnyWrite } from './base/persist.ts'
import type { ValueRecord } from './base/record.ts'
import type { RegisterKey } from './base/register.ts'
import type { After } from './base/slot.ts'
import type { ClientId, Consistency } from './events.ts'
import type { Message } from './wire/messages.ts'

export type Effect =
  | { readonly kind: 'persist'; readonly write: AnyWrite }
  | {
      readonly kind: 'send'
      readonly to: PeerId
      readonly message: Message
      /** What must be on disk before it leaves, besides every barrier. */
      readonly after: After
    }
  /** Ends a client's request. */
  | {
      readonly kind: 'answer'
      readonly client: ClientId
      readonly outcome: Outcome
      /**
       * As of a send; `at once`: what it says rests on nothing that this peer has yet to sync, not
       * even on a barrier.
       */
      readonly after: After | 'at once'
    }
  /** Tells a client whose request goes on: before its answer, any number of times. */
  | { readonly kind: 'tell'; readonly client: ClientId; readonly outcome: TypeOutcome; readonly after: After }
  /** A peer was heard of; whoever keeps connections decides whether to dial it. */
  | { readonly kind: 'meet'; readonly peerId: PeerId; readonly clusterId: ClusterId; readonly addresses: readonly string[] }
  /** Close the connection: the peer is silent, of another network, or speaks nonsense. */
  | { readonly kind: 'disconnect'; readonly peerId: PeerId; readonly reason: string }
  | { readonly kind: 'note'; readonly note: Note }

/** The end of a client's request. Every member has exactly one HTTP status (`src/http/`). */
export type Outcome = KeyOutcome | ChangeOutcome | TypeOutcome

/** The end of what a client asked of a further type of data; the type says what its answers are. */
export interface TypeOutcome {
  readonly kind: 'typed'
  readonly type: string
  readonly answer: unknown
}

/** The end of a put or a get. */
export type KeyOutcome =
  | { readonly kind: 'created'; readonly record: ValueRecord }
  /** The same put was stored before this request. */
  | { readonly kind: 'stored-before'; readonly record: ValueRecord }
  | { readonly kind: 'conflict'; readonly record: ValueRecord }
  /** The same writeId stored another value or content type. */
  | { readonly kind: 'reused'; readonly record: ValueRecord }
  | { readonly kind: 'not-stored' }
  | { readonly kind: 'in-doubt'; readonly writeId: string }
  | { readonly kind: 'not-ready'; readonly detail: string }
  | { readonly kind: 'found'; readonly record: ValueRecord; readonly consistency: Consistency }
  | { readonly kind: 'absent'; readonly consistency: Consistency }
  | { readonly kind: 'unavailable'; readonly detail: string }

/** The end of an operator's request. */
export type ChangeOutcome =
  /**
   * Done, and a quorum of the new voters has installed it: whoever was removed may be switched off.
   */
  | { readonly kind: 'changed'; readonly epoch: number }
  /** All was as asked for, in this epoch, after the request came. */
  | { readonly kind: 'unchanged'; readonly epoch: number }
  /**
   * The time ran out while the change was under way, or while its first step was: it may go on
   * without the asker.
   */
  | { readonly kind: 'changing'; readonly epoch: number }
  /** Not done, and why, and how to mend it. */
  | { readonly kind: 'change-refused'; readonly detail: string }
  /** The time ran out before the change had begun: nothing is done, nor will be. */
  | { readonly kind: 'change-expired'; readonly detail: string }
  | { readonly kind: 'not-ready'; readonly detail: string }

/** Things worth a line in the log and a counter; nothing is decided by them. */
export type Note =
  | { readonly kind: 'config-installed'; readonly epoch: number; readonly joint: boolean }
  | { readonly kind: 'change-begun'; readonly epoch: number }
  /** Of one type, `keys` or the name of another, as far as it is repaired. */
  | { readonly kind: 'caught-up'; readonly type: string; readonly keyCount: number }
  | { readonly kind: 'repaired'; readonly type: string; readonly from: PeerId; readonly keyCount: number }
  /** Two chosen records for one key: the key is no longer served and both are kept. */
  | { readonly kind: 'divergence'; readonly key: RegisterKey; readonly held: ValueRecord; readonly told: ValueRecord }
  | { readonly kind: 'finished'; readonly key: RegisterKey }
  /** What a further type says of itself. */
  | { readonly kind: 'type-note'; readonly type: string; readonly text: string; readonly isAlarm: boolean }
  | { readonly kind: 'peer-state'; readonly peerId: PeerId; readonly state: PeerState; readonly reason: string }
  | { readonly kind: 'refused'; readonly peerId: PeerId; readonly reason: string }
  /**
   * The peer, perhaps this one, speaks no protocol version that the config lets vote: it learns.
   */
  | { readonly kind: 'too-old'; readonly peerId: PeerId }
  /** The two, one of them perhaps this peer, must reach one another and have not for a while. */
  | { readonly kind: 'apart'; readonly pair: readonly [PeerId, PeerId] }

/** How a peer looks from here. Counting votes never depends on it. */
export type PeerState = 'self' | 'alive' | 'suspect' | 'gone'
