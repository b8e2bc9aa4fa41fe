/**
 * What every store that a log is applied to must hold to. Call it once an adapter, inside its test
 * file. Commands are those of the key-value store.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { ORIGIN } from '../../protocols/log/entry.ts'
import type { Entry, EntryBody, SubmitId } from '../../protocols/log/entry.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { NotAQuery, OUTCOME_KEPT_MS, STORE_SLICES, StoreBehind, StoreRefused, StoreUnavailable } from '../../src/ports/log-store.ts'
import type { LogStore, StoreClaim } from '../../src/ports/log-store.ts'

/** The same content, opened again and again, as after the end of a process. */
export interface StoreUnderTest {
  /** @throws StoreRefused */
  open(claim: StoreClaim): Promise<LogStore>
  /** Puts something there that is not ours. */
  spoil(): Promise<void>
  remove(): Promise<void>
}

const utf8 = new TextEncoder()
const text = new TextDecoder()
const owner = peer('a')
const claim: StoreClaim = { logId: '0123456789abcdef0123456789abcdef', generation: 0, owner, firstMembers: firstMembers([owner]) }
const NONE: ReadonlyMap<number, string> = new Map()
const never = new AbortController().signal

function peer(name: string): Identity {
  return identity(name as PeerId, name.charCodeAt(0).toString(16).padStart(32, '0') as Incarnation)
}

function entry(index: number, body: EntryBody, atMs: number = 1_000): Entry {
  return { term: 1, index, atMs, body }
}

function command(index: number, value: unknown, { id = `f${index}`, since = 0, atMs = 1_000 } = {}): Entry {
  return entry(
    index,
    { kind: 'command', submitId: id as SubmitId, since, command: utf8.encode(typeof value === 'string' ? value : JSON.stringify(value)) },
    atMs,
  )
}

async function get(store: LogStore, ...keys: string[]): Promise<unknown> {
  const { result } = await store.query(utf8.encode(JSON.stringify({ get: keys })), 0)
  return JSON.parse(text.decode(result))
}

async function digests(store: LogStore): Promise<string[]> {
  return Promise.all(Array.from({ length: STORE_SLICES }, (_, slice) => store.digest(slice)))
}

