import type { Accepted, ValueRecord } from './record.ts'
import type { Slot } from './slot.ts'

/**
 * Names one register. A client's key is itself; the register of `config/N` is written with a
 * leading U+0000, which no client's key may contain. So one string names a register of either
 * space.
 */
export type RegisterKey = string & { readonly __brand: 'RegisterKey' }

const HIDDEN_PREFIX = '../'
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

/**
 * The register of a key that a further type of data decides for itself. A client's key has no
 * segment `..`, so this one is written, learned, repaired and carried over as any key is, and no
 * client asks for it or is shown it.
 *
 * @param name of the type's own; with the type's name 1,020 bytes of UTF-8 at most, without U+0000
 */
export function hiddenKey(type: string, name: string): RegisterKey {
  return `${HIDDEN_PREFIX}${type}/${name}` as RegisterKey
}

/** True for a key that clients are not shown. */
export function isHiddenKey(key: RegisterKey): boolean {
  return key.startsWith(HIDDEN_PREFIX)
}

/** What `hiddenKey` was given; undefined for any other key. */
export function hiddenParts(key: RegisterKey): { readonly type: string; readonly name: string } | undefined {
  const end = isHiddenKey(key) ? key.indexOf('/', HIDDEN_PREFIX.length) : -1
  return end < 0 ? undefined : { type: key.slice(HIDDEN_PREFIX.length, end), name: key.slice(end + 1) }
}

/** The slot of a register. */
export function slotOf(key: RegisterKey): Slot {
  return isConfigKey(key) ? { type: 'configs', name: key.slice(CONFIG_PREFIX.length) } : { type: 'keys', name: key }
}

/**
 * What a store holds of one register. When a record is chosen, what was accepted no longer matters.
 */
export interface RegisterState {
  readonly accepted?: Accepted
  readonly chosen?: ValueRecord
}

/**
 * One entry of a leaf of the hash tree: a chosen key, or the name of a row, and its digest (16
 * bytes, see `hash-tree.ts`).
 */
export interface LeafEntry<Key extends string = RegisterKey> {
  readonly key: Key
  readonly digest: Uint8Array
}

/**
 * The store as the core reads it: synchronous, and showing every `persist` issued so far, synced or
 * not. What of it may be told to others is kept in order by the runtime, which holds each send back
 * behind the syncs it rests on.
 */
export interface Registers {
  /** What is held of a register; undefined when nothing is. */
  read(key: RegisterKey): RegisterState | undefined
  /**
   * At most `limit` chosen client keys of one leaf (0 to 65,535, `leafOf` in `hash-tree.ts`) after
   * the given key, in the order of their UTF-8 bytes. Leaves are small, and asked for only where
   * two peers differ.
   */
  leaf(leaf: number, after: RegisterKey | undefined, limit: number): readonly LeafEntry[]
}
