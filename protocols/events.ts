/** The only ways into the core. */
import type { Identity, PeerId } from './base/identity.ts'
import type { RegisterKey } from './base/register.ts'
import type { ChangeRequest } from './base/change-request.ts'
import type { Greeting } from './wire/greeting.ts'
import type { Message } from './wire/messages.ts'

/** Names a client's request from its event to its answer; unique within one run of the process. */
export type ClientId = number

export type CoreEvent =
  /** Time has passed; see `PeerCore.wakeAtMs`. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'connected'; readonly remote: Greeting }
  | { readonly kind: 'disconnected'; readonly peerId: PeerId; readonly reason: string }
  | { readonly kind: 'message'; readonly from: Identity; readonly round: number; readonly message: Message }
  | {
      readonly kind: 'put'
      readonly client: ClientId
      readonly key: RegisterKey
      readonly value: Uint8Array
      readonly contentType: string
      readonly writeId: string
      /**
       * True when the client chose the writeId: an earlier try of it may be under way elsewhere.
       */
      readonly writeIdGiven: boolean
      /** By the wall clock, for people; see ValueRecord. */
      readonly writtenAtMs: number
      readonly deadlineMs: number
    }
  | {
      readonly kind: 'get'
      readonly client: ClientId
      readonly key: RegisterKey
      readonly consistency: Consistency
      /**
       * Answer as soon as the key is known here, absent no sooner than this time. Undefined: no
       * waiting.
       */
      readonly waitUntilMs: number | undefined
      readonly deadlineMs: number
    }
  /**
   * An operator wants the configuration changed. Any peer takes it; a change that has begun goes on
   * without the asker.
   */
  | { readonly kind: 'change'; readonly client: ClientId; readonly request: ChangeRequest; readonly deadlineMs: number }
  /** A client asks something of a further type of data, which says what its requests are. */
  | { readonly kind: 'typed'; readonly type: string; readonly client: ClientId; readonly request: unknown; readonly deadlineMs: number }
  /**
   * The client hung up. A put that has begun to commit is finished all the same; no answer follows.
   */
  | { readonly kind: 'cancel'; readonly client: ClientId }

export type Consistency = 'linearizable' | 'local'
