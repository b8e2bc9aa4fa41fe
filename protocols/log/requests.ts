/** What clients ask of the logs of a peer, and what whoever keeps a store for one says and hears. */
import type { Identity, PeerId } from '../base/identity.ts'
import type { Entry, Position, SubmitId } from './entry.ts'
import type { Consistency, LogAnswer, LogEvent } from './events.ts'
import type { Membership } from './membership.ts'
import type { SnapshotTalk } from './talk.ts'

/** A command on its way into a log. */
export interface SubmitRequest {
  readonly kind: 'submit'
  readonly log: string
  readonly submitId: SubmitId
  readonly isNamedByClient: boolean
  /** The index at the first try; 0 where that is not known. */
  readonly since: number
  readonly command: Uint8Array
}

export interface QueryRequest {
  readonly kind: 'query'
  readonly log: string
  readonly query: Uint8Array
  readonly consistency: Consistency
}

/** Peers are named by their ids: which of their stores is meant is looked up. */
export interface ChangeRequest {
  readonly kind: 'change'
  readonly log: string
  readonly add: readonly PeerId[]
  readonly remove: readonly PeerId[]
  readonly isForced: boolean
}

export interface TransferRequest {
  readonly kind: 'transfer'
  readonly log: string
  readonly to: PeerId
}

/** The wish for where voters are, said anew. */
export interface PlaceRequest {
  readonly kind: 'place'
  readonly log: string
  /** `cluster:ID`, `spread:N` or `peers:ID,ID,ID`. */
  readonly place: string
}

/** The entry at that index, which stores cannot apply, counts as rejected from now on. */
export interface VerdictRequest {
  readonly kind: 'verdict'
  readonly log: string
  readonly index: number
}

/** The contents of all stores are compared, slice by slice. */
export interface CheckRequest {
  readonly kind: 'check'
  readonly log: string
}

/** The log goes on no more, and what its replicas hold of it is dropped. */
export interface EndRequest {
  readonly kind: 'end'
  readonly log: string
}

/** The log goes on from the one survivor that has most of it: its majority is gone for good. */
export interface RecoverRequest {
  readonly kind: 'recover'
  readonly log: string
}

/** The store here forgets what it holds of the log, and is filled anew from another. */
export interface RefillRequest {
  readonly kind: 'refill'
  readonly log: string
}

export interface CreateRequest {
  readonly kind: 'create'
  readonly log: string
  readonly store: string
  readonly place: string | undefined
  readonly isLeased: boolean
}

/** What an operator has a log do. */
export type OperatorRequest =
  | ChangeRequest
  | TransferRequest
  | PlaceRequest
  | VerdictRequest
  | RefillRequest
  | CheckRequest
  | EndRequest
  | RecoverRequest

export type LogRequest =
  | SubmitRequest
  | QueryRequest
  | CreateRequest
  | OperatorRequest
  | { readonly kind: 'list' }
  | { readonly kind: 'status'; readonly log: string }
  | { readonly kind: 'role'; readonly log: string }
  | HostRequest
  | HostSaid

/** A store is offered for a log, for as long as the request goes on. */
export interface HostRequest {
  readonly kind: 'host'
  readonly log: string
  readonly store: string
  /** Where the log is to be, if it is born by itself: `cluster:ID` of this peer where left out. */
  readonly place?: string | undefined
  /** Where this peer does not vote on the log, it is to have a replica of it for reading. */
  readonly learns?: boolean | undefined
}

/** What the store was opened for. */
interface OfStore {
  readonly logId: string
  readonly generation: number
}

/** Whoever keeps the store says something to the replica. */
export type HostSaid =
  /** @param digest of all outcomes up to where the store stands; undefined where it stands still */
  | ({ readonly kind: 'said'; readonly event: LogEvent; readonly digest: string | undefined } & OfStore)
  | ({ readonly kind: 'queried'; readonly number: number; readonly answer: QueryAnswer } & OfStore)
  /** To whoever keeps the store of another member. */
  | { readonly kind: 'speak'; readonly to: PeerId; readonly talk: SnapshotTalk }

