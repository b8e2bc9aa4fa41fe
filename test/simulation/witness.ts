/**
 * Sees what the peers of a stage do: holds their votes against the rules, and keeps what a scenario
 * asks about afterwards.
 */
import type { Identity } from '../../protocols/base/identity.ts'
import { isConfigKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Outcome } from '../../protocols/effects.ts'
import type { PullQuestion } from '../../protocols/wire/pull-messages.ts'
import type { Send } from '../../src/runtime/send-gate.ts'
import { Violation } from './checkers/violation.ts'
import { Votes } from './checkers/votes.ts'
import { describePersist } from './describe.ts'
import type { Observer } from './observer.ts'
import type { SimulatedPeer } from './peer.ts'
import { Copies } from './types/keys/copies.ts'
import type { KeyLedger } from './types/keys/ledger.ts'

export class Witness implements Observer {
  /** What happened, for people. */
  readonly lines: string[] = []
  /** By the number of the request. */
  readonly outcomes: Map<number, Outcome> = new Map()
  /** Questions about keys, as they left. */
  readonly asked: { from: string; to: string; id: number; key: RegisterKey }[] = []
  /** Questions for lists, as they left. */
  readonly lists: { from: string; to: string; question: PullQuestion<RegisterKey> }[] = []
  /** Peers that go by what they once were, which no rule allows: others must leave them out. */
  readonly outside: Set<string> = new Set()
  /** Told of all that is on disk; what peers are founded with it knows by itself. */
  ledger: KeyLedger | undefined
  readonly copies: Copies = new Copies(() => this.ledger as KeyLedger)
  private readonly votes: Votes = new Votes()
  private readonly notesByPeer = new Map<string, string[]>()

  /** The kinds of what a peer noted. */
  notes(name: string): readonly string[] {
    return this.notesByPeer.get(name) ?? []
  }

  persisting(peer: SimulatedPeer, write: Parameters<Observer['persisting']>[1]): void {
    if (!this.outside.has(peer.peerId)) this.votes.persisting(peer, write)
    if (write.kind === 'ceiling' || write.kind === 'typed' || isConfigKey(write.key)) return
    this.lines.push(`${peer.peerId} writes ${nameless(describePersist(write))}`)
  }

  hardened(_peer: SimulatedPeer, by: Identity, write: Parameters<Observer['hardened']>[2]): void {
    this.copies.hardened(by, write)
    this.ledger?.configs.hardened(by, write)
    this.ledger?.hardened(by, write)
  }

  sending(peer: SimulatedPeer, send: Send): void {
    if (!this.outside.has(peer.peerId)) this.votes.answering(peer, send)
  }

  left(peer: SimulatedPeer, send: Send): void {
    if (!this.outside.has(peer.peerId)) this.votes.left(peer, send)
    if (!this.outside.has(peer.peerId)) this.copies.left(peer, send)
    const { message, to } = send
    const from = peer.peerId
    if (message.kind === 'doubts-wanted' || message.kind === 'hashes-wanted' || message.kind === 'leaves-wanted')
      this.lists.push({ from, to, question: message })
    if (message.kind === 'request') this.asked.push({ from, to, id: message.id, key: message.body.key })
  }

  answered(_peer: SimulatedPeer, client: number, outcome: Outcome): void {
    this.outcomes.set(client, outcome)
  }

  noted(peer: SimulatedPeer, note: Parameters<Observer['noted']>[1]): void {
    this.notesByPeer.set(peer.peerId, [...this.notes(peer.peerId), note.kind])
  }

  threw(peer: SimulatedPeer, error: unknown): void {
    if (error instanceof Violation) throw error
    throw new Violation('threw', `${peer.peerId}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }

  crashed(): void {
    // A scenario starts whom it crashes by itself.
  }
}

/** Without incarnations, which say nothing in a scenario. */
export function nameless(described: string): string {
  return described.replaceAll(/\/[0-9a-f]{3}/g, '')
}
