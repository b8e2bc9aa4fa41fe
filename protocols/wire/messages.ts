/**
 * Everything that peers say to one another, as a union whose every field says why it exists. `codec.ts` writes it as bytes.
 *
 * All messages may be lost, repeated or reordered. A message comes with its sender's identity (agreed in the greeting)
 * and its sender's highest round (in the frame's header).
 */
import type { Ballot, Ceiling } from '../base/ballot.ts'
import type { ClusterId, Identity, NetworkId, PeerId } from '../base/identity.ts'
import type { Accepted, ValueRecord } from '../base/record.ts'
import type { LeafEntry, RegisterKey } from '../base/register.ts'
import type { Config } from '../base/config.ts'

/** What a coordinator asks of one acceptor. The epoch of a reserve and of a commit is its ballot's. */
export type AcceptorRequest =
  | { readonly kind: 'reserve'; readonly key: RegisterKey; readonly ballot: Ballot }
  | { readonly kind: 'commit'; readonly key: RegisterKey; readonly ballot: Ballot; readonly record: ValueRecord }
  | { readonly kind: 'read'; readonly key: RegisterKey; readonly epoch: number }

/** What an acceptor answers. */
export type AcceptorReply =
  | { readonly kind: 'promised'; readonly ballot: Ballot; readonly accepted: Accepted | undefined }
  | { readonly kind: 'rejected'; readonly ballot: Ballot; readonly higher: Ballot }
  | { readonly kind: 'committed'; readonly ballot: Ballot }
  | { readonly kind: 'seen'; readonly epoch: number; readonly accepted: Accepted | undefined }
  | { readonly kind: 'chosen'; readonly record: ValueRecord }
  /** The receiver is in a later epoch; the configs that the asker lacks, oldest first, at most CONFIGS_PER_MESSAGE_MAX. */
  | { readonly kind: 'stale'; readonly configs: readonly Config[] }

/** A reply with the voter that gave it: votes are counted by this pair and never by connection. */
export interface Vote {
  readonly sender: Identity
  readonly body: AcceptorReply
}

/** What is known of a peer, passed on so that peers find one another without a search. Soft: nothing is decided by it. */
export interface RosterEntry {
  readonly peerId: PeerId
  readonly clusterId: ClusterId
  /** Multiaddrs in text form. */
  readonly addresses: readonly string[]
}

export type Message =
  // Agreement. `id` is the asker's own number for the question and comes back with the answer.
  | { readonly kind: 'request'; readonly id: number; readonly target: Identity; readonly body: AcceptorRequest }
  | { readonly kind: 'reply'; readonly id: number; readonly vote: Vote }
  /** To a representative: forward the body to these voters of your cluster (you may be one). */
  | { readonly kind: 'relay'; readonly id: number; readonly targets: readonly Identity[]; readonly body: AcceptorRequest }
  | { readonly kind: 'relayed'; readonly id: number; readonly votes: readonly Vote[] }
  /**
   * The register is chosen: with its record, or as what was accepted at exactly `ballot`.
   * `spread` asks the receiver to pass it on to the peers of its own cluster, or, of a voter, to the whole network but the sender's cluster.
   */
  | {
      readonly kind: 'learn'
      readonly key: RegisterKey
      readonly ballot: Ballot | undefined
      readonly record: ValueRecord | undefined
      readonly spread: false | 'cluster' | 'network'
    }
  /** Asks for a chosen record; answered by a learn that carries it, or not at all. */
  | { readonly kind: 'want'; readonly key: RegisterKey }
  // Configuration.
  /** Asks for the configs from this epoch on; from 0 when the asker has none. Answered by the oldest of them that one message carries. */
  | { readonly kind: 'configs-wanted'; readonly networkId: NetworkId | undefined; readonly since: number }
  | { readonly kind: 'configs'; readonly configs: readonly Config[] }
  // Who is there.
  /**
   * `sentAtMs`: the sender's own time. `echoMs`: the receiver's time, from its last heartbeat, moved on by as long as it lay here.
   * `wantsAnswer`: the receiver answers at once, unless it has a heartbeat of its own to send soon. `doubted`: peers of the sender's
   * cluster that have been silent to it for a while; whoever hears of it may ask them itself.
   */
  | {
      readonly kind: 'heartbeat'
      readonly sentAtMs: number
      readonly echoMs: number | undefined
      readonly wantsAnswer: boolean
      readonly health: Health
      readonly doubted: readonly PeerId[]
    }
  | { readonly kind: 'roster'; readonly entries: readonly RosterEntry[] }
  // Repair and transfer. `minEpoch` above 0: answer only once a config of that epoch is installed, from memory: what counts in the
  // end is what the asker has on disk.
  /** Keys accepted and not chosen, in the order of their UTF-16 code units, after the given one. */
  | { readonly kind: 'doubts-wanted'; readonly id: number; readonly minEpoch: number; readonly after: RegisterKey | undefined }
  | { readonly kind: 'doubts'; readonly id: number; readonly keys: readonly RegisterKey[]; readonly more: boolean }
  /** The hashes below one node of the tree: the 256 groups (`group` undefined) or the 256 leaves of one group. */
  | { readonly kind: 'hashes-wanted'; readonly id: number; readonly minEpoch: number; readonly group: number | undefined }
  /** 256 hashes of 16 bytes each. */
  | { readonly kind: 'hashes'; readonly id: number; readonly group: number | undefined; readonly hashes: Uint8Array }
  /** The entries of these leaves, in the order asked, from the given place on in the first of them. */
  | {
      readonly kind: 'leaves-wanted'
      readonly id: number
      readonly minEpoch: number
      readonly leaves: readonly number[]
      readonly after: RegisterKey | undefined
    }
  /** `leaves`: how many of the leaves asked for are listed whole; `after`: where the next one was cut, when it was. */
  | {
      readonly kind: 'leaves'
      readonly id: number
      readonly entries: readonly LeafEntry[]
      readonly leavesDone: number
      readonly after: RegisterKey | undefined
    }
  | { readonly kind: 'records-wanted'; readonly id: number; readonly keys: readonly RegisterKey[] }
  /** As many of the records asked for, in order, as fit; a key that is not chosen here is left out. `keysDone` counts both. */
  | {
      readonly kind: 'records'
      readonly id: number
      readonly records: readonly { readonly key: RegisterKey; readonly record: ValueRecord }[]
      readonly keysDone: number
    }
  /** Asks a voter of the next set which old voters' lists it holds durably. */
  | { readonly kind: 'covered-wanted'; readonly epoch: number }
  | { readonly kind: 'covered'; readonly epoch: number; readonly sender: Identity; readonly sources: readonly Identity[] }

