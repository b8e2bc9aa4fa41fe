/**
 * What the store asks of a table: that of registers, that of facts, and the one that holds the rows
 * of every further type.
 */
import type { Placed } from '../../../protocols/base/persist.ts'
import type { RowChange } from '../../commit.ts'
import type { Environment } from '../environment.ts'

export interface Table {
  /** The types of the slots whose writes are its own. */
  readonly types: readonly string[]
  /**
   * Shows a write to readers from now on.
   *
   * @param serial of the transaction that it will be part of; they rise
   * @returns false when it is nothing new, and so is not written
   * @throws ProtocolViolation when it breaks a rule of the type: the store then ends
   */
  take(write: Placed, serial: number): boolean
  /** Encodes a write that was taken. */
  changes(write: Placed): readonly RowChange[]
  /**
   * All that was taken with this serial or a lower one is on disk, and a read of the disk shows it.
   */
  settled(writes: readonly Placed[], serial: number): void
}

/** Whatever a table needs of the store it is part of. */
export interface TableInit {
  readonly environment: Environment
  /** For messages. */
  readonly directory: string
  /** @throws Error when the store has ended; each read begins with it */
  readonly assertGoing: () => void
  /** True while a transaction is under way. */
  readonly isWriting: () => boolean
}
