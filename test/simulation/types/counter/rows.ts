/** Counters on a simulated disk, in slots of their own. */
import type { AnyWrite } from '../../../../protocols/base/persist.ts'
import type { DiskTable } from '../../slot-disk.ts'
import { COUNTER } from './counter.ts'
import type { CounterAnswer } from './counter.ts'

interface Row {
  readonly total: number
  /** The write that left it so. */
  readonly sequence: number
}

export class CounterRows implements DiskTable {
  readonly types: readonly string[] = [COUNTER]
  private readonly rows = new Map<string, Row>()

  get totals(): ReadonlyMap<string, number> {
    return new Map([...this.rows].map(([name, { total }]) => [name, total]))
  }

  total(name: string): number {
    return this.rows.get(name)?.total ?? 0
  }

  apply(write: AnyWrite, sequence: number): void {
    const { name } = write.slot
    if (write.kind !== 'typed' || (this.rows.get(name)?.sequence ?? 0) > sequence) return
    this.rows.set(name, { ...(write.row as CounterAnswer), sequence })
  }

  refuse(): void {
    // A total that falls is for the checkers to find.
  }

  copy(): CounterRows {
    const copy = new CounterRows()
    for (const [name, row] of this.rows) copy.rows.set(name, row)
    return copy
  }
}
