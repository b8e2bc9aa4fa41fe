/** What a simulated peer tells of itself to whoever watches: the checkers and the counts. */
import type { Identity } from '../../protocols/base/identity.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import type { Note, Outcome, TypeOutcome } from '../../protocols/effects.ts'
import type { ClientId } from '../../protocols/events.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import type { SimulatedPeer } from './peer.ts'

export interface Observer {
  /** The core asked for a write. */
  persisting(peer: SimulatedPeer, write: AnyWrite): void
  /** A write of this identity's store is on disk. */
  hardened(peer: SimulatedPeer, identity: Identity, write: AnyWrite): void
  /** The core asked for a message to be sent, once what it rests on is synced. */
  sending(peer: SimulatedPeer, send: Send): void
  /** A message leaves, to others or to itself: everything it rests on must be on disk now. */
  left(peer: SimulatedPeer, send: Send): void
  answered(peer: SimulatedPeer, client: ClientId, outcome: Outcome): void
  /** A client is told something before its answer. */
  told?(peer: SimulatedPeer, client: ClientId, outcome: TypeOutcome): void
  noted(peer: SimulatedPeer, note: Note): void
  /** A rule was broken inside the core. */
  threw(peer: SimulatedPeer, error: unknown): void
  /** The process is gone; `lost` writes with it. */
  crashed(peer: SimulatedPeer, lost: number): void
}