/** What the replica asks of whoever keeps the store. */
export type HostTold =
  /** The log is born: open the store for it. */
  | {
      readonly kind: 'open'
      readonly logId: string
      readonly generation: number
      readonly owner: Identity
      readonly firstMembers: Membership
      /** The generation goes on from this very store, which may still be of an earlier one. */
      readonly isSurvivor: boolean
    }
  /** The log is no more: the store is closed, and opened for its next life when that is born. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'apply'; readonly entries: readonly Entry[] }
  | { readonly kind: 'verdict'; readonly index: number; readonly code: string }
  | { readonly kind: 'query'; readonly number: number; readonly query: Uint8Array; readonly indexMin: number }
  /** A backup of the store is to reach that member. */
  | { readonly kind: 'give'; readonly to: Identity; readonly indexMin: number }
  /** The content of the store is to be dropped. */
  | { readonly kind: 'refill' }
  /** What was staged is to be restored. */
  | { readonly kind: 'take' }
  | { readonly kind: 'heard'; readonly from: Identity; readonly talk: SnapshotTalk }
  /** The log was born with a store of another kind. */
  | { readonly kind: 'other-store'; readonly store: string }

/** What a store makes of a query. */
export type QueryAnswer =
  | { readonly kind: 'answered'; readonly position: Position; readonly result: Uint8Array }
  | { readonly kind: 'not-a-query'; readonly detail: string }
  | { readonly kind: 'result-too-large' }
  | { readonly kind: 'unavailable'; readonly why: 'no-majority' | 'stalled' }

/** What a submit or a query ends with, at whatever peer it was asked. */
export type WorkAnswer =
  | (LogAnswer & { readonly since?: number })
  /** A change that was asked for is under way, and goes on by itself. */
  | { readonly kind: 'changing' }
  | QueryAnswer
  /** No store is here for it. Another member may have one. */
  | { readonly kind: 'not-here' }
  /** The log goes on no more. */
  | { readonly kind: 'log-ended' }

/** How a replica is seen by its peer. */
export interface ReplicaView {
  readonly peer: Identity
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner'
  readonly state: 'ready' | 'stalled' | 'no-store' | 'halted'
  readonly generation: number
  readonly term: number
  /** Where its log ends, committed or not. */
  readonly last: Position
  readonly commit: number
  /** 0 where no store is. */
  readonly applied: number
  /** Why it is stalled; empty where it is not. */
  readonly code: string
  /** 32 hexadecimal digits, or empty. */
  readonly digest: string
  readonly leader: Identity | undefined
}

/** A log as a list shows it. */
export interface LogView {
  readonly name: string
  readonly logId: string
  readonly store: string
  readonly place: string
  /** Peers that vote, as far as it is known here. */
  readonly voters: readonly Identity[]
  readonly learners: readonly Identity[]
  readonly isLeased: boolean
  /** A change of the members is under way. */
  readonly isChanging: boolean
  /** The replica here, if there is one. */
  readonly own: ReplicaView | undefined
}

export type LogAnswerOf =
  | WorkAnswer
  | { readonly kind: 'unknown-log' }
  | { readonly kind: 'not-ready'; readonly detail: string }
  | { readonly kind: 'logs'; readonly logs: readonly LogView[] }
  | { readonly kind: 'status'; readonly log: LogView; readonly replicas: readonly ReplicaView[] }
  | { readonly kind: 'role'; readonly own: ReplicaView | undefined; readonly isInTouch: boolean }
  | { readonly kind: 'created'; readonly log: LogView; readonly isNew: boolean }
  | { readonly kind: 'exists'; readonly log: LogView }
  | { readonly kind: 'bad-place'; readonly detail: string }
  | { readonly kind: 'unknown-peer'; readonly peer: PeerId }
  /** It is decided that the log has ended. */
  | { readonly kind: 'ended' }
  /** The log goes on from the survivor. `replicas`: what each of those that answered holds. */
  | { readonly kind: 'recovered'; readonly generation: number; readonly survivor: Identity; readonly replicas: readonly ReplicaView[] }
  /** `has-leader`: it goes on as it is. `no-survivor`: nobody in touch has a store of it. */
  | { readonly kind: 'not-recovered'; readonly why: 'has-leader' | 'no-survivor'; readonly replicas: readonly ReplicaView[] }
  /** No store is here that could be filled anew, or no other that could fill it. */
  | { readonly kind: 'not-refilled'; readonly why: 'no-store' | 'no-source' }
