/**
 * One walk through another's tree: what it asks, what it makes of each answer, and when it is done.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Identity } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { ChosenKeys } from '../../protocols/keys/chosen.ts'
import { Pull } from '../../protocols/repair/pull.ts'
import { speechOfKeys } from '../../protocols/repair/speech.ts'
import { HASH_BYTES, LEAVES_PER_GROUP, leafOf } from '../../protocols/base/hash-tree.ts'
import type { ValueRecord } from '../../protocols/base/record.ts'
import type { PullAnswer } from '../../protocols/wire/pull-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { sha256 } from '../../src/bytes.ts'
import { Bench, codec, key, peer, recordOf, sends, worldOf } from './core-harness.ts'

/** One walk alone, whose source a test plays. */
class Walk extends Bench {
  readonly moment = { nowMs: 0 }
  readonly source: Identity = peer('s')
  roundTripMs: number | undefined
  readonly pull: Pull<RegisterKey, ValueRecord>
  readonly finishing: Map<RegisterKey, (done: boolean) => void> = new Map()
  readonly learned: RegisterKey[] = []
  private lastId = 0

  constructor(minEpoch: number) {
    super()
    const chosen = new ChosenKeys(this.overlay, codec, sha256, this.outbox, { learned: () => undefined })
    this.pull = new Pull<RegisterKey, ValueRecord>(this.source, minEpoch, {
      moment: this.moment,
      roundTripMs: () => this.roundTripMs,
      speech: speechOfKeys(this.outbox),
      nextId: () => (this.lastId += 1),
      collection: {
        tree: chosen.tree,
        leaf: () => [],
        lacks: (of, digest) => chosen.lacks(of, digest),
        held: (of) => chosen.get(of),
        isWithheld: () => false,
        take: (told) => {
          this.learned.push(...told.map((each) => each.key))
          return told.length
        },
        page: () => ({ keys: [], more: false }),
        settle: (of, settled) => void this.finishing.set(of, settled),
      },
    })
    this.pull.begin()
  }

  /** What the walk asks now. */
  asked(): Extract<Message, { id: number }>[] {
    return sends(this.take()).map(({ message }) => message as Extract<Message, { id: number }>)
  }

  /** Expects one question of this kind and answers it. */
  answer(kind: Message['kind'], reply: (id: number) => PullAnswer<RegisterKey, ValueRecord>): void {
    const questions = this.asked()
    assert.deepEqual(
      questions.map((question) => question.kind),
      [kind],
    )
    this.pull.reply(reply(questions[0]?.id ?? 0))
  }

  get state(): string {
    return this.pull.isDone ? 'done' : this.pull.isRunning ? 'running' : 'failed'
  }
}

function hashesWith(place: number | undefined): Uint8Array {
  const hashes = new Uint8Array(256 * HASH_BYTES)
  if (place !== undefined) hashes[place * HASH_BYTES] = 1
  return hashes
}

