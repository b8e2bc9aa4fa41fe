/**
 * How much of what clients send at once begins in one turn of the loop, and what is read for
 * answers that nobody takes.
 */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import type { GetOutcome } from '../../src/ports/replicator.ts'
import { ask, eventually, RawClient, requestHead, startHttp, WRITTEN_AT_MS } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

/** A get of these keeps the loop for as long as the largest values do. */
const SLOW_MS = 4
/** More than fit into the milliseconds of a turn, and far fewer than are sent. */
const TURN_GETS_MAX = 4

/**
 * Notes in which turn of the loop each get begins, and keeps the loop for a while at each.
 *
 * @param when at the start of the get, or in what follows it, as hashing a value does
 */
function slowGets(
  fixture: Fixture,
  when: 'at once' | 'afterwards' = 'at once',
): { readonly keys: string[]; readonly turns: number[]; stop(): void } {
  const keys: string[] = []
  const turns: number[] = []
  let turn = 0
  let timer = setImmediate(function next() {
    turn += 1
    timer = setImmediate(next)
  })
  fixture.replicator.onGet = ({ key, consistency }) => {
    keys.push(key)
    turns.push(turn)
    const answer: GetOutcome = { kind: 'absent', consistency }
    if (when === 'at once') keepLoop()
    return when === 'at once'
      ? Promise.resolve(answer)
      : Promise.resolve()
          .then(keepLoop)
          .then(() => answer)
  }
  return { keys, turns, stop: () => clearImmediate(timer) }
}

function keepLoop(): void {
  for (const untilMs = performance.now() + SLOW_MS; performance.now() < untilMs;);
}

describe('requests that come many at a time', () => {
  for (const when of ['at once', 'afterwards'] as const) {
    it(`begin a few in each turn of the loop, in their order, when each costs time ${when}`, async () => {
      await using fixture = await startHttp()
      const slow = slowGets(fixture, when)
      await using client = new RawClient(fixture.port)
      const sent = Array.from({ length: 60 }, (_, index) => `k${index}`)
      client.write(sent.map((key) => requestHead('GET', `/store/${key}`)).join(''))
      for (const key of sent) assert.equal((await client.answer()).status, 404, key)
      slow.stop()
      assert.deepEqual(slow.keys, sent)
      const most = Math.max(...[...Map.groupBy(slow.turns, (turn) => turn).values()].map((begun) => begun.length))
      assert.ok(most <= TURN_GETS_MAX, `${most} in one turn`)
    })
  }

  it('let each other connection begin one in between', async () => {
    await using fixture = await startHttp()
    const slow = slowGets(fixture)
    const many = [1, 2, 3].map(() => new RawClient(fixture.port))
    for (const client of many) client.write(requestHead('GET', '/store/many').repeat(60))
    await eventually(() => slow.keys.length > 0, 'the first get')
    assert.equal((await ask(fixture, 'GET', '/store/one')).status, 404)
    slow.stop()
    assert.ok(slow.keys.indexOf('one') < 120, `${slow.keys.indexOf('one')} began before`)
    await Promise.all(many.map((client) => client.close()))
  })
})

describe('a client that takes no answers', () => {
  it('has no more values read for it once its part of the bytes is under way', async () => {
    const value = Buffer.alloc(1_000_000, 'v')
    await using fixture = await startHttp({ load: { bounds: { answerBytes: 40_000_000 } } })
    const record = { writeId: 'drawn-0001', value, contentType: 'text/plain', writtenAtMs: WRITTEN_AT_MS }
    fixture.replicator.records.set('large', record)
    fixture.replicator.records.set('small', { ...record, value: Buffer.from('small') })
    await using client = new RawClient(fixture.port)
    client.socket.pause()
    const { load } = fixture.server.app.context
    client.write(requestHead('GET', '/store/large').repeat(140))
    // Ten of them are its part; the system takes some besides, as many as its buffers have room
    // for.
    await eventually(() => load.refused.client.answerBytes >= 100, 'most are refused')
    assert.ok(fixture.replicator.gets.length <= 40, `${fixture.replicator.gets.length} were read`)
    assert.equal((await ask(fixture, 'GET', '/store/small')).status, 200, 'small answers are not counted')
    assert.equal((await ask(fixture, 'HEAD', '/store/large')).status, 200)
  })
})
