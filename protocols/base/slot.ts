/**
 * A slot is what a write belongs to, and what a send can wait for: a type of data and a name in it.
 * Whoever performs effects knows slots alone, so another type of data needs nothing of the runtime.
 */
export interface Slot {
  /**
   * Each type keeps its data in a table of its own. `keys`: clients' write-once keys, by key.
   * `configs`: chosen configs, by epoch. `facts`: what a store knows of itself. A further type of
   * data goes by its own name.
   */
  readonly type: string
  readonly name: string
}

/** What a send waits for: the writes of one slot, of none, or all that were made before it. */
export type After = Slot | 'nothing' | 'everything'
