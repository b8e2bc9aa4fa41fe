/** The registers of a store in memory: the rules of those on disk, and nothing kept. */
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import { epochOfConfigKey, isConfigKey, isHiddenKey } from '../../protocols/base/register.ts'
import type { LeafEntry, RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import type { ChosenSummary, Count, Diverged, Listed, Listing, RegisterTable } from '../ports/storage.ts'
import { Page } from './page.ts'
import { assertKey, changes } from './rules.ts'

interface Held {
  readonly state: RegisterState
  readonly digest: Uint8Array | undefined
}

export class MemoryRegisters implements RegisterTable {
  readonly #assertGoing: () => void
  #newestEpoch = -1
  #registers = new Map<RegisterKey, Held>()
  #diverged = new Map<RegisterKey, ValueRecord>()

  /** @param assertGoing throws when the store has ended; each read begins with it */
  constructor(assertGoing: () => void) {
    this.#assertGoing = assertGoing
  }

  newestEpoch(): number {
    this.#assertGoing()
    return this.#newestEpoch
  }

  read(key: RegisterKey): RegisterState | undefined {
    this.#assertGoing()
    return this.#registers.get(key)?.state
  }

  valueBytes(key: RegisterKey): number {
    return this.read(key)?.chosen?.value.length ?? 0
  }

  list(prefix: string, after: string, limit: number): Listing {
    const page = new Page(limit)
    for (const { key, record } of this.#found(prefix, after)) {
      if (page.isFull) return page.listing(true)
      page.add(key, record)
    }
    return page.listing(false)
  }

  count(prefix: string, after: string, limit: number): Count {
    const found = this.#found(prefix, after)
    const counted = found.slice(0, limit)
    return { count: counted.length, last: counted.at(-1)?.key, more: found.length > limit }
  }

  /** Chosen keys of clients, in the order of their UTF-8 bytes. */
  #found(prefix: string, after: string): readonly Listed[] {
    this.#assertGoing()
    const found: Listed[] = []
    for (const [key, { state }] of this.#registers) {
      if (state.chosen === undefined || isConfigKey(key) || isHiddenKey(key) || !key.startsWith(prefix) || compareUtf8(key, after) <= 0)
        continue
      found.push({ key, record: state.chosen })
    }
    return found.toSorted((a, b) => compareUtf8(a.key, b.key))
  }

  *chosen(): Iterable<ChosenSummary> {
    this.#assertGoing()
    // As they are now: what is written while they are looked at is not part of it.
    const registers = [...this.#registers]
    for (const [key, { state, digest }] of registers) {
      if (state.chosen === undefined || digest === undefined || isConfigKey(key)) continue
      yield { key, digest, bytes: Buffer.byteLength(key) + state.chosen.value.length }
    }
  }

  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[] {
    const entries: LeafEntry[] = []
    for (const { key, digest } of this.chosen()) {
      if (leafOf(key) === leaf && (after === undefined || compareUtf8(key, after) > 0)) entries.push({ key, digest })
    }
    return entries.sort((a, b) => compareUtf8(a.key, b.key)).slice(0, limit)
  }

  *inDoubt(): Iterable<RegisterKey> {
    this.#assertGoing()
    const registers = [...this.#registers]
    for (const [key, { state }] of registers) if (state.accepted !== undefined) yield key
  }

  *diverged(): Iterable<Diverged> {
    this.#assertGoing()
    const diverged = [...this.#diverged]
    for (const [key, told] of diverged) yield { key, told }
  }

  dropConfigs(): void {
    for (const key of this.#registers.keys()) if (isConfigKey(key)) this.#registers.delete(key)
  }

  take(write: Exclude<Persist, { kind: 'ceiling' }>): void {
    const { key } = write
    assertKey(key)
    if (write.kind === 'diverged') {
      this.#diverged.set(key, write.told)
      return
    }
    if (!changes(write, this.#registers.get(key)?.digest)) return
    if (write.kind === 'accepted-dropped') this.#registers.delete(key)
    if (write.kind === 'accepted') this.#registers.set(key, { state: { accepted: write.accepted }, digest: undefined })
    if (write.kind === 'chosen') {
      this.#registers.set(key, { state: { chosen: write.record }, digest: write.digest })
      if (isConfigKey(key)) this.#newestEpoch = Math.max(this.#newestEpoch, epochOfConfigKey(key))
    }
  }
}
