import type { Accepted, ValueRecord } from './record.ts'
import type { Slot } from './slot.ts'

/**
 * Names one register. A client's key is itself; the register of `config/N` is written with a leading U+0000,
 * which no client's key may contain. So one string names a register of either space.
 */
export type RegisterKey = string & { readonly __brand: 'RegisterKey' }

const CONFIG_PREFIX = '\u0000config/'

/** The register of a client's key. */
export function dataKey(key: string): RegisterKey {
  return key as RegisterKey
}

/** The register that decides the config of an epoch. */
export function configKey(epoch: number): RegisterKey {
  return `${CONFIG_PREFIX}${epoch}` as RegisterKey
}

/** True for registers of the space `config`. */
export function isConfigKey(key: RegisterKey): boolean {
  return key.charCodeAt(0) === 0
}

/** The epoch that a register of the space `config` decides; NaN when the key is malformed. */
export function epochOfConfigKey(key: RegisterKey): number {
  return Number(key.slice(CONFIG_PREFIX.length))
}

/** The slot of a register. */
export function slotOf(key: RegisterKey): Slot {
  return isConfigKey(key) ? { type: 'configs', name: key.slice(CONFIG_PREFIX.length) } : { type: 'keys', name: key }
}

/** What a store holds of one register. When a record is chosen, what was accepted no longer matters. */
export interface RegisterState {
  readonly accepted?: Accepted
  readonly chosen?: ValueRecord
}

/** One entry of a leaf of the hash tree: a chosen key, or the name of a row, and its digest (16 bytes, see `hash-tree.ts`). */
export interface LeafEntry<Key extends string = RegisterKey> {
  readonly key: Key
  readonly digest: Uint8Array
}

/**
 * The store as the core reads it: synchronous, and showing every `persist` issued so far, synced or not.
 * What of it may be told to others is kept in order by the runtime, which holds each send back behind the syncs it rests on.
 */
export interface Registers {
  /** What is held of a register; undefined when nothing is. */
  read(key: RegisterKey): RegisterState | undefined
  /**
   * At most `limit` chosen client keys of one leaf (0 to 65,535, `leafOf` in `hash-tree.ts`) after the given key, in
   * the order of their UTF-8 bytes. Leaves are small, and asked for only where two peers differ.
   */
  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[]
}
