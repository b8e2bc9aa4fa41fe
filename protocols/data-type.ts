/**
 * A further type of data in a peer, beside write-once keys: a service with slots, messages and requests of its own. What it says
 * passes through the core, the runtime and the network as it is; none of them knows what it means. So a type is added by
 * naming it where a peer is put together (`PeerInit.types`), and by a table of the store for its slots.
 */
import type { Identity } from './base/identity.ts'
import type { InForce } from './base/installed.ts'
import type { Moment } from './base/moment.ts'
import type { Neighbours } from './base/reach.ts'
import type { RequestOf, Service } from './service.ts'
import type { Outbox } from './outbox.ts'

/** What a type is given by the peer that it lives in. */
export interface TypeContext {
  readonly self: Identity
  readonly moment: Moment
  readonly outbox: Outbox
  readonly chain: InForce
  readonly neighbours: Neighbours
}

export interface DataType extends Service {
  /** Of its slots and requests. */
  readonly name: string
  /** Of its messages, 0 to 255. A code that was ever in use keeps its meaning. */
  readonly code: number
  /** A peer, perhaps this one, said something. What bytes mean that came from elsewhere is for the type to refuse or to take. */
  told(from: Identity, body: Uint8Array): void
  /** A client asks for something. */
  asked(request: RequestOf<'typed'>): void
}

/** Makes a type for one peer. What its store held at the start it knows by itself, from its table. */
export type CreateType = (context: TypeContext) => DataType
