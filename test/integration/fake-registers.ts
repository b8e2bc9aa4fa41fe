/** Registers of one peer in memory, without a disk and without others: what HTTP is tried over. */
import { RecentWrites } from '../../protocols/registers/recent.ts'
import { MARK_NONE } from '../../protocols/registers/record.ts'
import type { RegisterRecord } from '../../protocols/registers/record.ts'
import type {
  Condition,
  ListAnswer,
  ListRequest,
  ReadAnswer,
  ReadRequest,
  WatchAnswer,
  WatchRequest,
  WriteAnswer,
  WriteRequest,
} from '../../protocols/registers/requests.ts'
import type { Registers, Watching } from '../../src/ports/registers.ts'

/** The writeId of a write that its client did not name. */
export const DRAWN = 'drawn-0001'

export class FakeRegisters implements Registers {
  readonly records: Map<string, RegisterRecord> = new Map()
  readonly writes: WriteRequest[] = []
  readonly reads: ReadRequest[] = []
  readonly watches: { readonly request: WatchRequest; readonly told: (answer: WatchAnswer) => void; takenBytes: number }[] = []
  /** In the place of an answer. */
  onWrite: ((request: WriteRequest) => WriteAnswer | undefined) | undefined
  onRead: ((request: ReadRequest) => ReadAnswer | undefined) | undefined

  newWriteId(): string {
    return DRAWN
  }

  async write(request: WriteRequest): Promise<WriteAnswer> {
    this.writes.push(request)
    return this.onWrite?.(request) ?? this.#applied(request)
  }

  async read(request: ReadRequest): Promise<ReadAnswer> {
    this.reads.push(request)
    const scripted = this.onRead?.(request)
    if (scripted !== undefined) return scripted
    const { key, consistency } = request
    const record = this.#live(key)
    return record === undefined ? { kind: 'absent', number: this.#number(key), consistency } : { kind: 'found', record, consistency }
  }

  async list({ prefix, after, limit }: ListRequest): Promise<ListAnswer> {
    const keys = [...this.records.keys()].filter((key) => key.startsWith(prefix) && key > after && this.#live(key) !== undefined).toSorted()
    const registers = keys.slice(0, limit).map((key) => {
      const { version, value, writtenAtMs, ttlMs } = this.records.get(key) as RegisterRecord
      return { key, version, size: value.length, writtenAtMs, expiresAtMs: ttlMs === undefined ? undefined : writtenAtMs + ttlMs }
    })
    return { kind: 'listed', registers, next: keys.length > limit ? keys[limit - 1] : undefined }
  }

  watch(request: WatchRequest, told: (answer: WatchAnswer) => void): Watching {
    const watch = { request, told, takenBytes: 0 }
    this.watches.push(watch)
    const end = (): void => void this.watches.splice(0, this.watches.length, ...this.watches.filter((other) => other !== watch))
    return { taken: (bytes) => void (watch.takenBytes += bytes), end }
  }

  #applied({ key, contents, condition, writeId, writtenAtMs }: WriteRequest): WriteAnswer {
    const current = this.#live(key)
    const number = this.#number(key)
    const isDelete = contents.kind === 'deleted'
    if (!holds(condition, current) || (isDelete && current === undefined)) return { kind: 'refused', current, number }
    const made = isDelete ? { value: new Uint8Array(), contentType: '', ttlMs: undefined } : contents
    const { value, contentType, ttlMs } = made
    const rest = { writeId, mark: MARK_NONE, writtenAtMs, wasAbsent: current === undefined, recent: RecentWrites.NONE, since: 0 }
    this.records.set(key, { version: number + 1, value, contentType, isDeleted: isDelete, ttlMs, ...rest })
    return { kind: 'applied', version: number + 1, wasAbsent: current === undefined, isRepeated: false }
  }

  #live(key: string): RegisterRecord | undefined {
    const record = this.records.get(key)
    return record?.isDeleted === false ? record : undefined
  }

  #number(key: string): number {
    return this.records.get(key)?.version ?? 0
  }
}

function holds(condition: Condition | undefined, current: RegisterRecord | undefined): boolean {
  switch (condition?.kind) {
    case undefined:
      return true
    case 'absent':
      return current === undefined
    case 'live':
      return current !== undefined
    case 'versions':
      return current !== undefined && condition.versions.includes(current.version)
  }
}
