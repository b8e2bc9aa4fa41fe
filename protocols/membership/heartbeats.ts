/** Heartbeats over the peers' own connections: who answers, how fast, in which epoch, holding what. */
import type { PeerId } from '../base/identity.ts'
import type { Moment } from '../base/moment.ts'
import type { Outbox } from '../base/outbox.ts'
import type { Health } from '../wire/messages.ts'
import { HEARTBEAT_MS } from './roster.ts'
import type { Roster } from './roster.ts'

export class Heartbeats {
  private readonly moment: Moment
  private readonly outbox: Outbox
  private readonly roster: Roster
  private readonly health: () => Health
  private nextAtMs = 0

  constructor(moment: Moment, outbox: Outbox, roster: Roster, health: () => Health) {
    this.moment = moment
    this.outbox = outbox
    this.roster = roster
    this.health = health
  }

  tick(): void {
    if (this.moment.nowMs < this.nextAtMs) return
    this.nextAtMs = this.moment.nowMs + HEARTBEAT_MS
    const health = this.health()
    for (const peer of this.roster.all()) {
      if (peer.isConnected) this.outbox.send(peer.peerId, { kind: 'heartbeat', sentAtMs: this.moment.nowMs, health })
    }
  }

  /** Says how this peer is, without waiting for the next beat. */
  tell(peerId: PeerId): void {
    this.outbox.send(peerId, { kind: 'heartbeat', sentAtMs: this.moment.nowMs, health: this.health() })
  }
}
