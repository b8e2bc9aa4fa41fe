/**
 * The tables of a simulated store: the registers of clients' keys and of configs, what a store
 * knows of itself, and the rows of each further type.
 */
import { CEILING_NONE } from '../../protocols/base/ballot.ts'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import type { AnyWrite } from '../../protocols/base/persist.ts'
import { equalRecords } from '../../protocols/base/record.ts'
import type { RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import type { Row, Rows } from '../../protocols/base/rows.ts'
import type { DiskTable } from './slot-disk.ts'

interface Held {
  readonly state: RegisterState
  readonly digest: Uint8Array | undefined
  /** The write that left it so. */
  readonly sequence: number
}

export class RegisterRows implements DiskTable {
  readonly types: readonly string[] = ['keys', 'configs']
  readonly held: Map<RegisterKey, Held> = new Map()
  readonly diverged: Set<RegisterKey> = new Set()

  apply(write: AnyWrite, sequence: number): void {
    if (write.kind === 'ceiling' || write.kind === 'typed') return
    if (write.kind === 'diverged') {
      this.diverged.add(write.key)
      return
    }
    const before = this.held.get(write.key)
    if (before !== undefined && before.sequence > sequence) return
    if (write.kind === 'accepted') this.held.set(write.key, { state: { accepted: write.accepted }, digest: undefined, sequence })
    else if (write.kind === 'chosen') this.held.set(write.key, { state: { chosen: write.record }, digest: write.digest, sequence })
    else if (before?.state.chosen === undefined) this.held.delete(write.key)
  }

  /** @throws Error when a chosen record would be replaced or undone */
  refuse(write: AnyWrite): void {
    if (write.kind !== 'accepted' && write.kind !== 'chosen') return
    const chosen = this.held.get(write.key)?.state.chosen
    if (chosen === undefined) return
    if (write.kind === 'accepted') throw new Error(`accepted although chosen: ${write.key}`)
    if (!equalRecords(write.record, chosen)) throw new Error(`a second record is chosen for ${write.key}`)
  }

  copy(): RegisterRows {
    const copy = new RegisterRows()
    for (const [key, held] of this.held) copy.held.set(key, held)
    for (const key of this.diverged) copy.diverged.add(key)
    return copy
  }
}

export class FactRows implements DiskTable {
  readonly types: readonly string[] = ['facts']
  ceiling: Ceiling = CEILING_NONE

  apply(write: AnyWrite): void {
    if (write.kind === 'ceiling') this.ceiling = write.ceiling
  }

  refuse(): void {
    // A ceiling that falls is for the checkers to find.
  }

  copy(): FactRows {
    const copy = new FactRows()
    copy.ceiling = this.ceiling
    return copy
  }
}

/** The rows of one further type. */
export class TypeRows implements DiskTable, Rows {
  readonly types: readonly string[]
  /** Deleted rows stay as such: an older write of the row may come later. */
  private readonly held = new Map<string, { readonly bytes: Uint8Array | undefined; readonly sequence: number }>()

  constructor(type: string) {
    this.types = [type]
  }

  get(name: string): Uint8Array | undefined {
    return this.held.get(name)?.bytes
  }

  range(prefix: string, after = ''): Iterable<Row> {
    const rows: Row[] = []
    for (const [name, { bytes }] of this.held) {
      if (bytes !== undefined && name.startsWith(prefix) && compareUtf8(name, after) > 0) rows.push({ name, bytes })
    }
    return rows.sort((a, b) => compareUtf8(a.name, b.name))
  }

  apply(write: AnyWrite, sequence: number): void {
    if (write.kind !== 'typed') return
    for (const { name, bytes } of write.rows) {
      if ((this.held.get(name)?.sequence ?? 0) <= sequence) this.held.set(name, { bytes, sequence })
    }
  }

  refuse(): void {
    // What a type may write is for its checkers to say.
  }

  copy(): TypeRows {
    const copy = new TypeRows(this.types[0] as string)
    for (const [name, held] of this.held) copy.held.set(name, held)
    return copy
  }
}
