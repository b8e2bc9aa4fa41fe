/**
 * The network between replicas: it loses, doubles, delays and so reorders, and is cut. Everything
 * crosses it as bytes.
 */
import type { PeerId } from '../../../protocols/base/identity.ts'
import type { LogMessage } from '../../../protocols/log/message.ts'
import { readLogMessage, writeLogMessage } from '../../../protocols/log/messages.ts'
import { utf8 } from '../../../src/bytes.ts'
import type { Agenda } from '../agenda.ts'
import type { Chance } from '../chance.ts'

export interface LinkFaults {
  readonly lossRate: number
  readonly duplicateRate: number
  readonly delayMaxMs: number
}

/** A copy of the network's own comes this much later at most, in milliseconds. */
export const LATE_COPY_MAX_MS = 4_000

export class Links {
  private readonly agenda: Agenda
  private readonly chance: Chance
  private readonly deliver: (message: LogMessage) => void
  private readonly cut = new Set<string>()
  private faults: LinkFaults

  constructor(agenda: Agenda, chance: Chance, faults: LinkFaults, deliver: (message: LogMessage) => void) {
    this.agenda = agenda
    this.chance = chance
    this.faults = faults
    this.deliver = deliver
  }

  send(message: LogMessage): void {
    const bytes = writeLogMessage(utf8, message)
    this.carry(message, bytes, this.chance.span(0.1, this.faults.delayMaxMs))
    if (this.chance.happens(this.faults.duplicateRate)) this.carry(message, bytes, this.chance.span(0.1, LATE_COPY_MAX_MS))
  }

  /** One way. */
  cutOff(from: PeerId, to: PeerId): void {
    this.cut.add(`${from} ${to}`)
  }

  isOpen(from: PeerId, to: PeerId): boolean {
    return !this.cut.has(`${from} ${to}`)
  }

  mend(): void {
    this.cut.clear()
  }

  /** From now on nothing is lost. */
  calm(): void {
    this.mend()
    this.faults = { ...this.faults, lossRate: 0, duplicateRate: 0 }
  }

  private carry({ from, to }: LogMessage, bytes: Uint8Array, delayMs: number): void {
    if (this.chance.happens(this.faults.lossRate)) return
    this.agenda.after(delayMs, () => {
      if (this.isOpen(from.peerId, to.peerId)) this.deliver(readLogMessage(utf8, bytes))
    })
  }
}
