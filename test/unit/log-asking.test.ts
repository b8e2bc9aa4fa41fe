/** What a peer asks of others for its clients: a late copy of it begins nothing. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { TypeContext } from '../../protocols/data-type.ts'
import { Asking } from '../../protocols/log/asking.ts'
import type { WorkAnswer } from '../../protocols/log/requests.ts'
import { Serving } from '../../protocols/log/serving.ts'
import type { ServingInit } from '../../protocols/log/serving.ts'
import type { Talk, Work } from '../../protocols/log/talk.ts'
import { peerA, peerB } from './wire-examples.ts'

const LOG_ID = '0123456789abcdef0123456789abcdef'
const WORK: Work = { kind: 'check' }

interface Said {
  readonly to: PeerId
  readonly talk: Talk
}

function askedBy({ talk }: Said): number {
  assert.equal(talk.kind, 'ask')
  return talk.number
}

suite('what is asked of others', () => {
  test('is known to each by a number of its own, and an answer by an earlier one counts for nothing', () => {
    const said: Said[] = []
    const ends: WorkAnswer[] = []
    let lastId = 0
    const asking = new Asking({
      moment: { nowMs: 0 },
      nextId: () => (lastId += 1),
      isConnected: () => true,
      pick: ([first]) => first,
      send: (to, talk) => said.push({ to, talk }),
    })
    asking.ask({
      logId: LOG_ID,
      members: [peerA, peerB],
      work: WORK,
      deadlineMs: 1_000,
      done: (answer) => ends.push(answer),
      takeBack: () => false,
    })
    const [first] = said.map(askedBy)
    assert.ok(first !== undefined)
    asking.answered(peerA.peerId, first, { kind: 'not-here' })
    const [, second] = said.map(askedBy)
    assert.deepEqual(
      said.map(({ to }) => to),
      [peerA.peerId, peerB.peerId],
    )
    assert.ok(second !== undefined && second !== first)
    asking.answered(peerB.peerId, first, { kind: 'log-ended' })
    assert.deepEqual(ends, [])
    asking.answered(peerB.peerId, second, { kind: 'log-ended' })
    assert.deepEqual(ends, [{ kind: 'log-ended' }])
    assert.equal(asking.size, 0)
  })

  test('is dealt with once by whoever is asked, until another process of the asker comes', () => {
    const said: Said[] = []
    const context = { self: peerA, moment: { nowMs: 0 }, nextId: () => 1, random: () => 0, roster: { isConnected: () => true } }
    const serving = new Serving({
      context: context as unknown as TypeContext,
      births: { lives: { isPast: () => false } } as unknown as ServingInit['births'],
      hosted: new Map(),
      say: (to, talk) => said.push({ to, talk }),
    })
    const ask = { kind: 'ask', number: 7, logId: LOG_ID, timeoutMs: 1_000, work: WORK } as const
    serving.onAsk(peerB, ask)
    serving.onAsk(peerB, ask)
    assert.deepEqual(said, [{ to: peerB.peerId, talk: { kind: 'answer', number: 7, answer: { kind: 'not-here' } } }])
    serving.met(peerB.peerId)
    serving.onAsk(peerB, ask)
    assert.equal(said.length, 2)
  })
})
