/** What a peer offers to whoever embeds it; HTTP is one user of it. */
import type { ClusterId, NetworkId, PeerId, PeerName } from '../../protocols/base/identity.ts'
import type { ChangeOutcome, Outcome, PeerState, TypeOutcome } from '../../protocols/effects.ts'
import type { ChangeRequest } from '../../protocols/base/change-request.ts'
import type { Consistency } from '../../protocols/events.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'

type Of<K extends Outcome['kind']> = Extract<Outcome, { kind: K }>

export type PutOutcome = Of<'created' | 'stored-before' | 'conflict' | 'reused' | 'not-stored' | 'in-doubt' | 'not-ready'>
export type GetOutcome = Of<'found' | 'absent' | 'unavailable'>
/**
 * The peer ends its part in the old network and starts again, within seconds, as the only voter of
 * the new one.
 */
export type AnewOutcome = { readonly kind: 'restarting'; readonly networkId: NetworkId; readonly epoch: number } | Of<'change-refused'>

/** What each kind of request ends with. The core gives a request no other answer. */
export interface OutcomeOf {
  readonly put: PutOutcome
  readonly get: GetOutcome
  readonly change: ChangeOutcome
  readonly typed: TypeOutcome
}

export interface PutInit {
  readonly key: string
  readonly value: Uint8Array
  readonly contentType: string
  /** The client's Idempotency-Key; one is drawn when it is undefined. */
  readonly writeId: string | undefined
  readonly timeoutMs: number
  /** The client hung up. */
  readonly signal?: AbortSignal
}

export interface GetInit {
  readonly key: string
  readonly consistency: Consistency
  readonly timeoutMs: number
  /** 0 to 60,000: wait for the key to be known here. */
  readonly waitMs: number
  readonly signal?: AbortSignal
}

export interface ChangeInit {
  readonly request: ChangeRequest
  readonly timeoutMs: number
  /** The client hung up; the change goes on. */
  readonly signal?: AbortSignal
}

export interface PeerView {
  readonly id: PeerId
  /** What people call it; null where nobody said, or it is not known here. */
  readonly name: PeerName | null
  readonly clusterId: ClusterId
  readonly addresses: readonly string[]
  readonly role: 'voter' | 'learner'
  readonly state: PeerState
  /** Null when not measured yet, and for the peer itself. */
  readonly rttMs: number | null
  /** RFC 3339, UTC, milliseconds; null when never seen. */
  readonly lastSeenAt: string | null
}

export interface QuorumView {
  readonly voters: number
  readonly up: number
  readonly needed: number
}

/** Besides this, each further type is a member by its own name, with what it shows of itself. */
export interface StatusView {
  readonly peerId: PeerId
  /** What people call it: its `-name`. */
  readonly name: PeerName | null
  readonly clusterId: ClusterId
  readonly version: string
  readonly networkId: string | null
  /** -1 when no config is known. */
  readonly epoch: number
  readonly role: 'voter' | 'learner'
  readonly ready: boolean
  /** Each cluster's voters, by peer id; `next` while a change is in flight. */
  readonly config: { readonly clusters: Record<string, readonly string[]>; readonly next?: Record<string, readonly string[]> } | null
  readonly changing: boolean
  readonly quorum: Record<string, QuorumView>
  readonly keys: {
    readonly count: number
    readonly bytes: number
    readonly root: string
    readonly clusters: Record<string, 'equal' | 'different' | 'unknown'>
    /**
     * By cluster, how far its peer that has least is behind the fullest peer: in keys, and in
     * seconds since anybody had more than it has.
     */
    readonly behind: Record<string, { readonly keys: number; readonly seconds: number }>
  }
  readonly inDoubt: number
  /**
   * The token file in force, told by a fingerprint that is the same where the files are; null
   * without one.
   */
  readonly tokens: { readonly fingerprint: string } | null
  /**
   * Fingerprints of the secrets in force, `none` for no secret; the one that this peer proves
   * itself by first.
   */
  readonly secrets: readonly string[]
  /** By which of them each connected peer has proved itself. */
  readonly provedBy: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** A peer of the configuration, as it looks from here. */
export interface MemberView {
  readonly id: PeerId
  readonly name: PeerName | null
  /** Of a voter: of the very store that has the vote; `gone` when another answers in its place. */
  readonly state: PeerState
}

export interface ChangeView {
  /** Of the joint config. */
  readonly epoch: number
  /** Voters by cluster. */
  readonly from: Record<string, readonly string[]>
  readonly to: Record<string, readonly string[]>
  readonly startedSecondsAgo: number
  /** New voters that hold all they must, of so many that must. */
  readonly covered: number
  readonly needed: number
}

export interface ConfigView {
  readonly networkId: NetworkId | null
  /** -1 when no config is known. */
  readonly epoch: number
  readonly clusters: Record<string, { readonly voters: readonly MemberView[]; readonly learners: readonly MemberView[] }>
  /** What is no member any more. */
  readonly removed: { readonly peers: readonly PeerId[]; readonly clusters: readonly ClusterId[] }
  readonly change: ChangeView | null
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly detail: string }

export interface ListedKey {
  readonly key: string
  readonly record: ValueRecord
}

/** Some keys, counted in their order. */
export interface Counted {
  readonly count: number
  /** Undefined where there is none. */
  readonly last: string | undefined
  readonly more: boolean
}

export interface Replicator {
  /** @throws never: what the world can do is an outcome. */
  put(init: PutInit): Promise<PutOutcome>
  get(init: GetInit): Promise<GetOutcome>
  /**
   * Bytes of the value that this peer holds for a key, told without reading it; 0 when it holds
   * none.
   */
  valueBytes(key: string): number
  /**
   * This peer's chosen keys in UTF-8 byte order: at most `limit` after `after`, fewer where the
   * values are large, and whether there are more. There is one at least when there are more.
   */
  list(prefix: string, after: string, limit: number): { readonly keys: readonly ListedKey[]; readonly more: boolean }
  /**
   * How many of those keys there are: at most `limit` are looked at, the last of them is told, and
   * whether there are more.
   */
  count(prefix: string, after: string, limit: number): Counted
  peers(): readonly PeerView[]
  clusters(): Record<string, readonly string[]>
  status(): StatusView
  config(): ConfigView
  /** Has the configuration changed. @throws never */
  change(init: ChangeInit): Promise<ChangeOutcome>
  /**
   * Ends the network as far as this peer goes: it starts again from what it holds as the only voter
   * of a new one. For when no quorum is left anywhere; refused while one answers here.
   *
   * @param confirmed the network that is given up, named by whoever decided it
   */
  beginAnew(confirmed: string): AnewOutcome
  readiness(): Readiness
  /** False once the process can no longer serve. */
  healthy(): boolean
}