suite('a pull', () => {
  const leaf = leafOf(key)
  const group = Math.floor(leaf / LEAVES_PER_GROUP)
  const entry = { key, digest: new Uint8Array(HASH_BYTES) }

  function untilLeaves(walk: Walk): void {
    walk.answer('hashes-wanted', (id) => ({ kind: 'hashes', id, group: undefined, hashes: hashesWith(group) }))
    walk.answer('hashes-wanted', (id) => ({ kind: 'hashes', id, group, hashes: hashesWith(leaf % LEAVES_PER_GROUP) }))
  }

  test('of two equal trees asks once', () => {
    const walk = new Walk(0)
    walk.moment.nowMs = 5
    walk.answer('hashes-wanted', (id) => ({ kind: 'hashes', id, group: undefined, hashes: hashesWith(undefined) }))
    assert.deepEqual([walk.state, walk.pull.answeredAtMs], ['done', 5])
  })

  test('walks down to the differing leaf and fetches what it lacks', () => {
    const walk = new Walk(0)
    untilLeaves(walk)
    walk.answer('leaves-wanted', (id) => ({ kind: 'leaves', id, entries: [entry], leavesDone: 1, after: undefined }))
    walk.answer('records-wanted', (id) => ({ kind: 'records', id, records: [{ key, record: recordOf('x') }], keysDone: 1 }))
    assert.deepEqual([walk.state, walk.learned, walk.pull.copied], ['done', [key], 1])
  })

  test('goes on where a list was cut', () => {
    const walk = new Walk(0)
    untilLeaves(walk)
    const [first, second] = walk.asked()
    assert(first?.kind === 'leaves-wanted' && first.after === undefined && second === undefined)
    walk.pull.reply({ kind: 'leaves', id: first.id, entries: [entry, { ...entry, key: dataKey('l') }], leavesDone: 0, after: dataKey('l') })
    const asked = walk.asked()
    const records = asked.find((question) => question.kind === 'records-wanted')
    const more = asked.find((question) => question.kind === 'leaves-wanted')
    assert(more?.kind === 'leaves-wanted' && more.after === 'l' && records !== undefined)
    walk.pull.reply({ kind: 'leaves', id: more.id, entries: [], leavesDone: 1, after: undefined })
    walk.pull.reply({ kind: 'records', id: records.id, records: [{ key, record: recordOf('x') }], keysDone: 1 })
    const rest = walk.asked()
    assert(rest[0]?.kind === 'records-wanted' && rest[0].keys.join() === 'l')
    assert.equal(walk.state, 'running')
    walk.pull.reply({ kind: 'records', id: rest[0].id, records: [{ key: dataKey('l'), record: recordOf('x') }], keysDone: 1 })
    assert.equal(walk.state, 'done')
  })

  test('is over without a result when a record that was listed does not come: the source lost what it had in memory alone', () => {
    const walk = new Walk(1)
    walk.answer('doubts-wanted', (id) => ({ kind: 'doubts', id, keys: [], more: false }))
    untilLeaves(walk)
    walk.answer('leaves-wanted', (id) => ({ kind: 'leaves', id, entries: [entry], leavesDone: 1, after: undefined }))
    walk.answer('records-wanted', (id) => ({ kind: 'records', id, records: [], keysDone: 1 }))
    assert.equal(walk.state, 'failed')
  })

  test('asks again what is not answered, under its number, ever later, and gives up after eight times', () => {
    const walk = new Walk(0)
    const [first] = walk.asked()
    for (const waitMs of [300, 600, 1_200, 2_400, 2_400, 2_400, 2_400, 2_400]) {
      walk.moment.nowMs += waitMs - 1
      walk.pull.tick()
      assert.deepEqual(walk.asked(), [])
      walk.moment.nowMs += 1
      walk.pull.tick()
      assert.deepEqual(walk.asked(), [first])
    }
    walk.moment.nowMs += 2_400
    walk.pull.tick()
    assert.deepEqual([walk.asked(), walk.state], [[], 'failed'])
  })

  test('asks for leaves of several groups at once, and is done only with all of them', () => {
    const walk = new Walk(0)
    const hashes = hashesWith(group)
    hashes[((group + 1) % 256) * HASH_BYTES] = 1
    walk.answer('hashes-wanted', (id) => ({ kind: 'hashes', id, group: undefined, hashes }))
    const groups = walk.asked()
    for (const asked of groups) {
      assert(asked.kind === 'hashes-wanted')
      walk.pull.reply({ kind: 'hashes', id: asked.id, group: asked.group, hashes: hashesWith(3) })
    }
    const [wanted, ...rest] = walk.asked()
    assert(wanted?.kind === 'leaves-wanted' && rest.length === 0)
    assert.equal(new Set(wanted.leaves.map((each) => Math.floor(each / LEAVES_PER_GROUP))).size, 2)
    assert.equal(walk.state, 'running')
    walk.pull.reply({ kind: 'leaves', id: wanted.id, entries: [], leavesDone: 2, after: undefined })
    assert.equal(walk.state, 'done')
  })

  test('asks for leaves once sixteen differ, though not all groups were looked at, so that records come in soon', () => {
    const walk = new Walk(0)
    const hashes = new Uint8Array(256 * HASH_BYTES)
    for (let place = 0; place < 8; place += 1) hashes[place * HASH_BYTES] = 1
    walk.answer('hashes-wanted', (id) => ({ kind: 'hashes', id, group: undefined, hashes }))
    const [first, second] = walk.asked()
    const differing = (count: number): Uint8Array => {
      const sums = new Uint8Array(256 * HASH_BYTES)
      for (let place = 0; place < count; place += 1) sums[place * HASH_BYTES] = 1
      return sums
    }
    assert(first?.kind === 'hashes-wanted' && second?.kind === 'hashes-wanted')
    walk.pull.reply({ kind: 'hashes', id: first.id, group: first.group, hashes: differing(15) })
    assert.deepEqual(
      walk.asked().map(({ kind }) => kind),
      ['hashes-wanted'],
    )
    walk.pull.reply({ kind: 'hashes', id: second.id, group: second.group, hashes: differing(1) })
    const [third, ...rest] = walk.asked()
    assert(third?.kind === 'leaves-wanted' && rest.length === 0)
    assert.equal(third.leaves.length, 16)
  })

  test('passes over answers to what it did not ask, and repeated ones', () => {
    const walk = new Walk(0)
    assert.equal(walk.pull.reply({ kind: 'hashes', id: 99, group: undefined, hashes: hashesWith(1) }), false)
    const [first] = walk.asked()
    const reply: PullAnswer<RegisterKey, ValueRecord> = {
      kind: 'hashes',
      id: first?.id ?? 0,
      group: undefined,
      hashes: hashesWith(undefined),
    }
    assert.equal(walk.pull.reply(reply), true)
    assert.equal(walk.pull.reply(reply), false)
  })

  test('concludes nothing from an answer that does not fit its question, or is cut to nothing', () => {
    for (const reply of [
      (id: number): PullAnswer<RegisterKey, ValueRecord> => ({ kind: 'doubts', id, keys: [], more: false }),
      (id: number): PullAnswer<RegisterKey, ValueRecord> => ({ kind: 'hashes', id, group: 5, hashes: hashesWith(undefined) }),
    ]) {
      const walk = new Walk(0)
      walk.answer('hashes-wanted', reply)
      assert.equal(walk.state, 'failed')
    }
    for (const leavesDone of [0, 2]) {
      const walk = new Walk(0)
      untilLeaves(walk)
      walk.answer('leaves-wanted', (id) => ({ kind: 'leaves', id, entries: [], leavesDone, after: undefined }))
      assert.equal(walk.state, 'failed')
    }
    for (const keysDone of [0, 2]) {
      const walk = new Walk(0)
      untilLeaves(walk)
      walk.answer('leaves-wanted', (id) => ({ kind: 'leaves', id, entries: [entry], leavesDone: 1, after: undefined }))
      walk.answer('records-wanted', (id) => ({ kind: 'records', id, records: [], keysDone }))
      assert.equal(walk.state, 'failed')
    }
  })
})

