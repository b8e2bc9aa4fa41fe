/** What every store must hold to. Call it once an adapter, inside its test file. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Ceiling } from '../../protocols/base/ballot.ts'
import { identity } from '../../protocols/base/identity.ts'
import type { ClusterId, Incarnation, PeerId } from '../../protocols/base/identity.ts'
import type { Accepted, ValueRecord } from '../../protocols/base/record.ts'
import { configKey, dataKey, hiddenKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { acceptedWrite, ceilingWrite, chosenWrite, divergedWrite, droppedWrite, rowsWrite } from '../../protocols/base/persist.ts'
import type { AnyWrite, Persist } from '../../protocols/base/persist.ts'
import type { RowWrite } from '../../protocols/base/rows.ts'
import { leafOf } from '../../protocols/base/hash-tree.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { PAGE_BYTES_MAX } from '../../src/ports/storage.ts'
import type { Storage } from '../../src/ports/storage.ts'

const codec = new Codec(utf8)
const voter = identity('12D3KooWQ2f1ZJvZJ8gSx2m8mJtmvN3oNDXUXoLP6vjA6kmsfKqe' as PeerId, '0123456789abcdef0123456789abcdef' as Incarnation)

/** A record whose value is the text, written at 1 ms. */
export function recordOf(text: string | Uint8Array): ValueRecord {
  // A bare array, as values are when they are read back.
  const value = typeof text === 'string' ? Uint8Array.from(utf8.encode(text)) : text
  return { writeId: 'a-write', value, contentType: 'text/plain', writtenAtMs: 1 }
}

export function accepted(key: RegisterKey, text: string, round: number): Persist {
  return acceptedWrite(key, acceptedOf(text, round))
}

/** The write of a chosen record, with the digest that the core gives it. */
export function chosen(key: RegisterKey, text: string | Uint8Array): Persist {
  const record = recordOf(text)
  return chosenWrite(key, record, codec.recordDigest(sha256, key, record))
}

function acceptedOf(text: string, round: number): Accepted {
  return { ballot: { epoch: 0, round, by: voter }, record: recordOf(text) }
}

function valueOf(storage: Storage, key: RegisterKey): string | undefined {
  const value = storage.registers.read(key)?.chosen?.value
  return value === undefined ? undefined : utf8.decode(value)
}

/**
 * @param name of the adapter
 * @param open gives an empty store; called before each test
 * @param discard lets go of what is left of it; the store may be closed already
 */
