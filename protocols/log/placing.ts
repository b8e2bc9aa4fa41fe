/**
 * Where the writes of one log belong, and what its sends wait for. Each log has slots of its own:
 * a slow log holds up no key and no other log.
 */
import type { After, Slot } from '../base/slot.ts'
import type { LogAfter, LogWrite } from './events.ts'

/** The type of the slots, and of the rows. */
export const LOGS = 'logs'

/**
 * The slots of a write, by name: of all writes of the log, and of its hard state besides. What was
 * written first is on disk first, so whoever waits for one waits for all before it.
 */
export function slotsOf(logId: string, { kind }: LogWrite): readonly string[] {
  return kind === 'hard-state' ? allSlotsOf(logId) : [logId]
}

/** All of them, for a write that everything of the log waits for. */
export function allSlotsOf(logId: string): readonly string[] {
  return [logId, hardStateOf(logId)]
}

export function afterOf(logId: string, after: LogAfter): After {
  if (after === 'nothing') return after
  return slot(after === 'everything' ? logId : hardStateOf(logId))
}

function hardStateOf(logId: string): string {
  return `${logId}/term`
}

function slot(name: string): Slot {
  return { type: LOGS, name }
}
