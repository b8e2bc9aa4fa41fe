import type { AnyWrite } from './base/persist.ts'
import type { Effect, Note, Outcome, TypeOutcome } from './effects.ts'
import type { ClientId } from './events.ts'
import type { Message } from './wire/messages.ts'
import type { ClusterId, PeerId } from './base/identity.ts'
import type { Overlay } from './base/overlay.ts'
import type { After } from './base/slot.ts'

/** Collects the effects of one step, in order. */
export class Outbox {
  private readonly overlay: Overlay
  private effects: Effect[] = []

  constructor(overlay: Overlay) {
    this.overlay = overlay
  }

  persist(write: AnyWrite): void {
    this.overlay.apply(write)
    this.effects.push({ kind: 'persist', write })
  }

  /** @param after what must be on disk before the message leaves, besides every barrier */
  send(to: PeerId, message: Message, after: After): void {
    this.effects.push({ kind: 'send', to, message, after })
  }

  /** What it says rests on what a quorum holds, or on nothing: it waits for no sync here. */
  answer(client: ClientId, outcome: Outcome): void {
    this.effects.push({ kind: 'answer', client, outcome, after: 'at once' })
  }

  /** @param after what must be on disk here before the client is told, besides every barrier */
  answerAfter(client: ClientId, outcome: Outcome, after: After): void {
    this.effects.push({ kind: 'answer', client, outcome, after })
  }

  /** The request goes on. */
  tell(client: ClientId, outcome: TypeOutcome, after: After): void {
    this.effects.push({ kind: 'tell', client, outcome, after })
  }

  meet(peerId: PeerId, clusterId: ClusterId, addresses: readonly string[]): void {
    this.effects.push({ kind: 'meet', peerId, clusterId, addresses })
  }

  disconnect(peerId: PeerId, reason: string): void {
    this.effects.push({ kind: 'disconnect', peerId, reason })
  }

  note(note: Note): void {
    this.effects.push({ kind: 'note', note })
  }

  /** Everything since the last call. */
  take(): Effect[] {
    const taken = this.effects
    this.effects = []
    this.overlay.clear()
    return taken
  }
}
