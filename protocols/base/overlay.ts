import type { Persist } from '../effects.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from './register.ts'

/** The store with what this step has persisted laid over it, for effects are performed only when the step is over. */
export class Overlay implements Registers {
  private readonly registers: Registers
  private readonly written = new Map<RegisterKey, RegisterState>()

  constructor(registers: Registers) {
    this.registers = registers
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.written.size > 0 && this.written.has(key) ? this.written.get(key) : this.registers.read(key)
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    return this.registers.leaf(leaf, after, limit)
  }

  apply(write: Persist): void {
    if (write.kind === 'accepted') this.written.set(write.key, { accepted: write.accepted })
    else if (write.kind === 'chosen') this.written.set(write.key, { chosen: write.record })
    else if (write.kind === 'accepted-dropped') this.written.set(write.key, {})
  }

  /** The step is over: what it persisted is in the store now. */
  clear(): void {
    if (this.written.size > 0) this.written.clear()
  }
}