export function storageContract(name: string, open: () => Promise<Storage>, discard: (storage: Storage) => Promise<void>): void {
  describe(`${name} keeps the storage contract`, () => {
    let storage: Storage
    beforeEach(async () => {
      storage = await open()
    })
    afterEach(async () => discard(storage))

    /** Runs the checks while the writes are still under way, and again when they are on disk. */
    async function bothTimes(writes: readonly AnyWrite[], check: () => void): Promise<void> {
      const done = storage.write(writes)
      check()
      await done
      check()
    }

    it('begins empty, with an incarnation of its own', async () => {
      assert.match(storage.facts.incarnation, /^[0-9a-f]{32}$/)
      assert.deepEqual(storage.facts.ceiling(), { epoch: 0, round: 0 })
      assert.equal(storage.registers.newestEpoch(), -1)
      assert.equal(storage.registers.read(dataKey('a')), undefined)
      assert.deepEqual(storage.registers.list('', '', 10), { entries: [], more: false })
      assert.deepEqual([...storage.registers.chosen()], [])
      assert.deepEqual([...storage.registers.inDoubt()], [])
      assert.deepEqual([...storage.registers.diverged()], [])
      assert.deepEqual(storage.registers.leaf(0, undefined, 10), [])
    })

    const rowsOf = (prefix = '', after?: string, type = 'sets'): string[] =>
      [...storage.rows(type).range(prefix, after)].map((row) => `${row.name}=${utf8.decode(row.bytes)}`)
    const put = (row: string, text: string | undefined): RowWrite => ({
      name: row,
      bytes: text === undefined ? undefined : utf8.encode(text),
    })

    it('keeps rows of further types, in the order of their names, and lets go of those that are deleted', async () => {
      const write = (...rows: RowWrite[]): AnyWrite => rowsWrite({ type: 'sets', name: 'any' }, rows)
      await bothTimes([write(put('b/2', 'two'), put('a', 'one')), write(put('b/1', 'x'), put('😀', 'y'), put('ﬀ', 'z'))], () =>
        assert.deepEqual(rowsOf(), ['a=one', 'b/1=x', 'b/2=two', 'ﬀ=z', '😀=y']),
      )
      await bothTimes([write(put('b/1', undefined), put('b/2', 'three')), write(put('b/3', 'four'))], () => {
        assert.deepEqual(rowsOf('b/'), ['b/2=three', 'b/3=four'])
        assert.deepEqual(rowsOf('b/', 'b/2'), ['b/3=four'])
        assert.deepEqual(rowsOf('b/', 'a'), ['b/2=three', 'b/3=four'])
        assert.deepEqual(rowsOf('', 'b/3'), ['ﬀ=z', '😀=y'])
        assert.equal(storage.rows('sets').get('b/1'), undefined)
        assert.deepEqual(storage.rows('sets').get('b/2'), utf8.encode('three'))
      })
    })

    it('keeps the keys that types decide for themselves as any other, and lists none of them', async () => {
      const hidden = hiddenKey('sets', 'cut/1')
      await bothTimes([chosen(hidden, 'one'), chosen(dataKey('a'), 'two'), chosen(dataKey('.'), 'three')], () => {
        assert.equal(valueOf(storage, hidden), 'one')
        assert.deepEqual([...storage.registers.chosen()].map(({ key }) => key).toSorted(), ['.', hidden, 'a'])
        assert.deepEqual(
          storage.registers.leaf(leafOf(hidden), undefined, 9).map(({ key }) => key),
          [hidden],
        )
        const { entries, more } = storage.registers.list('', '', 2)
        assert.deepEqual([entries.map(({ key }) => key), more], [['.', 'a'], false])
        assert.deepEqual(storage.registers.list('..', '', 9).entries, [])
      })
    })

    it('keeps the rows of each type apart', async () => {
      await storage.write([
        rowsWrite({ type: 'sets', name: 's' }, [put('a', 'one')]),
        rowsWrite({ type: 'set', name: 's' }, [put('a', 'two')]),
      ])
      assert.deepEqual([rowsOf(), rowsOf('', undefined, 'set'), rowsOf('', undefined, 'sett')], [['a=one'], ['a=two'], []])
      await storage.write([rowsWrite({ type: 'set', name: 's' }, [put('a', undefined)])])
      assert.deepEqual([rowsOf(), rowsOf('', undefined, 'set')], [['a=one'], []])
    })

    it('takes a row whose name has 1,600 bytes, and none that is longer, has no name, or is too large', async () => {
      const longest = 'é'.repeat(800)
      await bothTimes([rowsWrite({ type: 'sets', name: 's' }, [put(longest, 'one')])], () =>
        assert.deepEqual(rowsOf(longest), [`${longest}=one`]),
      )
      assert.deepEqual(rowsOf('', `${longest}é`), [])
      const tooLarge = { name: 'a', bytes: new Uint8Array(16_809_985) }
      for (const row of [put(`${longest}a`, ''), put('', ''), tooLarge]) {
        await assert.rejects(storage.write([rowsWrite({ type: 'sets', name: 's' }, [put('b', 'not this'), row])]), {
          name: 'ProtocolViolation',
        })
        await discard(storage)
        storage = await open()
      }
    })

    it('lets go of every config, chosen or in doubt, for another to begin with, and keeps all else', async () => {
      const [kept, doubtful] = [dataKey('a'), dataKey('b')]
      const before = [0, 1, 2].map((epoch) => chosen(configKey(epoch), `config ${epoch}`))
      await storage.write([
        ...before,
        chosen(kept, 'one'),
        accepted(doubtful, 'two', 3),
        accepted(configKey(3), 'another', 4),
        accepted(configKey(4), 'later', 5),
      ])
      await storage.replaceConfigs([chosen(configKey(3), 'anew'), ceilingWrite({ epoch: 3, round: 9 })])
      assert.deepEqual(
        [0, 1, 2, 3].map((epoch) => valueOf(storage, configKey(epoch))),
        [undefined, undefined, undefined, 'anew'],
      )
      assert.equal(storage.registers.read(configKey(4)), undefined)
      assert.deepEqual([storage.registers.newestEpoch(), storage.facts.ceiling()], [3, { epoch: 3, round: 9 }])
      assert.deepEqual([valueOf(storage, kept), [...storage.registers.inDoubt()]], ['one', [doubtful]])
      await storage.write([chosen(dataKey('c'), 'three')])
      assert.deepEqual([...storage.registers.chosen()].map(({ key }) => key).toSorted(), [kept, dataKey('c')])
      assert.deepEqual(
        storage.registers.list('', '', 10).entries.map(({ key }) => key),
        [kept, dataKey('c')],
      )
    })

    it('shows an accepted record from the moment it is given, and as in doubt', async () => {
      const key = dataKey('a')
      await bothTimes([accepted(key, 'one', 3)], () => {
        assert.deepEqual(plain(storage.registers.read(key)), plain({ accepted: acceptedOf('one', 3) }))
        assert.deepEqual([...storage.registers.inDoubt()], [key])
        assert.deepEqual(storage.registers.list('', '', 10), { entries: [], more: false })
        assert.deepEqual([...storage.registers.chosen()], [])
      })
    })

    it('shows what was taken as an offer with its home, and without one what home accepted of it', async () => {
      const key = dataKey('a')
      const { ballot, record } = acceptedOf('one', 3)
      for (const home of [{ kind: 'cluster', cluster: 'east' as ClusterId } as const, { kind: 'voter', voter: ballot.by } as const]) {
        await bothTimes([acceptedWrite(key, { ballot, record, home })], () => {
          assert.deepEqual(plain(storage.registers.read(key)), plain({ accepted: { ballot, record, home } }))
          assert.deepEqual([...storage.registers.inDoubt()], [key])
        })
      }
      await bothTimes([acceptedWrite(key, { ballot, record })], () => {
        assert.deepEqual(plain(storage.registers.read(key)), plain({ accepted: { ballot, record } }))
      })
    })

    it('replaces what was accepted by what is accepted at a later ballot', async () => {
      const key = dataKey('a')
      await storage.write([accepted(key, 'one', 3)])
      await bothTimes([accepted(key, 'two', 4)], () => {
        assert.deepEqual(plain(storage.registers.read(key)), plain({ accepted: acceptedOf('two', 4) }))
        assert.deepEqual([...storage.registers.inDoubt()], [key])
      })
    })

    it('replaces what was accepted by what is chosen', async () => {
      const key = dataKey('a')
      await storage.write([accepted(key, 'one', 3)])
      await bothTimes([chosen(key, 'one')], () => {
        assert.deepEqual(plain(storage.registers.read(key)), plain({ chosen: recordOf('one') }))
        assert.deepEqual([...storage.registers.inDoubt()], [])
        assert.deepEqual(
          storage.registers.list('', '', 10).entries.map((entry) => entry.key),
          [key],
        )
      })
    })

    it('shows the later of two writes of a key when the earlier is on disk', async () => {
      const key = dataKey('a')
      const earlier = storage.write([accepted(key, 'one', 3)])
      const later = storage.write([chosen(key, 'one')])
      await earlier
      assert.equal(valueOf(storage, key), 'one')
      assert.deepEqual([...storage.registers.inDoubt()], [])
      await later
      assert.equal(valueOf(storage, key), 'one')
    })

    it('lets go of what was accepted, and never of what is chosen', async () => {
      const [a, b] = [dataKey('a'), dataKey('b')]
      await storage.write([accepted(a, 'one', 1), chosen(b, 'two')])
      await bothTimes([droppedWrite(a), droppedWrite(b)], () => {
        assert.equal(storage.registers.read(a), undefined)
        assert.equal(valueOf(storage, b), 'two')
        assert.deepEqual([...storage.registers.inDoubt()], [])
      })
    })

    it('takes the same chosen record twice, and as one', async () => {
      const key = dataKey('a')
      await bothTimes([chosen(key, 'one'), chosen(key, 'one')], () => assert.equal([...storage.registers.chosen()].length, 1))
      await bothTimes([chosen(key, 'one')], () => assert.equal([...storage.registers.chosen()].length, 1))
      assert.equal(storage.registers.leaf(leafOf(key), undefined, 10).length, 1)
    })

    it('refuses a second record for a chosen key, before and after the first is on disk', async () => {
      await storage.write([chosen(dataKey('a'), 'one')])
      await assert.rejects(storage.write([chosen(dataKey('a'), 'two')]), { name: 'ProtocolViolation' })
      assert.throws(() => valueOf(storage, dataKey('a')), { name: 'ProtocolViolation' })
      await discard(storage)
      storage = await open()
      const both = storage.write([chosen(dataKey('b'), 'one'), chosen(dataKey('b'), 'two')])
      await assert.rejects(both, { name: 'ProtocolViolation' })
    })

    it('refuses to accept for a chosen key', async () => {
      await storage.write([chosen(dataKey('a'), 'one')])
      await assert.rejects(storage.write([accepted(dataKey('a'), 'two', 9)]), { name: 'ProtocolViolation' })
    })

    it('keeps the last ceiling', async () => {
      const raise = (ceiling: Ceiling): Persist => ceilingWrite(ceiling)
      await bothTimes([raise({ epoch: 0, round: 65_536 }), raise({ epoch: 2, round: 2 ** 40 })], () => {
        assert.deepEqual(storage.facts.ceiling(), { epoch: 2, round: 2 ** 40 })
      })
    })

    it('keeps config registers beside the keys of clients and lists only those in doubt', async () => {
      const writes = [
        chosen(configKey(9), 'nine'),
        chosen(configKey(10), 'ten'),
        accepted(configKey(11), 'eleven', 1),
        chosen(dataKey('\u0001'), 'low'),
      ]
      await bothTimes(writes, () => {
        assert.equal(storage.registers.newestEpoch(), 10)
        assert.equal(valueOf(storage, configKey(9)), 'nine')
        assert.deepEqual(
          storage.registers.list('', '', 10).entries.map((entry) => entry.key),
          ['\u0001'],
        )
        assert.deepEqual(
          [...storage.registers.chosen()].map((entry) => entry.key),
          ['\u0001'],
        )
        assert.deepEqual([...storage.registers.inDoubt()], [configKey(11)])
        assert.deepEqual(storage.registers.leaf(leafOf(configKey(9)), undefined, 10), [])
      })
    })

    it('lists keys in the order of their UTF-8 bytes, by prefix, after a key, up to a limit', async () => {
      const names = ['b', 'a/1', 'a/10', 'a/2', 'a', 'A', 'é', '\uffee', '\u{1f600}', 'a/\u{1f600}', 'a/\uffee', 'z'.repeat(1_024)]
      const sorted = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
      const half = names.length / 2
      await storage.write(names.slice(0, half).map((key) => chosen(dataKey(key), key)))
      await bothTimes(
        names.slice(half).map((key) => chosen(dataKey(key), key)),
        () => {
          const keys = (prefix: string, after: string, limit: number): string[] =>
            storage.registers.list(prefix, after, limit).entries.map((entry) => entry.key)
          assert.deepEqual(keys('', '', 100), sorted)
          assert.deepEqual(keys('a/', '', 100), ['a/1', 'a/10', 'a/2', 'a/\uffee', 'a/\u{1f600}'])
          assert.deepEqual(storage.registers.count('a/', '', 100), { count: 5, last: 'a/\u{1f600}', more: false })
          assert.deepEqual(storage.registers.count('a/', 'a/1', 3), { count: 3, last: 'a/\uffee', more: true })
          assert.deepEqual(storage.registers.count('nothing', '', 3), { count: 0, last: undefined, more: false })
          assert.deepEqual(keys('a/', 'a/10', 2), ['a/2', 'a/\uffee'])
          assert.deepEqual(keys('a/', 'a/10x', 1), ['a/2'])
          assert.deepEqual(keys('a/', 'A', 1), ['a/1'])
          assert.deepEqual(keys('a/', 'b', 10), [])
          assert.deepEqual(keys('nothing', '', 10), [])
          assert.deepEqual(keys('', 'a/2'.padEnd(5_000, 'x'), 1), ['a/\uffee'])
          assert.deepEqual(keys('a/2'.padEnd(5_000, 'x'), '', 1), [])
          assert.deepEqual(keys('', '', 0), [])
          for (let index = 0; index < sorted.length; index += 1)
            assert.deepEqual(keys('', sorted[index] as string, 1), sorted.slice(index + 1, index + 2))
          for (const { key, record } of storage.registers.list('', '', 100).entries) assert.equal(utf8.decode(record.value), key)
        },
      )
    })

    it('says whether there are more keys behind a page', async () => {
      await storage.write([chosen(dataKey('a/1'), 'x'), chosen(dataKey('b'), 'x')])
      await bothTimes([chosen(dataKey('a/2'), 'x'), chosen(dataKey('c'), 'x')], () => {
        const more = (prefix: string, after: string, limit: number): boolean => storage.registers.list(prefix, after, limit).more
        assert.deepEqual([more('', '', 3), more('', '', 4), more('', '', 5)], [true, false, false])
        assert.deepEqual([more('a/', '', 1), more('a/', '', 2), more('a/', 'a/1', 1)], [true, false, false])
        assert.deepEqual([more('', 'b', 1), more('', 'c', 1), more('', '', 0)], [false, false, true])
      })
    })

    it('ends a page with the record that brings its values to the bound, and goes on behind it', async () => {
      const size = Math.ceil(PAGE_BYTES_MAX / 3)
      const keys = ['a', 'b', 'c', 'd', 'e'].map(dataKey)
      const values = [size, size, size, PAGE_BYTES_MAX * 2, 1].map((bytes) => new Uint8Array(bytes))
      await bothTimes(
        keys.map((key, index) => chosen(key, values[index] as Uint8Array)),
        () => {
          const pages: string[] = []
          for (let after = '', more = true; more; after = pages.at(-1)?.at(-1) ?? '') {
            const listing = storage.registers.list('', after, 100)
            pages.push(listing.entries.map((entry) => entry.key).join(''))
            more = listing.more
          }
          assert.deepEqual(pages, ['abc', 'd', 'e'])
        },
      )
    })

    it('sums up each chosen key with its digest and its bytes', async () => {
      const writes = [chosen(dataKey('é'), 'four'), chosen(dataKey('empty'), ''), chosen(dataKey('large'), new Uint8Array(100_000).fill(7))]
      await bothTimes(writes, () => {
        const summaries = new Map([...storage.registers.chosen()].map((summary) => [summary.key, summary]))
        assert.equal(summaries.size, 3)
        for (const write of writes) {
          assert.equal(write.kind, 'chosen')
          if (write.kind !== 'chosen') continue
          const summary = summaries.get(write.key)
          assert.deepEqual(Buffer.from(summary?.digest ?? []), Buffer.from(write.digest))
          assert.equal(summary?.bytes, Buffer.byteLength(write.key) + write.record.value.length)
        }
      })
    })

    it('gives the keys of one leaf in order, after a key, up to a limit', async () => {
      const leaf = leafOf(dataKey('k0'))
      const keys: RegisterKey[] = []
      for (let index = 0; keys.length < 5; index += 1) if (leafOf(dataKey(`k${index}`)) === leaf) keys.push(dataKey(`k${index}`))
      keys.sort()
      await storage.write([chosen(keys[3] as RegisterKey, 'x'), chosen(dataKey('elsewhere'), 'x'), accepted(dataKey('doubt'), 'x', 1)])
      await bothTimes(
        [4, 0, 2, 1].map((index) => chosen(keys[index] as RegisterKey, 'x')),
        () => {
          assert.deepEqual(
            storage.registers.leaf(leaf, undefined, 100).map((entry) => entry.key),
            keys,
          )
          assert.deepEqual(
            storage.registers.leaf(leaf, keys[1], 2).map((entry) => entry.key),
            keys.slice(2, 4),
          )
          const wanted = chosen(keys[0] as RegisterKey, 'x')
          assert.deepEqual(
            Buffer.from(storage.registers.leaf(leaf, undefined, 1)[0]?.digest ?? []),
            Buffer.from(wanted.kind === 'chosen' ? wanted.digest : []),
          )
        },
      )
    })

    it('keeps the second record that was told of a chosen key, beside the one it holds', async () => {
      const [a, b] = [dataKey('a'), dataKey('b')]
      const diverged = (): string[] =>
        [...storage.registers.diverged()].map(({ key, told }) => `${key}: ${utf8.decode(told.value)}`).toSorted()
      await storage.write([chosen(a, 'one'), divergedWrite(a, recordOf('two'))])
      assert.deepEqual(diverged(), ['a: two'])
      await bothTimes([chosen(b, 'one'), divergedWrite(b, recordOf('other'))], () => {
        assert.deepEqual(diverged(), ['a: two', 'b: other'])
        assert.deepEqual([valueOf(storage, a), valueOf(storage, b)], ['one', 'one'])
        assert.equal(storage.registers.list('', '', 10).entries.length, 2)
        assert.deepEqual([...storage.registers.inDoubt()], [])
      })
    })

    it('holds values from nothing to 16 MiB, at keys from one byte to 1,024', async () => {
      const sizes = [0, 1, 4_000, 40_000, 16_777_216]
      const long = dataKey('é'.repeat(512))
      const writes = [
        ...sizes.map((size) => chosen(dataKey(`size-${size}`), new Uint8Array(size).fill(size % 251))),
        chosen(long, 'long'),
        chosen(dataKey('1'), 'short'),
      ]
      await bothTimes(writes, () => {
        for (const size of sizes) {
          const value = storage.registers.read(dataKey(`size-${size}`))?.chosen?.value
          assert.equal(value?.length, size)
          assert.equal(storage.registers.valueBytes(dataKey(`size-${size}`)), size)
          assert.ok(value?.every((byte) => byte === size % 251))
        }
        assert.equal(valueOf(storage, long), 'long')
        assert.equal(valueOf(storage, dataKey('1')), 'short')
        assert.equal(storage.registers.valueBytes(long), 4)
        assert.equal(storage.registers.valueBytes(dataKey('absent')), 0)
      })
    })

    it('refuses keys of no bytes and of more than 1,024', async () => {
      for (const key of ['', 'é'.repeat(513)]) {
        await assert.rejects(storage.write([chosenWrite(dataKey(key), recordOf('x'), new Uint8Array(16))]), {
          name: 'ProtocolViolation',
        })
        await discard(storage)
        storage = await open()
      }
    })

    it('gives records that later writes and reads leave alone', async () => {
      await storage.write([chosen(dataKey('a'), 'one'), chosen(dataKey('b'), 'two')])
      const first = storage.registers.read(dataKey('a'))?.chosen
      storage.registers.read(dataKey('b'))
      await storage.write([chosen(dataKey('c'), 'xyz')])
      assert.equal(utf8.decode(first?.value as Uint8Array), 'one')
    })

    it('resolves writes in the order they were given, an empty one after those before it', async () => {
      const ended: number[] = []
      const writes = [
        [chosen(dataKey('a'), 'x')],
        [],
        [accepted(dataKey('b'), 'x', 1)],
        [chosen(dataKey('a'), 'x')],
        [chosen(dataKey('b'), 'x')],
      ]
      await Promise.all(writes.map(async (batch, index) => storage.write(batch).then(() => ended.push(index))))
      assert.deepEqual(ended, [0, 1, 2, 3, 4])
    })

    it('waits for its writes when it is closed, and does nothing afterwards', async () => {
      let written = false
      void storage.write([chosen(dataKey('a'), 'x')]).then(() => (written = true))
      await storage.close()
      assert.ok(written)
      await assert.rejects(storage.write([]))
      assert.throws(() => storage.registers.read(dataKey('a')))
      assert.throws(() => storage.registers.list('', '', 1))
      await storage.close()
    })
  })
}

/** The same with plain byte arrays, whatever kind of array the adapter gives. */
function plain(state: unknown): unknown {
  return JSON.parse(
    JSON.stringify(state, (_, value: unknown) => (value instanceof Uint8Array ? [...value] : value)).replaceAll(
      /\{"type":"Buffer","data":(\[[^\]]*\])\}/g,
      '$1',
    ),
  )
}
