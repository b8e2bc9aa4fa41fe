/**
 * What the registers of one space tell agreement of themselves: clients' keys and configs follow
 * the same rules otherwise.
 */
import type { Installed } from '../base/installed.ts'
import type { Quorum } from '../base/quorum.ts'
import type { ValueRecord } from '../base/record.ts'
import type { RegisterKey } from '../base/register.ts'
import type { Settlement } from './settlement.ts'

export interface Space {
  readonly settlement: Settlement
  /** Who decides its registers in a config. */
  quorum(installed: Installed): Quorum
  /** True when the register may be voted on under this config. */
  isOpen(key: RegisterKey, installed: Installed): boolean
  /** True for a register whose puts may begin with an offer. */
  isOffered(key: RegisterKey): boolean
  /** True for a register that is not answered for any more. */
  isUnserved(key: RegisterKey): boolean
  /**
   * A voter that loses its vote in a finished config keeps what it accepted, but did not see
   * chosen.
   */
  readonly isKeptWithoutVote: boolean
  /** A record was found to be chosen. */
  learn(key: RegisterKey, record: ValueRecord): void
}

export type SpaceOf = (key: RegisterKey) => Space
