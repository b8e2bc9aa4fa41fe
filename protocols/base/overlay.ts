import type { Persist } from '../effects.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from './register.ts'

/** The store with what was persisted and not handed to it yet laid over it. */
export class Overlay implements Registers {
  private readonly registers: Registers
  private readonly written = new Map<RegisterKey, RegisterState>()

  constructor(registers: Registers) {
    this.registers = registers
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.written.size > 0 && this.written.has(key) ? this.written.get(key) : this.registers.read(key)
  }

  /** What is laid over is not listed yet: it came after whatever a listing must be complete about. */
  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    return this.registers.leaf(leaf, after, limit)
  }

  apply(write: Persist): void {
    if (write.kind === 'accepted') this.written.set(write.key, { accepted: write.accepted })
    else if (write.kind === 'chosen') this.written.set(write.key, { chosen: write.record })
    else if (write.kind === 'accepted-dropped') this.written.set(write.key, {})
  }

  /** What was persisted is in the store now. */
  clear(): void {
    if (this.written.size > 0) this.written.clear()
  }
}
