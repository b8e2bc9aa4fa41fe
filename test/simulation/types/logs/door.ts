/** A whole peer, as clients of one log see it: what they ask goes in as a request of the type. */
import type { ClientId } from '../../../../protocols/events.ts'
import type { Consistency } from '../../../../protocols/log/events.ts'
import { LOGS } from '../../../../protocols/log/placing.ts'
import type { LogRequest } from '../../../../protocols/log/requests.ts'
import { utf8 } from '../../../../src/bytes.ts'
import type { AskedPeer, SubmitGiven } from '../../log/clients.ts'
import type { SimulatedPeer } from '../../peer.ts'

export class Door implements AskedPeer {
  readonly peer: SimulatedPeer
  private readonly log: string

  constructor(peer: SimulatedPeer, log: string) {
    this.peer = peer
    this.log = log
  }

  get name(): string {
    return this.peer.identity.id
  }

  get isUp(): boolean {
    return this.peer.isUp && !this.peer.isPaused
  }

  submit(client: ClientId, submit: SubmitGiven, timeoutMs: number): void {
    this.ask(client, { kind: 'submit', log: this.log, ...submit }, timeoutMs)
  }

  query(client: ClientId, list: string, consistency: Consistency, timeoutMs: number): void {
    this.ask(client, { kind: 'query', log: this.log, query: utf8.encode(list), consistency }, timeoutMs)
  }

  ask(client: ClientId, request: LogRequest, timeoutMs: number): void {
    const { peer } = this
    peer.dispatch({ kind: 'typed', type: LOGS, client, request, deadlineMs: peer.clockMs + timeoutMs })
  }
}
