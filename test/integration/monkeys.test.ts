/** Monkeys at nodes in memory: that they see what is wrong, and only that. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Model } from '../../src/monkeys/model.ts'
import { runMonkeys } from '../../src/monkeys/run.ts'
import type { MonkeysInit } from '../../src/monkeys/run.ts'
import { FakeSets } from './fake-sets.ts'
import { startHttp } from './http-fixture.ts'

const PLAY: Omit<MonkeysInit, 'kind' | 'urls' | 'say'> = { processes: 1, workers: 3, seconds: 1, pauseMs: 10, token: undefined }

describe('monkeys', () => {
  for (const kind of ['normal', 'offline-online', 'viewer'] as const) {
    it(`of the kind ${kind} find nothing wrong where all is well`, async () => {
      await using one = await startHttp()
      await using other = await startHttp({ sets: one.sets })
      await one.sets.ask<'insert'>({ kind: 'insert', set: 's', elements: [Buffer.from('7')], wait: 'here' })
      const lines: string[] = []
      const urls = [one, other].map(({ url }) => `${url}/sets/s`)
      // Those that have time are heard.
      const pauseMs = kind === 'normal' ? 1_000 : PLAY.pauseMs
      assert.deepEqual(await runMonkeys({ ...PLAY, pauseMs, kind, urls, say: (line) => lines.push(line) }), [])
      assert.match(lines.at(-1) ?? '', /^all 2 nodes are equal: \d+ elements, and nothing answered is missing$/)
      if (kind === 'normal') assert.match(lines[0] ?? '', /^(?:inserted|deleted) \d+(?: \d+)* at http:/)
      if (kind === 'viewer') assert.ok(lines.includes('+ 7'), lines.join('\n'))
      else assert.match(lines.find((line) => line.includes('were answered')) ?? '', /^[1-9]\d* operations were answered/)
    })
  }

  it('find that an operation is missing that was answered', async () => {
    const losing = new FakeSets()
    let count = 0
    // Every third insert is answered and done nowhere.
    losing.onAsk = (request) => (request.kind === 'insert' && (count += 1) % 3 === 0 ? { kind: 'stored', shiftMs: 0 } : undefined)
    await losing.ask<'insert'>({ kind: 'insert', set: 's', elements: [Buffer.from('7')], wait: 'here' })
    await using lossy = await startHttp({ sets: losing })
    const faults = await runMonkeys({
      ...PLAY,
      workers: 1,
      pauseMs: 40,
      kind: 'normal',
      urls: [`${lossy.url}/sets/s`],
      say: () => undefined,
    })
    assert.match(faults.join(), /was inserted at \d+ or later, and is known as inserted at/)
  })

  it('keep the highest of what was answered as the least that must be found', () => {
    const model = new Model()
    model.answered('insert', [1, 2], 10)
    model.answered('insert', [1], 5)
    model.merged(new Map([['2', { added: -1, removed: 7 }]]), 100)
    assert.deepEqual(model.rows(), [
      ['1', 10, -1],
      ['2', 10, 107],
    ])
    assert.deepEqual(
      model.missing(
        new Map([
          ['1', { added: 10, removed: 3 }],
          ['2', { added: 12, removed: 107 }],
        ]),
      ),
      [],
    )
    assert.deepEqual(model.missing(new Map([['1', { added: 9, removed: 3 }]])).length, 3)
  })
})
