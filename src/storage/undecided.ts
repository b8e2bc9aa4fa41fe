/**
 * Remembers what the store holds of keys that are being decided. Each is looked up several times
 * between its first reserve and its chosen mark, mostly to learn that nothing is there yet, and a
 * look into the tables costs more than all else at that step.
 */
import type { RegisterKey, RegisterState } from '../../protocols/base/register.ts'
import type { RegisterWrite } from './rules.ts'

/** Keys remembered; the oldest is forgotten first. */
const KEYS_MAX = 4_096
/** The largest accepted value that is remembered, so that all of them together stay small. */
const VALUE_BYTES_MAX = 1_024

export class Undecided {
  readonly #states = new Map<RegisterKey, RegisterState | undefined>()

  /** True when the key is remembered, and so not chosen. */
  has(key: RegisterKey): boolean {
    return this.#states.has(key)
  }

  get(key: RegisterKey): RegisterState | undefined {
    return this.#states.get(key)
  }

  /** The store was asked and holds nothing of the key. */
  absent(key: RegisterKey): void {
    this.#remember(key, undefined)
  }

  /** The store is about to hold something else of a key. */
  wrote(write: RegisterWrite): void {
    if (write.kind === 'accepted' && write.accepted.record.value.length <= VALUE_BYTES_MAX) {
      this.#remember(write.key, { accepted: write.accepted })
    } else this.#states.delete(write.key)
  }

  #remember(key: RegisterKey, state: RegisterState | undefined): void {
    this.#states.set(key, state)
    if (this.#states.size <= KEYS_MAX) return
    for (const oldest of this.#states.keys()) {
      this.#states.delete(oldest)
      return
    }
  }
}