suite('a pull for a transfer', () => {
  const none = (id: number): PullAnswer<RegisterKey, ValueRecord> => ({
    kind: 'hashes',
    id,
    group: undefined,
    hashes: hashesWith(undefined),
  })

  test('lists every page of doubts before it looks at the tree', () => {
    const walk = new Walk(3)
    walk.answer('doubts-wanted', (id) => ({ kind: 'doubts', id, keys: [dataKey('a')], more: true }))
    const [second] = walk.asked()
    assert(second?.kind === 'doubts-wanted' && second.after === 'a' && second.minEpoch === 3)
    walk.pull.reply({ kind: 'doubts', id: second.id, keys: [], more: false })
    const [third] = walk.asked()
    assert(third?.kind === 'hashes-wanted' && third.minEpoch === 3)
  })

  test('is done only when each key in doubt is finished', () => {
    const walk = new Walk(3)
    walk.answer('doubts-wanted', (id) => ({ kind: 'doubts', id, keys: [dataKey('a'), dataKey('b')], more: false }))
    walk.answer('hashes-wanted', none)
    assert.deepEqual([...walk.finishing.keys()].toSorted(), ['a', 'b'])
    walk.finishing.get(dataKey('a'))?.(true)
    assert.equal(walk.state, 'running')
    walk.finishing.get(dataKey('b'))?.(true)
    assert.equal(walk.state, 'done')
  })

  test('fails when a key in doubt could not be finished', () => {
    const walk = new Walk(3)
    walk.answer('doubts-wanted', (id) => ({ kind: 'doubts', id, keys: [dataKey('a')], more: false }))
    walk.answer('hashes-wanted', none)
    walk.finishing.get(dataKey('a'))?.(false)
    assert.equal(walk.state, 'failed')
  })

  test('finishes no more than 64 keys at one time', () => {
    const walk = new Walk(3)
    const keys = Array.from({ length: 100 }, (_, number) => dataKey(`key ${number}`))
    walk.answer('doubts-wanted', (id) => ({ kind: 'doubts', id, keys, more: false }))
    assert.equal(walk.finishing.size, 64)
    for (let settled = 0; settled < 100; settled += 1) {
      const [[first, settle] = []] = walk.finishing
      assert(first !== undefined && settle !== undefined)
      walk.finishing.delete(first)
      settle(true)
    }
    walk.answer('hashes-wanted', none)
    assert.equal(walk.state, 'done')
  })

  test('is answered by nobody who has not installed the epoch', () => {
    const world = worldOf({ c1: ['a', 'b'] })
    for (const message of [
      { kind: 'doubts-wanted', id: 1, minEpoch: 1, after: undefined },
      { kind: 'hashes-wanted', id: 1, minEpoch: 1, group: undefined },
      { kind: 'leaves-wanted', id: 1, minEpoch: 1, leaves: [1], after: undefined },
    ] as const) {
      assert.deepEqual(sends(world.get('a').step({ kind: 'message', from: peer('b'), round: 0, message })), [])
    }
  })

  test('counts only answers of the very store that was asked', () => {
    const world = worldOf({ c1: ['a'] })
    world.outcome(world.get('a'), world.put(world.get('a'), 'x'))
    const late = world.add('l', 'c1', [])
    world.loses = (_, __, message) => message.kind === 'hashes'
    world.connectAll()
    world.advance(300)
    const [wanted] = world.seen
      .filter(({ from, message }) => from === 'l' && message.kind === 'hashes-wanted')
      .map(({ message }) => message)
    assert(wanted?.kind === 'hashes-wanted')
    late.step({
      kind: 'message',
      from: peer('a', 1),
      round: 0,
      message: { kind: 'hashes', id: wanted.id, group: undefined, hashes: hashesWith(undefined) },
    })
    world.advance(300)
    assert.equal(late.core.caughtUp, false)
  })
})