export function storeContract(name: string, make: () => Promise<StoreUnderTest>): void {
  suite(`a store of a log: ${name}`, () => {
    let under: StoreUnderTest
    let store: LogStore

    const apply = (...entries: Entry[]): Promise<readonly unknown[]> => store.apply({ entries, verdicts: NONE })
    const reopen = async (by: StoreClaim = claim): Promise<void> => {
      await store.close()
      store = await under.open(by)
    }

    beforeEach(async () => {
      under = await make()
      store = await under.open(claim)
    })
    afterEach(async () => {
      await store.close()
      await under.remove()
    })

    test('a new store stands at the origin, with the members of the birth', () => {
      assert.deepEqual([store.at.position, store.at.members, store.at.durableIndex], [ORIGIN, claim.firstMembers, 0])
    })

    test('what is applied is there after a restart, with its position and its clock', async () => {
      const [first, second] = await apply(entry(1, { kind: 'began' }), command(2, { set: { a: '1', b: '2' } }, { atMs: 7_000 }))
      assert.deepEqual(
        [first, second],
        [
          { kind: 'done', result: new Uint8Array() },
          { kind: 'done', result: utf8.encode('null') },
        ],
      )
      const before = store.at
      await reopen()
      assert.deepEqual(store.at, before)
      assert.deepEqual([store.at.position, store.at.atMs, store.at.durableIndex], [{ term: 1, index: 2 }, 7_000, 2])
      assert.deepEqual(await get(store, 'a', 'b', 'c'), { a: '1', b: '2', c: null })
    })

    test('an entry that was applied gives its outcome again and has no effect', async () => {
      const add = command(1, { add: { n: 5 } })
      const first = await apply(add)
      assert.deepEqual(await apply(add, command(2, { add: { n: 1 } })), [
        ...first,
        { kind: 'done', result: utf8.encode('{"add":{"n":6}}') },
      ])
      await reopen()
      assert.deepEqual(await apply(add), first)
      assert.deepEqual(await get(store, 'n'), { n: '6' })
    })

    test('a gap is thrown, and nothing of its batch is applied', async () => {
      await assert.rejects(apply(command(1, { set: { a: '1' } }), command(3, { set: { b: '1' } })), /applied upon/)
      assert.deepEqual([store.at.position, await get(store, 'a')], [ORIGIN, { a: null }])
    })

    test('a command that is wrong is rejected: its half is undone, its position is taken, and the rest of its batch goes on', async () => {
      const outcomes = await apply(command(1, { set: { a: '1' }, add: { a: 'x' } }), command(2, { set: { b: '2' } }), command(3, 'no json'))
      assert.deepEqual(
        outcomes.map((outcome) => (outcome as { code?: string }).code),
        ['not-a-number', undefined, 'not-json'],
      )
      assert.deepEqual([store.at.position.index, await get(store, 'a', 'b')], [3, { a: null, b: '2' }])
    })

    test('a name takes effect once: the same command gives the first outcome, another one is refused', async () => {
      const [first] = await apply(command(1, { add: { n: 1 } }, { id: 'n-1' }))
      await reopen()
      const [again, other] = await apply(command(2, { add: { n: 1 } }, { id: 'n-1' }), command(3, { add: { n: 2 } }, { id: 'n-1' }))
      assert.deepEqual([again, other], [first, { kind: 'reused' }])
      assert.deepEqual([store.at.position.index, await get(store, 'n')], [3, { n: '1' }])
    })

    test('a rejected name stays rejected', async () => {
      const [first] = await apply(command(1, { cas: { k: ['x', 'y'] } }, { id: 'n-1' }))
      const [, again] = await apply(command(2, { set: { k: 'x' } }), command(3, { cas: { k: ['x', 'y'] } }, { id: 'n-1' }))
      assert.deepEqual([again, await get(store, 'k')], [first, { k: 'x' }])
    })

    test("names are forgotten by the log's clock, and whoever says since when they try is told so", async () => {
      await apply(command(1, { add: { n: 1 } }, { id: 'n-1' }), command(2, { add: { n: 1 } }, { id: 'n-2' }))
      const atMs = 1_001 + OUTCOME_KEPT_MS
      const outcomes = await apply(
        command(3, { add: { n: 1 } }, { id: 'n-1', since: 1, atMs }),
        command(4, { add: { n: 1 } }, { id: 'n-9', since: 2, atMs }),
        command(5, { add: { n: 1 } }, { id: 'n-2', atMs }),
      )
      assert.deepEqual(
        outcomes.map((outcome) => (outcome as { kind: string }).kind),
        ['forgotten', 'done', 'done'],
      )
      assert.deepEqual(await get(store, 'n'), { n: '4' })
    })

    test('a verdict rejects what it names', async () => {
      const outcomes = await store.apply({ entries: [command(1, { set: { a: '1' } })], verdicts: new Map([[1, 'disk-full']]) })
      assert.deepEqual(outcomes, [{ kind: 'rejected', class: 'constraint', code: 'disk-full', isPartial: false }])
      assert.deepEqual(await get(store, 'a'), { a: null })
    })

    test('members are those of the newest entry that names some', async () => {
      const members = firstMembers([owner, peer('b')])
      await apply(entry(1, { kind: 'members', members }), command(2, { set: { a: '1' } }))
      await reopen()
      assert.deepEqual(store.at.members, members)
    })

    test('a query tests the position and changes nothing', async () => {
      await apply(command(1, { set: { a: '1', ab: '2', b: '3' } }))
      const { position, result } = await store.query(utf8.encode('{"list":"a"}'), 1)
      assert.deepEqual([position.index, JSON.parse(text.decode(result))], [1, { a: '1', ab: '2' }])
      await assert.rejects(store.query(utf8.encode('{"list":""}'), 2), StoreBehind)
      for (const query of ['{"set":{"a":"9"}}', 'no json', '{"get":["a"],"delete":["a"]}'])
        await assert.rejects(store.query(utf8.encode(query), 0), NotAQuery)
      assert.deepEqual(await get(store, 'a'), { a: '1' })
    })

    test('a store belongs to one log and one replica', async () => {
      const refused = async (by: Partial<StoreClaim>, code: string): Promise<void> => {
        await assert.rejects(under.open({ ...claim, ...by }), (error) => error instanceof StoreRefused && error.code === code)
      }
      await store.close()
      await refused({ owner: peer('b') }, 'store-claimed')
      await refused({ logId: 'f'.repeat(32) }, 'store-of-another-log')
      await refused({ generation: 1 }, 'store-of-another-log')
      store = await under.open(claim)
    })

    test('what has content and no position is not taken', async () => {
      await store.close()
      await under.remove()
      under = await make()
      await under.spoil()
      await assert.rejects(under.open(claim), (error) => error instanceof StoreRefused && error.code === 'store-not-empty')
      await under.remove()
      under = await make()
      store = await under.open(claim)
    })

    test('equal logs give equal outcomes, whatever the batches: the digest of outcomes and each slice', async () => {
      const entries = [command(1, { set: { a: '1' } }), command(2, { cas: { a: ['2', '3'] } }), command(3, { add: { n: 1 } })]
      await apply(...entries)
      const other = await make()
      const beside = await other.open({ ...claim, owner: peer('b') })
      for (const one of entries) await beside.apply({ entries: [one], verdicts: NONE })
      assert.equal(beside.at.outcomeDigest, store.at.outcomeDigest)
      assert.deepEqual(await digests(beside), await digests(store))
      await beside.apply({ entries: [command(4, { set: { a: '9' } })], verdicts: NONE })
      assert.notDeepEqual(await digests(beside), await digests(store))
      assert.notEqual(beside.at.outcomeDigest, store.at.outcomeDigest)
      await beside.close()
      await other.remove()
    })

    test('a backup fills another store, which goes on from its position and knows its names', async () => {
      for (let index = 1; index <= 50; index += 1) await apply(command(index, { set: { [`key${index}`]: 'x'.repeat(5_000) } }))
      const { position, stream } = store.backup(never)
      await apply(command(51, { set: { late: '1' } }))
      const other = await make()
      const beside = await other.open({ ...claim, owner: peer('b') })
      await beside.apply({ entries: [command(1, { set: { stale: '1' } })], verdicts: NONE })
      const at = await beside.restore(stream)
      assert.deepEqual([at.position, position], [position, { term: 1, index: 50 }])
      assert.deepEqual(await get(beside, 'key50', 'late', 'stale'), { key50: 'x'.repeat(5_000), late: null, stale: null })
      await beside.apply({ entries: [command(51, { set: { late: '1' } })], verdicts: NONE })
      assert.deepEqual([await digests(beside), beside.at.outcomeDigest], [await digests(store), store.at.outcomeDigest])
      await beside.close()
      const opened = await other.open({ ...claim, owner: peer('b') })
      assert.equal(opened.at.position.index, 51)
      await opened.close()
      await other.remove()
    })

    test('a backup that is cut off or damaged leaves a store that stands at the origin when it is opened', async () => {
      for (let index = 1; index <= 50; index += 1) await apply(command(index, { set: { [`key${index}`]: 'x'.repeat(5_000) } }))
      const pieces: Uint8Array[] = []
      for await (const piece of store.backup(never).stream) pieces.push(piece)
      assert(pieces.length > 3)
      const damaged = pieces.map((piece, place) => (place === 1 ? piece.map((byte, at) => (at === 30_000 ? byte ^ 1 : byte)) : piece))
      for (const stream of [pieces.slice(0, 2), pieces.slice(0, -1), damaged]) {
        const other = await make()
        const beside = await other.open({ ...claim, owner: peer('b') })
        await assert.rejects(beside.restore(each(stream)), StoreUnavailable)
        await assert.rejects(get(beside, 'key1'), StoreUnavailable)
        await beside.close()
        const opened = await other.open({ ...claim, owner: peer('b') })
        assert.deepEqual([opened.at.position, await get(opened, 'key1')], [ORIGIN, { key1: null }])
        await opened.close()
        await other.remove()
      }
    })

    test('a store that is closed is unavailable, and says nothing else', async () => {
      await store.close()
      await assert.rejects(apply(command(1, { set: { a: '1' } })), StoreUnavailable)
      await assert.rejects(get(store, 'a'), StoreUnavailable)
    })
  })
}

async function* each(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces
}
