/**
 * What a peer is made of: services, each with the messages and requests that it alone handles, and
 * with what it does when time passes or something happens. `peer.ts` hands everything to them in
 * the order in which they are listed there.
 */
import type { Identity, PeerId } from './base/identity.ts'
import type { Quorum } from './base/quorum.ts'
import type { ClientId, CoreEvent } from './events.ts'
import type { Greeting } from './wire/greeting.ts'
import type { Message } from './wire/messages.ts'

/** The message of one kind. */
export type MessageOf<Kind extends Message['kind']> = Extract<Message, { readonly kind: Kind }>
/** A client's request of one kind. */
export type RequestOf<Kind extends CoreEvent['kind']> = Extract<CoreEvent, { readonly kind: Kind }>

/**
 * What is done with messages, by kind. A peer has one for each kind: a kind that no service handles
 * does not compile.
 */
export type Handlers<Kind extends Message['kind']> = {
  readonly [K in Kind]: (from: Identity, message: MessageOf<K>) => void
}

/** What clients ask for. */
export type RequestKind = RequestOf<'put' | 'get' | 'change' | 'typed'>['kind']

/** What is done with clients' requests, by kind; complete as messages are. */
export type Requests<Kind extends RequestKind> = {
  readonly [K in Kind]: (request: RequestOf<K>) => void
}

export interface Service {
  /** The messages that it handles. */
  readonly handles?: Partial<Handlers<Message['kind']>>
  /** The requests that it handles. */
  readonly requests?: Partial<Requests<RequestKind>>
  /**
   * When time is to be looked at, if nothing happens before; left out for no such moment. Minus
   * infinity: when all that comes in this turn of the event loop has come, so that it is dealt with
   * together.
   */
  readonly wakeAtMs?: number
  /** Something is asked or answered, so that time is looked at often. */
  readonly isBusy?: boolean
  /** The client hung up. */
  cancel?(client: ClientId): void
  /** Time has passed: for waits shorter than a heartbeat. */
  tick?(): void
  /** Time has passed: for what is not urgent (`upkeep.ts`). */
  upkeep?(): void
  /** One or more configs were installed. @param before of the config that was in force until now */
  configInstalled?(before: Quorum | undefined): void
  /** A connection was made. @param remote what the peer says of itself */
  met?(remote: Greeting): void
  /** A connection was lost. */
  lost?(peerId: PeerId, reason: string): void
  /**
   * When something is due, if nothing happens before; now or earlier while anything is under way.
   */
  restUntilMs?(): number
}
