/** Effects of one step, in order, and the numbers of questions. */
import type { KafkaEffect } from './events.ts'

export class Outlet {
  private effects: KafkaEffect[] = []
  private last = 0

  nextNumber(): number {
    this.last += 1
    return this.last
  }

  put(effect: KafkaEffect): void {
    this.effects.push(effect)
  }

  take(): readonly KafkaEffect[] {
    const { effects } = this
    this.effects = []
    return effects
  }
}
