/**
 * What hands committed entries to a store: one batch under way, in order, tried again for as long
 * as the store refuses. It knows no store, no clock and no promise, so that a simulation runs the
 * same file as a peer does.
 */
import { entryBytes } from '../../protocols/log/entry.ts'
import type { Entry, Position } from '../../protocols/log/entry.ts'
import type { Applied, LogEvent, StoreAt } from '../../protocols/log/events.ts'

/** What one transaction takes: entries, and bytes of them unless a single one has more. */
const BATCH_ENTRIES_MAX = 64
const BATCH_BYTES_MAX = 262_144
/** Between two tries of what the store refuses, in milliseconds: it doubles up to the second. */
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 5_000

/** What became of a batch: all of it is in the store, or none. */
export type BatchEnd = { readonly outcomes: readonly Applied[]; readonly durableIndex: number } | { readonly code: string }

/** The store, and the world around it. Each `ended` is called once, and not before the call returns. */
export interface AppliedStore<Staged> {
  /**
   * One transaction. @param isWanted whether the process and the store that this is for are still
   * there: what is not wanted has no effect
   */
  apply(entries: readonly Entry[], verdicts: ReadonlyMap<number, string>, isWanted: () => boolean, ended: (end: BatchEnd) => void): void
  /** Hashes a slice of what the store holds as it stands. @param ended told undefined when it could not */
  digest(slice: number, isWanted: () => boolean, ended: (digest: string | undefined) => void): void
  /** Puts a snapshot in place of all that the store holds. @param ended told undefined when it could not */
  restore(staged: Staged, isWanted: () => boolean, ended: (at: StoreAt | undefined) => void): void
  after(milliseconds: number, run: () => void): void
  /** Tells the replica. */
  tell(event: LogEvent): void
}

export class Applier<Staged extends { readonly position: Position }> {
  private readonly store: AppliedStore<Staged>
  private waiting: Entry[] = []
  private readonly verdicts = new Map<number, string>()
  private isBusy = false
  private isRestoring = false
  /** The entries of one try: fewer after a refusal, so that the entry that is refused is known. */
  private entriesMax = BATCH_ENTRIES_MAX
  private retryMs = RETRY_MS_MIN
  /** A snapshot that lies here whole, and who is told where the store stands at its end. */
  private staged: { readonly snapshot: Staged; readonly ended: (position: Position | undefined) => void } | undefined
  /** Rises when what is under way is for nobody any more. */
  private life = 0

  constructor(store: AppliedStore<Staged>) {
    this.store = store
  }

  /** Committed entries, in order. */
  add(entries: readonly Entry[]): void {
    // While a snapshot is restored they come again once the store is opened.
    if (this.isRestoring) return
    this.waiting.push(...entries)
    this.go()
  }

  /** The entry counts as rejected, if it is not applied yet. */
  verdict(index: number, code: string): void {
    this.verdicts.set(index, code)
  }

  /** The store was opened, or is another from now on: what waited comes again. */
  opened(at: StoreAt): void {
    this.forget()
    this.store.tell({ kind: 'store-opened', at })
    this.drop(at.position)
  }

  /** The store is opened again: what waits comes again then. */
  closed(): void {
    this.forget()
  }

  /** What is under way is for nobody: the process ends, or the store does. */
  stop(): void {
    this.forget()
    this.verdicts.clear()
    this.drop(undefined)
  }

  /** The whole of a snapshot lies here. @param ended told where the store stands at its end */
  stage(snapshot: Staged, ended: (position: Position | undefined) => void): void {
    if (this.isRestoring) return ended(undefined)
    this.drop(undefined)
    this.staged = { snapshot, ended }
    this.store.tell({ kind: 'snapshot-staged', position: snapshot.position })
  }

  /** The snapshot that lies here is wanted. */
  restore(): void {
    const { staged } = this
    if (staged === undefined) return
    this.forget()
    this.isRestoring = true
    const isWanted = this.wanted()
    this.store.restore(staged.snapshot, isWanted, (at) => {
      if (!isWanted()) return
      this.isRestoring = false
      if (at === undefined) this.drop(undefined)
      else this.opened(at)
    })
  }

  /** True while a snapshot that was staged is not dealt with. */
  get isStaged(): boolean {
    return this.staged !== undefined
  }

  /** Nobody wants what is staged: the store has more. @param position where the store stands */
  unwanted(position: Position): void {
    if (!this.isRestoring) this.drop(position)
  }

  private forget(): void {
    this.waiting = []
    this.isBusy = false
    this.isRestoring = false
    this.entriesMax = BATCH_ENTRIES_MAX
    this.retryMs = RETRY_MS_MIN
    this.life += 1
  }

  private drop(position: Position | undefined): void {
    const { staged } = this
    this.staged = undefined
    staged?.ended(position)
  }

  private wanted(): () => boolean {
    const { life } = this
    return () => life === this.life
  }

  private go(): void {
    if (this.isBusy || this.isRestoring || this.waiting.length === 0) return
    this.isBusy = true
    this.try()
  }

  private try(): void {
    const batch = this.batch()
    const isWanted = this.wanted()
    this.store.apply(batch, this.verdicts, isWanted, (end) => {
      if (!isWanted()) return
      if ('code' in end) this.refused(batch, end.code)
      else this.applied(batch, end)
    })
  }

  private applied(batch: readonly Entry[], { outcomes, durableIndex }: Extract<BatchEnd, { readonly outcomes: unknown }>): void {
    this.waiting.splice(0, batch.length)
    for (const { index } of batch) this.verdicts.delete(index)
    this.entriesMax = BATCH_ENTRIES_MAX
    this.retryMs = RETRY_MS_MIN
    const isWanted = this.wanted()
    this.store.tell({ kind: 'applied', outcomes, durableIndex })
    if (!isWanted()) return
    const last = batch.at(-1)
    if (last?.body.kind === 'check') return this.check(last.index, last.body.slice)
    this.isBusy = false
    this.go()
  }

  /** The store stands at the very entry: nothing is applied until its slice is hashed. */
  private check(index: number, slice: number): void {
    const isWanted = this.wanted()
    this.store.digest(slice, isWanted, (digest) => {
      if (!isWanted()) return
      if (digest !== undefined) this.store.tell({ kind: 'checked', index, digest })
      if (!isWanted()) return
      this.isBusy = false
      this.go()
    })
  }

  /** Tried again one by one, so that what is refused is one entry, and said to be. */
  private refused(batch: readonly Entry[], code: string): void {
    const isWanted = this.wanted()
    if (batch.length > 1) {
      this.entriesMax = 1
      return this.try()
    }
    this.store.tell({ kind: 'stalled', index: (batch[0] as Entry).index, code })
    if (!isWanted()) return
    this.store.after(this.retryMs, () => {
      if (isWanted()) this.try()
    })
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MS_MAX)
  }

  /** A batch ends with the first entry `check` in it. */
  private batch(): readonly Entry[] {
    let bytes = 0
    let count = 0
    for (const entry of this.waiting) {
      bytes += entryBytes(entry)
      if (count > 0 && (count === this.entriesMax || bytes > BATCH_BYTES_MAX)) break
      count += 1
      if (entry.body.kind === 'check') break
    }
    return this.waiting.slice(0, count)
  }
}
