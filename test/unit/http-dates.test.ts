import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatHttpDate, formatTime } from '../../src/http/dates.ts'

const DAY_MS = 86_400_000

/**
 * The ends of days, of months with and without a leap day, of years; and times that jump between
 * days.
 */
const TIMES_MS = [
  0,
  DAY_MS - 1,
  DAY_MS,
  -1,
  Date.parse('2024-02-29T23:59:59.999Z'),
  Date.parse('2026-11-20T19:00:00.007Z'),
  Date.parse('2026-11-21T00:00:00.000Z'),
  Date.parse('2026-11-20T09:05:03.070Z'),
  Date.parse('1999-12-31T23:59:59.999Z'),
  Date.parse('9999-12-31T23:59:59.999Z'),
  253_402_300_800_000,
]

describe('a time in an answer', () => {
  it('is written as Date writes it, whatever time was written before', () => {
    for (const before of TIMES_MS) {
      for (const timeMs of TIMES_MS) {
        formatTime(before)
        assert.equal(formatTime(timeMs), new Date(timeMs).toISOString())
        const second = Math.floor(timeMs / 1000)
        assert.equal(formatHttpDate(second), new Date(second * 1000).toUTCString())
      }
    }
  })
})
