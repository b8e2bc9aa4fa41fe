/** A store in memory, for tests: the rules of the durable one, and nothing kept. */
import { randomBytes } from 'node:crypto'
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { Incarnation } from '../../protocols/base/identity.ts'
import type { AnyWrite, Placed } from '../../protocols/base/persist.ts'
import type { Rows } from '../../protocols/base/rows.ts'
import type { Facts, Storage } from '../ports/storage.ts'
import { StorageFailed } from './errors.ts'
import { MemoryRegisters } from './memory-registers.ts'
import { MemoryTables } from './memory-rows.ts'

export class MemoryStorage implements Storage {
  readonly facts: Facts
  readonly registers: MemoryRegisters
  readonly #tables: MemoryTables
  #ceiling: Ceiling = CEILING_NONE
  #ended: Error | undefined

  /** @param incarnation 32 lower-case hexadecimal digits; drawn when it is left out */
  constructor(incarnation: Incarnation = randomBytes(16).toString('hex') as Incarnation) {
    const assertGoing = (): void => this.#assertGoing()
    this.registers = new MemoryRegisters(assertGoing)
    this.#tables = new MemoryTables(assertGoing)
    const ceiling = (): Ceiling => {
      assertGoing()
      return this.#ceiling
    }
    this.facts = { incarnation, ceiling }
  }

  rows(type: string): Rows {
    return this.#tables.rows(type)
  }

  async write(writes: readonly Placed[]): Promise<void> {
    this.#assertGoing()
    try {
      for (const write of writes as readonly AnyWrite[]) {
        if (write.kind === 'ceiling') this.#ceiling = write.ceiling
        else if (write.kind === 'typed') this.#tables.take(write.slot.type, write.rows)
        else this.registers.take(write)
      }
    } catch (error) {
      this.#ended = error as Error
      throw error
    }
  }

  async replaceConfigs(writes: readonly Placed[]): Promise<void> {
    this.#assertGoing()
    this.registers.dropConfigs()
    await this.write(writes)
  }

  async close(): Promise<void> {
    this.#ended ??= new StorageFailed('the store is closed')
  }

  #assertGoing(): void {
    if (this.#ended !== undefined) throw this.#ended
  }
}
