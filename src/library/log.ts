/**
 * `@replicator/peer/log`: logs within a program, upon stores of its own. What is exported here is
 * kept to; what lies behind it may change.
 */
export { openLog } from './open-log.ts'
export type { CallOptions, LoadOptions, LogMember, ReplicatedLog, SaveOptions } from './open-log.ts'
export { LogRefused } from './log-refused.ts'
export type { OpenLogInit } from './settings.ts'
export { storeUpon } from './store-upon.ts'

export { Rejected } from '../stores/machine.ts'
export type { Machine, MachineState, MachineView, Place } from '../stores/machine.ts'
export type { Cell, Cells, CellView, CellWrites, Picture } from '../stores/cells.ts'

export {
  NotAQuery,
  OUTCOME_KEPT_MS,
  OUTCOMES_KEPT_MAX,
  STORE_SLICES,
  StoreBehind,
  StoreMoved,
  StoreRefused,
  StoreUnavailable,
} from '../ports/log-store.ts'
export type {
  LogStore,
  OfferedStore,
  StoreAnswer,
  StoreBackup,
  StoreBatch,
  StoreClaim,
  StorePosition,
  StoreRefusal,
} from '../ports/log-store.ts'
export type { Identity } from '../../protocols/base/identity.ts'
export type { Entry, EntryBody, Position } from '../../protocols/log/entry.ts'
export type { Membership } from '../../protocols/log/membership.ts'
export type { StoreOutcome } from '../../protocols/log/outcome.ts'
