/**
 * What every store that a log is applied to must hold to. Call it once an adapter, inside its test
 * file, with how its commands are said.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { identity } from '../../protocols/base/identity.ts'
import type { Identity, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import { ORIGIN } from '../../protocols/log/entry.ts'
import type { Entry, EntryBody, SubmitId } from '../../protocols/log/entry.ts'
import { RECORD_HASH_BYTES } from '../../protocols/log/limits.ts'
import type { StoreOutcome } from '../../protocols/log/outcome.ts'
import { firstMembers } from '../../protocols/log/membership.ts'
import { NotAQuery, OUTCOME_KEPT_MS, STORE_SLICES, StoreBehind, StoreRefused, StoreUnavailable } from '../../src/ports/log-store.ts'
import type { LogStore, StoreClaim } from '../../src/ports/log-store.ts'

/** The same content, opened again and again, as after the end of a process. */
export interface StoreUnderTest {
  /** @throws StoreRefused */
  open(claim: StoreClaim): Promise<LogStore>
  /** Puts something there that is not ours. */
  spoil(): Promise<void>
  /** Lets the store refuse, for no reason of the command's, until what it gives is called. */
  hinder(): Promise<() => Promise<void>>
  /** Lets the store refuse to write its position, and nothing else, until what it gives is called. */
  hinderPosition?(): Promise<() => Promise<void>>
  /** Ends at once, as by kill -9, what the store runs in. It can be opened again. */
  crash?(): Promise<void>
  remove(): Promise<void>
}

/** How the commands of a store are said. Its content is keys with texts. */
export interface Speech {
  set(values: Readonly<Record<string, string>>): string
  /** The result of the above, as JSON. */
  wasSet(values: Readonly<Record<string, string>>): string
  /** Adds to a whole number; nothing counts as 0. */
  add(key: string, by: number): string
  wasAdded(key: string, sum: number): string
  /** Sets the key if it holds that text, else it is rejected. */
  replace(key: string, expected: string, value: string): string
  /** Sets `half` and then is rejected. */
  readonly halfway: string
  /** What is rejected is undone. */
  readonly isUndone: boolean
  /** An order outside may give its entries: they are linked, and their indexes have gaps. */
  readonly isLinked?: boolean
  /** Rejected as a whole. */
  readonly nonsense: readonly string[]
  /** No queries; the first would write to `a`. */
  readonly noQueries: readonly string[]
  /** A query that any store answers. */
  readonly query: string
  read(store: LogStore, keys: readonly string[]): Promise<Readonly<Record<string, string | null>>>
}

const utf8 = new TextEncoder()
export const owner: Identity = peer('a')
export const claim: StoreClaim = { logId: '0123456789abcdef0123456789abcdef', generation: 0, owner, firstMembers: firstMembers([owner]) }
const NONE: ReadonlyMap<number, string> = new Map()
const never = new AbortController().signal
/** Commands of one batch, and batches, while the store crashes. */
const CRASH_BATCH = 16
const CRASH_BATCHES_MAX = 400

export function peer(name: string): Identity {
  return identity(name as PeerId, name.charCodeAt(0).toString(16).padStart(32, '0') as Incarnation)
}

function entry(index: number, body: EntryBody, atMs: number = 1_000): Entry {
  return { term: 1, index, atMs, body }
}

interface CommandOptions {
  readonly id?: string
  readonly since?: number
  readonly atMs?: number
}

export function command(index: number, text: string, { id = `f${index}`, since = 0, atMs = 1_000 }: CommandOptions = {}): Entry {
  return entry(index, { kind: 'command', submitId: id as SubmitId, since, command: utf8.encode(text) }, atMs)
}

function linked(one: Entry, previousIndex: number, record: string): Entry {
  return { ...one, link: { previousIndex, recordHash: recordHash(record) } }
}

function recordHash(record: string): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(record).digest().subarray(0, RECORD_HASH_BYTES))
}

