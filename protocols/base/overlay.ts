import type { AnyWrite } from './persist.ts'
import { NO_TABLES, TablesOverlay } from './rows.ts'
import type { Rows, Tables } from './rows.ts'
import { leafOf } from './hash-tree.ts'
import { compareUtf8 } from './bytes.ts'
import type { ValueRecord } from './record.ts'
import { isConfigKey } from './register.ts'
import type { LeafEntry, RegisterKey, RegisterState, Registers } from './register.ts'

/** The store with what was persisted and not handed to it yet laid over it. */
export class Overlay implements Registers, Tables {
  private readonly registers: Registers
  private readonly tables: TablesOverlay
  private readonly written = new Map<RegisterKey, RegisterState>()
  /**
   * Of the chosen client keys among them: the tree shows these already, so a leaf must list them.
   */
  private readonly digests = new Map<RegisterKey, Uint8Array>()
  /**
   * The same by leaf; undefined until a leaf is asked for, for a question of repair asks for many
   * and no write needs it.
   */
  private laid: Map<number, LeafEntry[]> | undefined

  constructor(registers: Registers, tables: Tables = NO_TABLES) {
    this.registers = registers
    this.tables = new TablesOverlay(tables)
  }

  rows(type: string): Rows {
    return this.tables.rows(type)
  }

  read(key: RegisterKey): RegisterState | undefined {
    return this.written.size > 0 && this.written.has(key) ? this.written.get(key) : this.registers.read(key)
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    const below = this.registers.leaf(leaf, after, limit)
    if (this.digests.size === 0) return below
    this.laid ??= Map.groupBy(
      Array.from(this.digests, ([key, digest]) => ({ key, digest })),
      ({ key }) => leafOf(key),
    )
    const laid = this.laid.get(leaf)?.filter(({ key }) => after === undefined || compareUtf8(key, after) > 0)
    if (laid === undefined) return below
    return [...below, ...laid].toSorted((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  /** Chosen client keys among what is laid over, in no order. */
  *chosen(): Iterable<{ readonly key: RegisterKey; readonly record: ValueRecord }> {
    for (const [key, { chosen: record }] of this.written) if (record !== undefined && !isConfigKey(key)) yield { key, record }
  }

  apply(write: AnyWrite): void {
    if (write.kind === 'typed') this.tables.rows(write.slot.type).apply(write.rows)
    else if (write.kind === 'accepted') this.written.set(write.key, { accepted: write.accepted })
    else if (write.kind === 'chosen') {
      this.written.set(write.key, { chosen: write.record })
      if (isConfigKey(write.key)) return
      this.digests.set(write.key, write.digest)
      this.laid = undefined
    } else if (write.kind === 'accepted-dropped') this.written.set(write.key, {})
  }

  /** What was persisted is in the store now. */
  clear(): void {
    if (this.written.size > 0) this.written.clear()
    if (this.digests.size > 0) this.digests.clear()
    this.laid = undefined
    this.tables.clear()
  }
}
