/**
 * Chaos on real peers, briefly: nothing is lost and nothing is wrong; and a bug that is planted is
 * found.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { drawOptions } from '../chaos/options.ts'
import type { Asked } from '../chaos/options.ts'
import { describeResult } from '../chaos/report.ts'
import { runChaos } from '../chaos/run.ts'
import type { ChaosResult } from '../chaos/run.ts'

const SECONDS = 20
const PLANTED_SECONDS = 8

async function run(context: TestContext, asked: Asked): Promise<ChaosResult> {
  const said: string[] = []
  const result = await runChaos(drawOptions(asked), (text) => said.push(text), context.signal)
  for (const line of [...said, ...describeResult(result)]) context.diagnostic(line)
  return result
}

describe('chaos on real peers', () => {
  it('two clusters of three are killed, lose power, hang, are cut off, lose disks, and have no violation', async (context) => {
    const weights = { kill: 2, 'power-loss': 2, pause: 1, stop: 1, cut: 2, slow: 1, clock: 1, damage: 1, wipe: 1 }
    const { violations, operations, verdict } = await run(context, {
      seed: 4_711,
      seconds: SECONDS,
      clusters: 2,
      peersPerCluster: 3,
      weights,
    })
    assert.deepEqual(violations, [])
    assert.equal(verdict.undecided, 0)
    assert.ok(operations > 500, `only ${operations} operations`)
  })

  it('a peer that answers before the disk has it is found out by a loss of power', async (context) => {
    const asked = {
      seed: 1,
      clusters: 1,
      peersPerCluster: 3,
      clients: 8,
      planted: 'answered-before-written',
      weights: { 'power-loss': 1 },
    } as const
    const { violations, directory } = await run(context, { ...asked, seconds: PLANTED_SECONDS, diskDelayMs: 400, everybody: true })
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
    assert.ok(
      violations.some((violation) => /: absent, not "|: stale absent: /.test(violation)),
      violations.join('\n'),
    )
  })
})