async function digests(store: LogStore): Promise<string[]> {
  return Promise.all(Array.from({ length: STORE_SLICES }, (_, slice) => store.digest(slice)))
}

/** So many characters that nothing compresses, the same for the same name. */
function noise(name: string, characters: number): string {
  const parts = Array.from({ length: Math.ceil(characters / 88) }, (_, at) => createHash('sha512').update(`${name} ${at}`).digest('base64'))
  return parts.join('').slice(0, characters)
}

export function storeContract(name: string, speech: Speech, make: () => Promise<StoreUnderTest>): void {
  suite(`a store of a log: ${name}`, () => {
    let under: StoreUnderTest
    let store: LogStore

    const set = (index: number, values: Readonly<Record<string, string>>, options?: CommandOptions): Entry =>
      command(index, speech.set(values), options)
    const add = (index: number, key: string, by: number, options?: CommandOptions): Entry => command(index, speech.add(key, by), options)
    const get = (from: LogStore, ...keys: string[]): Promise<unknown> => speech.read(from, keys)
    const done = (json: string): object => ({ kind: 'done', result: utf8.encode(json) })
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

    test('content that is to be dropped is gone, and the store can be filled', async () => {
      await apply(set(1, { k: 'v' }))
      const pieces: Uint8Array[] = []
      for await (const piece of (await store.backup(never)).stream) pieces.push(Uint8Array.from(piece))
      await reopen({ ...claim, content: 'dropped' })
      assert.deepEqual([store.at.position, await get(store, 'k')], [ORIGIN, { k: null }])
      await store.restore(each(pieces))
      await reopen()
      assert.deepEqual([store.at.position.index, await get(store, 'k')], [1, { k: 'v' }])
    })

    test('what is applied is there after a restart, with its position and its clock', async () => {
      const [first, second] = await apply(entry(1, { kind: 'began' }), set(2, { a: '1', b: '2' }, { atMs: 7_000 }))
      assert.deepEqual([first, second], [{ kind: 'done', result: new Uint8Array() }, done(speech.wasSet({ a: '1', b: '2' }))])
      const before = store.at
      await reopen()
      assert.deepEqual(store.at, { ...before, durableIndex: 2 })
      assert.deepEqual([store.at.position, store.at.atMs, store.at.durableIndex], [{ term: 1, index: 2 }, 7_000, 2])
      assert.deepEqual(await get(store, 'a', 'b', 'c'), { a: '1', b: '2', c: null })
    })

    test('an entry that was applied gives its outcome again and has no effect', async () => {
      const five = add(1, 'n', 5)
      const first = await apply(five)
      assert.deepEqual(first, [done(speech.wasAdded('n', 5))])
      assert.deepEqual(await apply(five, add(2, 'n', 1)), [...first, done(speech.wasAdded('n', 6))])
      await reopen()
      assert.deepEqual(await apply(five), first)
      assert.deepEqual(await get(store, 'n'), { n: '6' })
    })

    test('a gap is thrown, and nothing of its batch is applied', async () => {
      await assert.rejects(apply(set(1, { a: '1' }), set(3, { b: '1' })), /applied upon/)
      assert.deepEqual([store.at.position, await get(store, 'a')], [ORIGIN, { a: null }])
    })

    if (speech.isLinked === true) {
      test('entries of an order outside leave gaps, and the record of the last is known after a restart and in a backup', async () => {
        const two = linked(set(3, { a: '1' }), 0, 'first')
        const outcomes = await apply(two, linked(set(9, { b: '1' }), 3, 'second'))
        assert.deepEqual(await apply(two), [outcomes[0]])
        assert.deepEqual([store.at.position, store.at.recordHash], [{ term: 1, index: 9 }, recordHash('second')])
        const pieces: Uint8Array[] = []
        for await (const piece of (await store.backup(never)).stream) pieces.push(Uint8Array.from(piece))
        await reopen()
        assert.deepEqual([store.at.position.index, store.at.recordHash], [9, recordHash('second')])
        await apply(linked(set(10, { a: '2' }), 9, 'third'))
        await store.restore(each(pieces))
        assert.deepEqual([store.at.position.index, store.at.recordHash], [9, recordHash('second')])
        assert.deepEqual(await get(store, 'a', 'b'), { a: '1', b: '1' })
      })

      test('an entry of an order outside that hangs on another than the last is not applied', async () => {
        await apply(linked(set(3, { a: '1' }), 0, 'first'))
        await assert.rejects(apply(linked(set(9, { a: '2' }), 5, 'second')), /applied upon/)
        assert.deepEqual([store.at.position.index, await get(store, 'a')], [3, { a: '1' }])
      })
    }

    test('a command that is wrong is rejected: its position is taken, and the rest of its batch goes on', async () => {
      const wrong = speech.nonsense.map((text, place) => command(3 + place, text))
      const outcomes = (await apply(command(1, speech.halfway), set(2, { b: '2' }), ...wrong)) as StoreOutcome[]
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['rejected', 'done', ...wrong.map(() => 'rejected')],
      )
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind === 'rejected' && outcome.isPartial),
        [!speech.isUndone, false, ...wrong.map(() => false)],
      )
      assert.deepEqual(
        [store.at.position.index, await get(store, 'half', 'b')],
        [2 + wrong.length, { half: speech.isUndone ? null : '1', b: '2' }],
      )
      for (const outcome of outcomes) assert(outcome.kind !== 'rejected' || (outcome.code !== '' && outcome.class !== ''))
    })

    test('what a store refuses for no reason of the command is unavailable: no position is taken, and it may be tried again', async () => {
      await apply(set(1, { a: '1' }))
      const allow = await under.hinder()
      const before = store.at
      await assert.rejects(apply(add(2, 'n', 1), set(3, { a: '2' })), StoreUnavailable)
      await allow()
      assert.deepEqual([store.at, await get(store, 'a', 'n')], [before, { a: '1', n: null }])
      assert.deepEqual(await apply(add(2, 'n', 1), set(3, { a: '2' })), [done(speech.wasAdded('n', 1)), done(speech.wasSet({ a: '2' }))])
      assert.deepEqual(await get(store, 'a', 'n'), { a: '2', n: '1' })
    })

    test('effects, outcomes and position are one: where the position cannot be written, nothing of the batch is there', async (context) => {
      if (under.hinderPosition === undefined) return context.skip('nobody can keep its position alone from being written')
      await apply(set(1, { a: '1' }))
      const allow = await under.hinderPosition()
      const before = store.at
      const batch = [add(2, 'n', 1, { id: 'n-1' }), set(3, { a: '2' })]
      await assert.rejects(apply(...batch), StoreUnavailable)
      assert.deepEqual([store.at, await get(store, 'a', 'n')], [before, { a: '1', n: null }])
      await allow()
      assert.deepEqual(await apply(...batch), [done(speech.wasAdded('n', 1)), done(speech.wasSet({ a: '2' }))])
      assert.deepEqual(await get(store, 'a', 'n'), { a: '2', n: '1' })
    })

    test('a crash in a batch leaves all of it or nothing', async (context) => {
      if (under.crash === undefined) return context.skip('nothing runs apart from the test')
      let crashed: Promise<void> | undefined
      const applying = (async (): Promise<number> => {
        for (let batch = 0; batch < CRASH_BATCHES_MAX; batch += 1) {
          const first = batch * CRASH_BATCH + 1
          await apply(...Array.from({ length: CRASH_BATCH }, (_, place) => add(first + place, 'n', 1)))
          if (batch === 4) crashed = under.crash?.()
        }
        return CRASH_BATCHES_MAX
      })()
      await assert.rejects(applying, StoreUnavailable)
      await crashed
      await store.close()
      store = await under.open(claim)
      const { index } = store.at.position
      assert(index >= 5 * CRASH_BATCH && index % CRASH_BATCH === 0, `it stands at ${index}`)
      assert.deepEqual(await get(store, 'n'), { n: String(index) })
      assert.deepEqual(await apply(add(index + 1, 'n', 1)), [done(speech.wasAdded('n', index + 1))])
    })

    test('a name takes effect once: the same command gives the first outcome, another one is refused', async () => {
      const [first] = await apply(add(1, 'n', 1, { id: 'n-1' }))
      await reopen()
      const [again, other] = await apply(add(2, 'n', 1, { id: 'n-1' }), add(3, 'n', 2, { id: 'n-1' }))
      assert.deepEqual([again, other], [first, { kind: 'reused' }])
      assert.deepEqual([store.at.position.index, await get(store, 'n')], [3, { n: '1' }])
    })

    test('a rejected name stays rejected', async () => {
      const [first] = await apply(command(1, speech.replace('k', 'x', 'y'), { id: 'n-1' }))
      assert.equal((first as StoreOutcome).kind, 'rejected')
      const [, again] = await apply(set(2, { k: 'x' }), command(3, speech.replace('k', 'x', 'y'), { id: 'n-1' }))
      assert.deepEqual([again, await get(store, 'k')], [first, { k: 'x' }])
    })

    test("names are forgotten by the log's clock, and whoever says since when they try is told so", async () => {
      await apply(add(1, 'n', 1, { id: 'n-1' }), add(2, 'n', 1, { id: 'n-2' }))
      const atMs = 1_001 + OUTCOME_KEPT_MS
      const outcomes = await apply(
        add(3, 'n', 1, { id: 'n-1', since: 1, atMs }),
        add(4, 'n', 1, { id: 'n-9', since: 2, atMs }),
        add(5, 'n', 1, { id: 'n-2', atMs }),
      )
      assert.deepEqual(
        outcomes.map((outcome) => (outcome as { kind: string }).kind),
        ['forgotten', 'done', 'done'],
      )
      assert.deepEqual(await get(store, 'n'), { n: '4' })
    })

    test('names that a batch forgets are forgotten when it failed and is tried again', async () => {
      await apply(add(1, 'n', 1, { id: 'n-1' }), add(2, 'n', 1, { id: 'n-2' }))
      const atMs = 1_001 + OUTCOME_KEPT_MS
      const allow = await under.hinder()
      await assert.rejects(apply(add(3, 'n', 1, { atMs })), StoreUnavailable)
      await allow()
      const [third, fourth] = await apply(add(3, 'n', 1, { atMs }), add(4, 'n', 1, { id: 'n-1', since: 1, atMs }))
      assert.deepEqual([third, (fourth as { kind: string }).kind], [done(speech.wasAdded('n', 3)), 'forgotten'])
    })

    test('a verdict rejects what it names', async () => {
      const outcomes = await store.apply({ entries: [set(1, { a: '1' })], verdicts: new Map([[1, 'disk-full']]) })
      assert.deepEqual(outcomes, [{ kind: 'rejected', class: 'constraint', code: 'disk-full', isPartial: false }])
      assert.deepEqual(await get(store, 'a'), { a: null })
    })

    test('members are those of the newest entry that names some', async () => {
      const members = firstMembers([owner, peer('b')])
      await apply(entry(1, { kind: 'members', members }), set(2, { a: '1' }))
      await reopen()
      assert.deepEqual(store.at.members, members)
    })

    test('a query tests the position and changes nothing', async () => {
      await apply(set(1, { a: '1', ab: '2', b: '3' }))
      const { position } = await store.query(utf8.encode(speech.query), 1)
      assert.deepEqual(position, { term: 1, index: 1 })
      await assert.rejects(store.query(utf8.encode(speech.query), 2), StoreBehind)
      const before = await digests(store)
      for (const query of speech.noQueries) await assert.rejects(store.query(utf8.encode(query), 0), NotAQuery, query)
      assert.deepEqual([await get(store, 'a', 'b'), await digests(store)], [{ a: '1', b: '3' }, before])
    })

    test('a store belongs to one log and one replica', async () => {
      const refused = async (by: Partial<StoreClaim>, code: string): Promise<void> => {
        await assert.rejects(under.open({ ...claim, ...by }), (error) => error instanceof StoreRefused && error.code === code)
      }
      await store.close()
      await refused({ owner: peer('b') }, 'store-claimed')
      await refused({ logId: 'f'.repeat(32) }, 'store-of-another-log')
      store = await under.open({ ...claim, generation: 1 })
      await store.close()
      await refused({ generation: 0 }, 'store-of-another-log')
      store = await under.open({ ...claim, generation: 1 })
    })

    test('a later generation goes on from what is carried over, and else from nothing', async () => {
      await apply(set(1, { k: 'v' }), set(2, { k: 'w' }))
      const carried = { ...claim, generation: 1, firstMembers: firstMembers([peer('a')]), content: 'carried' } as const
      await reopen(carried)
      assert.deepEqual([store.at.position.index, store.at.members, await get(store, 'k')], [2, carried.firstMembers, { k: 'w' }])
      await apply(set(3, { k: 'x' }))
      await reopen(carried)
      assert.deepEqual([store.at.position.index, await get(store, 'k')], [3, { k: 'x' }])
      await reopen({ ...claim, generation: 2 })
      assert.deepEqual([store.at.position, await get(store, 'k')], [ORIGIN, { k: null }])
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
      const entries = [set(1, { a: '1', b: 'x' }), command(2, speech.replace('a', '2', '3')), add(3, 'n', 1)]
      await apply(...entries)
      const other = await make()
      const beside = await other.open({ ...claim, owner: peer('b') })
      for (const one of entries) await beside.apply({ entries: [one], verdicts: NONE })
      assert.equal(beside.at.outcomeDigest, store.at.outcomeDigest)
      assert.deepEqual(await digests(beside), await digests(store))
      await beside.apply({ entries: [set(4, { a: '9' })], verdicts: NONE })
      assert.notDeepEqual(await digests(beside), await digests(store))
      assert.notEqual(beside.at.outcomeDigest, store.at.outcomeDigest)
      await beside.close()
      await other.remove()
    })

    test('a backup fills another store, which goes on from its position and knows its names', async () => {
      for (let index = 1; index <= 50; index += 1) await apply(set(index, { [`key${index}`]: noise(`${index}`, 5_000) }))
      const { position, stream } = await store.backup(never)
      await apply(set(51, { late: '1' }))
      const other = await make()
      const beside = await other.open({ ...claim, owner: peer('b') })
      await beside.apply({ entries: [set(1, { stale: '1' })], verdicts: NONE })
      const at = await beside.restore(stream)
      assert.deepEqual([at.position, position], [position, { term: 1, index: 50 }])
      assert.deepEqual(await get(beside, 'key50', 'late', 'stale'), { key50: noise('50', 5_000), late: null, stale: null })
      await beside.apply({ entries: [set(51, { late: '1' })], verdicts: NONE })
      assert.deepEqual([await digests(beside), beside.at.outcomeDigest], [await digests(store), store.at.outcomeDigest])
      await beside.close()
      const opened = await other.open({ ...claim, owner: peer('b') })
      assert.equal(opened.at.position.index, 51)
      assert.deepEqual(await opened.apply({ entries: [set(52, { key50: 'x' }, { id: 'f50' })], verdicts: NONE }), [{ kind: 'reused' }])
      await opened.close()
      await other.remove()
    })

    test('a backup that is cut off or damaged leaves a store that stands at the origin when it is opened', async () => {
      for (let index = 1; index <= 50; index += 1) await apply(set(index, { [`key${index}`]: noise(`${index}`, 5_000) }))
      const pieces: Uint8Array[] = []
      for await (const piece of (await store.backup(never)).stream) pieces.push(piece)
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
      await assert.rejects(apply(set(1, { a: '1' })), StoreUnavailable)
      await assert.rejects(get(store, 'a'), StoreUnavailable)
    })
  })
}

async function* each(pieces: readonly Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* pieces
}
