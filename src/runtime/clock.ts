import { randomFillSync } from 'node:crypto'
import type { Clock, Random } from '../ports/clock.ts'

/** 128 bits. */
const ID_BYTES = 16
/**
 * Drawn at a time: asking the system for so few bytes costs more than all the rest of a put's
 * bookkeeping.
 */
const POOL_BYTES = 4_096

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
}

export const systemRandom: Random = {
  number: () => Math.random(),
  id: () => drawId(),
}

const pool = Buffer.alloc(POOL_BYTES)
let drawn = POOL_BYTES

function drawId(): string {
  if (drawn === POOL_BYTES) {
    randomFillSync(pool)
    drawn = 0
  }
  const id = pool.toString('hex', drawn, drawn + ID_BYTES)
  // Each byte is used once, and not kept.
  pool.fill(0, drawn, drawn + ID_BYTES)
  drawn += ID_BYTES
  return id
}