/** What a peer says of itself in a heartbeat. */
export interface Health {
  readonly networkId: NetworkId | undefined
  /** -1 when no config is installed. */
  readonly epoch: number
  readonly ceiling: Ceiling
  /** Complete once since it started: it may become a voter. */
  readonly caughtUp: boolean
  readonly keyCount: number
  /** 16 bytes. */
  readonly root: Uint8Array
  readonly inDoubtCount: number
}

/** What a peer says of itself once both ends have proved themselves. */
export interface Greeting {
  /** Lowest and highest protocol version spoken. */
  readonly protocolMin: number
  readonly protocolMax: number
  /** Undefined for a peer that has not joined a network yet. */
  readonly networkId: NetworkId | undefined
  readonly clusterId: ClusterId
  readonly identity: Identity
  /** -1 when no config is installed. */
  readonly epoch: number
  readonly ceiling: Ceiling
  /** Peers its cluster needs before it votes, as this peer was told. */
  readonly minPeers: number
  /** Multiaddrs in text form where it can be reached. */
  readonly addresses: readonly string[]
}

/** How many configs one message carries at most. */
export const CONFIGS_PER_MESSAGE_MAX = 64
/** How many targets a relay names at most, and how many votes come back in one message: both voter sets of a joint config. */
export const TARGETS_MAX = 16
/** How many keys one message of repair names at most. */
export const KEYS_PER_MESSAGE_MAX = 1_024
/** How many leaves one message asks for at most. */
export const LEAVES_PER_MESSAGE_MAX = 256
/** Bytes of records that one `records` message carries, unless a single record is larger. */
export const RECORDS_BYTES_MAX = 1_048_576
/** How many roster entries one message carries at most. */
export const ROSTER_ENTRIES_MAX = 256
/** How many silent peers one heartbeat names at most. */
export const DOUBTED_MAX = 32
/** How many addresses a peer is known by at most. */
export const ADDRESSES_MAX = 16
/** Bytes of one address in text form. */
export const ADDRESS_BYTES_MAX = 512
/** Bytes of a client's key in UTF-8. */
export const KEY_BYTES_MAX = 1_024
/** Bytes of a value that peers take from one another. */
export const VALUE_BYTES_MAX = 16_777_216
/** Bytes of a content type. */
export const CONTENT_TYPE_BYTES_MAX = 255
/** Bytes of a writeId. */
export const WRITE_ID_BYTES_MAX = 128
/** Bytes of one message: the largest value and room for all that goes with it. */
export const MESSAGE_BYTES_MAX = 16_842_752
