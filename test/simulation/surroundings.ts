/** What a simulated peer finds around itself: time, chance, who watches it, and the network. */
import type { PeerId } from '../../protocols/base/identity.ts'
import type { TypeDefinition } from '../../protocols/data-type.ts'
import type { Codec } from '../../protocols/wire/codec.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import type { Agenda } from './agenda.ts'
import type { Chance } from './chance.ts'
import type { Observer } from './observer.ts'
import type { Options } from './options.ts'
import type { SimulatedPeer } from './peer.ts'
import type { Trace } from './trace.ts'

export interface PeerSurroundings {
  readonly agenda: Agenda
  readonly chance: Chance
  readonly trace: Trace
  readonly options: Options
  readonly codec: Codec
  readonly observer: Observer
  /** What peers keep for clients beside keys; nothing when left out. */
  readonly furtherTypes?: readonly TypeDefinition[] | undefined
  /** Hands a message to the network. */
  readonly transmit: (from: SimulatedPeer, send: Send) => void
  /** The core wants a connection closed. */
  readonly disconnect: (from: SimulatedPeer, to: PeerId) => void
  /** Faults are over: syncs neither fail nor drag. */
  isCalm: boolean
}
