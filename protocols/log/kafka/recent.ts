/** What became of the entries that were applied last, for whoever is asked for them: a bounded memory. */
import type { SubmitId } from '../entry.ts'
import type { StoreOutcome } from '../outcome.ts'

export interface RecentEntry {
  readonly index: number
  readonly submitId: SubmitId | undefined
  readonly outcome: StoreOutcome
}

export class Recent {
  private readonly byIndex = new Map<number, RecentEntry>()
  private readonly indexById = new Map<SubmitId, number>()
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  add(entry: RecentEntry): void {
    this.byIndex.set(entry.index, entry)
    if (entry.submitId !== undefined) this.indexById.set(entry.submitId, entry.index)
    for (const [index, { submitId }] of this.byIndex) {
      if (this.byIndex.size <= this.max) return
      this.byIndex.delete(index)
      if (submitId !== undefined && this.indexById.get(submitId) === index) this.indexById.delete(submitId)
    }
  }

  at(index: number): RecentEntry | undefined {
    return this.byIndex.get(index)
  }

  of(submitId: SubmitId): RecentEntry | undefined {
    const index = this.indexById.get(submitId)
    return index === undefined ? undefined : this.byIndex.get(index)
  }
}
