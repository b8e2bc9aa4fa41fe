/**
 * What replicas of one log say to one another. Any of it may be lost, come twice, or overtake
 * another.
 */
import type { Identity } from '../base/identity.ts'
import type { Entry, Position, SubmitId } from './entry.ts'
import type { Refusal, StoreOutcome } from './outcome.ts'

/**
 * In front of each message. Both ends are named with their stores: a peer of another incarnation
 * drops it.
 */
export interface Header {
  /** 32 lower-case hexadecimal digits, drawn at the birth of the log. */
  readonly logId: string
  readonly generation: number
  readonly from: Identity
  readonly to: Identity
  /** That of the sender; of a `vote` and what answers it, the one that is asked for. */
  readonly term: number
}

/** A command on its way to the leader. */
export interface Forwarded {
  /** Rising at one forwarder: a leader takes each number once. */
  readonly number: number
  readonly submitId: SubmitId
  /** The index at the first try of this id; 0 where that is not known. */
  readonly since: number
  readonly command: Uint8Array
}

/** What came of a command that was taken, by the number that it came with. */
export interface Result {
  readonly number: number
  readonly position: Position
  readonly outcome: StoreOutcome
}

export type MessageBody =
  /**
   * `isTest`: nobody's term rises, only whether it would be granted. `isHanded`: the leader itself
   * asked for this campaign.
   */
  | { readonly kind: 'vote'; readonly last: Position; readonly isTest: boolean; readonly isHanded: boolean }
  /** `wallMs`: the time of day at the voter, so that a new leader knows it of most. */
  | { readonly kind: 'voted'; readonly isTest: boolean; readonly isGranted: boolean; readonly wallMs: number }
  | { readonly kind: 'append'; readonly before: Position; readonly commit: number; readonly entries: readonly Entry[] }
  /** All up to the index is as at the leader, and on disk. */
  | { readonly kind: 'appended'; readonly index: number }
  /**
   * What the append was to follow upon is not held. The hint is the last position that can still
   * agree.
   */
  | { readonly kind: 'refused'; readonly before: number; readonly hint: Position }
  | { readonly kind: 'heartbeat'; readonly commit: number; readonly round: number }
  /**
   * Answers the heartbeat of that round. `lacksStore`: its store is behind what its log still has,
   * or has none.
   */
  | {
      readonly kind: 'heard'
      readonly round: number
      readonly wallMs: number
      readonly applied: number
      readonly isStalled: boolean
      readonly lacksStore: boolean
    }
  /** `mayLease`: an answer by lease will do. */
  | { readonly kind: 'read'; readonly number: number; readonly mayLease: boolean }
  | { readonly kind: 'read-at'; readonly number: number; readonly index: number }
  /** `start` is drawn by the forwarder when it starts: its numbers begin anew then. */
  | { readonly kind: 'submit'; readonly start: number; readonly submits: readonly Forwarded[] }
  /** Of commands that are not taken, by the numbers that they came with. */
  | { readonly kind: 'submitted'; readonly start: number; readonly refusal: Refusal; readonly numbers: readonly number[] }
  /** Of what one batch of the leader's store had of a forwarder's commands. */
  | { readonly kind: 'results'; readonly start: number; readonly results: readonly Result[] }
  /** What the entry `check` at that index found: 32 hexadecimal digits. */
  | { readonly kind: 'checked'; readonly index: number; readonly digest: string }
  /** At that index most stores were alike, and this one was not. */
  | { readonly kind: 'differs'; readonly index: number }
  /** Campaign now: the leader hands over. */
  | { readonly kind: 'transfer' }
  /** The log goes on in this generation. Whoever is in a lower one stops. */
  | { readonly kind: 'ended' }

export type LogMessage = Header & MessageBody
