/**
 * Writes that were given and are not on disk yet, laid over what is: so that a write is read from
 * the moment it is given.
 */
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import type { LeafEntry, RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import { isConfigKey } from '../../protocols/base/register.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import type { ChosenSummary } from '../ports/storage.ts'
import type { RegisterWrite } from './rules.ts'

interface Overlaid {
  /** What is held from now on; undefined: nothing. */
  readonly state: RegisterState | undefined
  readonly digest: Uint8Array | undefined
  /** Of the hash tree; -1 when the key is in none. */
  readonly leaf: number
  /** Tells a later write of the same key from the one that has just reached the disk. */
  readonly serial: number
}

export class UnsyncedWrites {
  #registers = new Map<RegisterKey, Overlaid>()
  /**
   * Chosen client keys by leaf; undefined until one is asked for, for a question of repair asks for
   * many and no write needs it.
   */
  #leaves: Map<number, LeafEntry[]> | undefined

  /** @param serial above that of all writes before */
  add(write: RegisterWrite, serial: number): void {
    const state = write.kind === 'chosen' ? { chosen: write.record } : write.kind === 'accepted' ? { accepted: write.accepted } : undefined
    const digest = write.kind === 'chosen' ? write.digest : undefined
    const leaf = digest === undefined || isConfigKey(write.key) ? -1 : leafOf(write.key)
    this.#registers.set(write.key, { state, digest, leaf, serial })
    this.#leaves = undefined
  }

  /** Forgets the writes up to this serial, which are on disk now. */
  settle(writes: readonly RegisterWrite[], serial: number): void {
    this.#leaves = undefined
    for (const { key } of writes) {
      const overlaid = this.#registers.get(key)
      if (overlaid !== undefined && overlaid.serial <= serial) this.#registers.delete(key)
    }
  }

  get(key: RegisterKey): Overlaid | undefined {
    return this.#registers.get(key)
  }

  /** Chosen client keys that pass, in the order of their UTF-8 bytes. */
  chosenKeys(passes: (key: RegisterKey) => boolean): RegisterKey[] {
    const keys: RegisterKey[] = []
    for (const [key, { state }] of this.#registers) {
      if (state?.chosen !== undefined && !isConfigKey(key) && passes(key)) keys.push(key)
    }
    return keys.sort(compareUtf8)
  }

  /** Summaries of the chosen client keys. */
  summaries(): Map<RegisterKey, ChosenSummary> {
    const summaries = new Map<RegisterKey, ChosenSummary>()
    for (const [key, { state, digest }] of this.#registers) {
      if (state?.chosen === undefined || digest === undefined || isConfigKey(key)) continue
      summaries.set(key, { key, digest, bytes: Buffer.byteLength(key) + state.chosen.value.length })
    }
    return summaries
  }

  /** Chosen client keys of one leaf of the hash tree. */
  leaf(leaf: number): LeafEntry[] {
    this.#leaves ??= this.#byLeaf()
    return [...(this.#leaves.get(leaf) ?? [])]
  }

  #byLeaf(): Map<number, LeafEntry[]> {
    const leaves = new Map<number, LeafEntry[]>()
    for (const [key, { leaf, digest }] of this.#registers) {
      if (digest === undefined) continue
      const entries = leaves.get(leaf)
      if (entries === undefined) leaves.set(leaf, [{ key, digest }])
      else entries.push({ key, digest })
    }
    return leaves
  }

  /** Which of the keys written are in doubt, and which are no longer. */
  doubts(): Map<RegisterKey, boolean> {
    const doubts = new Map<RegisterKey, boolean>()
    for (const [key, { state }] of this.#registers) doubts.set(key, state?.accepted !== undefined)
    return doubts
  }
}
