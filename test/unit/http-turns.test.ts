/**
 * How often a turn begins requests, with the time and the rounds of the loop in the hands of the
 * test.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Load } from '../../src/http/load.ts'
import { Turns } from '../../src/http/turns.ts'

const ROUNDS = 100
/** A request takes all the time that a turn has. */
const REQUEST_MS = 5
const ROUND_MS = 1

/**
 * So many requests begin in rounds of the loop that each take a moment, with a connection accepted
 * in each or in none.
 */
async function begunIn(rounds: number, hasConnections: boolean): Promise<number> {
  let nowMs = 0
  let begun = 0
  const turns = new Turns({ nowMs: () => nowMs, wallMs: () => nowMs })
  const goOn = (): boolean => {
    begun += 1
    nowMs += REQUEST_MS
    return begun < 2 * rounds
  }
  turns.wait(new Load().shareOf('192.0.2.1', false), { goOn })
  for (let round = 0; round < rounds; round += 1) {
    nowMs += ROUND_MS
    if (hasConnections) turns.accepted()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return begun
}

describe('requests that wait for a turn', () => {
  it('begin in each round of the loop', async () => {
    const begun = await begunIn(ROUNDS, false)
    assert.ok(begun > ROUNDS / 2, `${begun} begun`)
  })

  it('begin in few rounds while connections come, which are accepted one a round, and are not forgotten', async () => {
    const begun = await begunIn(ROUNDS, true)
    assert.ok(begun >= 3 && begun <= ROUNDS / 10, `${begun} begun`)
  })

  it('wait for no connection that came before them', async () => {
    const turns = new Turns({ nowMs: () => 0, wallMs: () => 0 })
    turns.accepted()
    assert.equal(turns.mayBegin(), true)
  })
})
