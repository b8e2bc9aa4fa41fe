import { randomBytes } from 'node:crypto'
import type { Clock, Random } from '../ports/clock.ts'

/** 128 bits. */
const ID_BYTES = 16

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
}

export const systemRandom: Random = {
  number: () => Math.random(),
  id: () => randomBytes(ID_BYTES).toString('hex'),
}
