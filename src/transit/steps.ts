/**
 * Reading in steps, each of one element: all at once, or a few milliseconds at a time while others
 * have their turns.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { guarded } from './fault.ts'
import type { Read } from './fault.ts'

/** What a turn takes at most, about. */
const TURN_MS = 5

/** Work that can be left off between two steps. */
export type Steps<T> = Generator<void, T, undefined>

export function drained<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

/** Does the work in turns. */
export async function inTurns<T>(steps: Steps<T>): Promise<Read<T>> {
  for (;;) {
    const read = guarded(() => turn(steps))
    if (read.fault !== undefined) return read
    if (read.value.done === true) return { value: read.value.value }
    await nextTurn()
  }
}

function turn<T>(steps: Steps<T>): IteratorResult<void, T> {
  const endsAtMs = performance.now() + TURN_MS
  for (;;) {
    const step = steps.next()
    if (step.done === true || performance.now() > endsAtMs) return step
  }
}
