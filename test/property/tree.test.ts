/** The hash tree, and the store with what is laid over it. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import { compareUtf8 } from '../../protocols/base/bytes.ts'
import { Overlay } from '../../protocols/base/overlay.ts'
import { configKey, dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import { acceptedWrite, chosenWrite, droppedWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { GROUPS, HASH_BYTES, HashTree, LEAVES, LEAVES_PER_GROUP, differences, leafOf } from '../../protocols/base/hash-tree.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { ballotOf, recordOf } from '../unit/core-harness.ts'

const someKey = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !text.includes('\u0000'))
  .map(dataKey)
const someDigest = fc.uint8Array({ minLength: HASH_BYTES, maxLength: HASH_BYTES })
const someEntries = fc.uniqueArray(fc.record({ key: someKey, digest: someDigest }), { selector: ({ key }) => key, maxLength: 30 })

/** Leaves worked out by another implementation of FNV-1a over UTF-16BE. */
const LEAVES_KNOWN: Record<string, number> = { a: 23853, b: 17584, 'user/42': 42568, ключ: 40711, '😀': 20297 }

function treeOf(entries: readonly { key: RegisterKey; digest: Uint8Array }[]): HashTree {
  const tree = new HashTree()
  for (const { key, digest } of entries) tree.add(key, digest)
  return tree
}

/** The sum of 16-byte numbers modulo 2^128, big end first, by the definition. */
function sumOf(digests: readonly Uint8Array[]): Uint8Array {
  const total = digests.reduce((sum, digest) => sum + BigInt(`0x${Buffer.from(digest).toString('hex')}`), 0n) % 2n ** 128n
  return new Uint8Array(Buffer.from(total.toString(16).padStart(HASH_BYTES * 2, '0'), 'hex'))
}

function slice(hashes: Uint8Array, place: number): Uint8Array {
  return hashes.slice(place * HASH_BYTES, (place + 1) * HASH_BYTES)
}

suite('the hash tree', () => {
  test('leaves are those of the specification', () => {
    for (const [key, leaf] of Object.entries(LEAVES_KNOWN)) assert.equal(leafOf(dataKey(key)), leaf, `the leaf of ${key.slice(0, 12)}`)
    assert.equal(GROUPS * LEAVES_PER_GROUP, LEAVES)
  })

  test('a root is remembered while 511 more keys come, and no other passes for it', () => {
    const keys = Array.from({ length: 1_200 }, (_, number) => dataKey(`key ${number}`))
    const digestOf = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number, number * 7, ~number, number * 13]).buffer)
    const tree = new HashTree()
    const roots = [tree.rootHash()]
    for (const [number, key] of keys.entries()) {
      tree.add(key, digestOf(number + 1))
      roots.push(tree.rootHash())
    }
    assert.deepEqual(
      roots.flatMap((root, count) => (tree.hadRoot(root) ? [count] : [])),
      [0, ...Array.from({ length: 512 }, (_, index) => 689 + index)],
    )
    const others = treeOf(keys.slice(1).map((key, index) => ({ key, digest: digestOf(index + 2) })))
    assert.equal(tree.hadRoot(others.rootHash()), false)
  })

  test('every sum is that of the digests below it', () => {
    const property = fc.property(someEntries, (entries) => {
      const tree = treeOf(entries)
      assert.deepEqual(tree.rootHash(), sumOf(entries.map(({ digest }) => digest)))
      for (const { key } of entries) {
        const leaf = leafOf(key)
        const group = Math.floor(leaf / LEAVES_PER_GROUP)
        const inGroup = entries.filter((entry) => Math.floor(leafOf(entry.key) / LEAVES_PER_GROUP) === group)
        const inLeaf = entries.filter((entry) => leafOf(entry.key) === leaf)
        assert.deepEqual(slice(tree.groupHashes(), group), sumOf(inGroup.map(({ digest }) => digest)))
        assert.deepEqual(slice(tree.leafHashes(group), leaf % LEAVES_PER_GROUP), sumOf(inLeaf.map(({ digest }) => digest)))
      }
      assert.equal(tree.keyCount, entries.length)
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('the order of adding does not show', () => {
    const property = fc.property(someEntries, (entries) => {
      const [one, other] = [treeOf(entries), treeOf(entries.toReversed())]
      assert.deepEqual(one.rootHash(), other.rootHash())
      assert.deepEqual(one.groupHashes(), other.groupHashes())
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('rows that come, change and go leave the tree of those that are left', () => {
    const someSteps = fc.array(fc.record({ key: fc.nat(5), digest: fc.option(someDigest, { nil: undefined }) }), { maxLength: 60 })
    const property = fc.property(someSteps, (steps) => {
      const tree = new HashTree()
      const left = new Map<RegisterKey, Uint8Array>()
      for (const { key: number, digest } of steps) {
        const key = dataKey(`row ${number}`)
        const before = left.get(key)
        if (digest !== undefined && before !== undefined) tree.replace(key, before, digest)
        else if (digest !== undefined) tree.add(key, digest)
        else if (before !== undefined) tree.remove(key, before)
        if (digest === undefined) left.delete(key)
        else left.set(key, digest)
        assert(tree.hadRoot(tree.rootHash()))
      }
      const whole = treeOf([...left].map(([key, digest]) => ({ key, digest })))
      assert.equal(tree.keyCount, whole.keyCount)
      assert.deepEqual(tree.rootHash(), whole.rootHash())
      assert.deepEqual(tree.groupHashes(), whole.groupHashes())
      for (let group = 0; group < GROUPS; group += 1) assert.deepEqual(tree.leafHashes(group), whole.leafHashes(group))
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('the roots of before a change are remembered until a row goes: others may hold it still', () => {
    const [one, other] = [new Uint8Array(HASH_BYTES).fill(0xff), new Uint8Array(HASH_BYTES).fill(0x81)]
    const tree = treeOf([{ key: dataKey('a'), digest: one }])
    const [first, keys] = [tree.rootHash(), ['a', 'b'].map(dataKey) as [RegisterKey, RegisterKey]]
    tree.replace(keys[0], one, other)
    const second = tree.rootHash()
    for (const root of [first, second, new Uint8Array(HASH_BYTES)]) assert(tree.hadRoot(root))
    tree.add(keys[1], new Uint8Array(HASH_BYTES).fill(0x07))
    tree.remove(keys[0], other)
    const third = tree.rootHash()
    tree.add(keys[0], one)
    assert.deepEqual(
      [first, second, third, tree.rootHash(), new Uint8Array(HASH_BYTES)].map((root) => tree.hadRoot(root)),
      [false, false, true, true, true],
    )
  })

  test('two trees differ exactly where one has an entry that the other lacks', () => {
    const property = fc.property(someEntries, someDigest, (entries, digest) => {
      fc.pre(digest.some((byte) => byte !== 0))
      const key = dataKey('one more')
      const [without, having] = [treeOf(entries), treeOf([...entries, { key, digest }])]
      const group = Math.floor(leafOf(key) / LEAVES_PER_GROUP)
      assert.deepEqual(differences(without.groupHashes(), having.groupHashes()), [group])
      assert.deepEqual(differences(without.leafHashes(group), having.leafHashes(group)), [leafOf(key) % LEAVES_PER_GROUP])
      assert.deepEqual(differences(without.groupHashes(), without.groupHashes()), [])
    })
    fc.assert(property, { numRuns: 300 })
  })
})

suite('the store with what is laid over it', () => {
  const record = recordOf('x')
  const KEYS = ['a', 'b', 'é', '😀', 'zz'].map(dataKey)
  /** Each key takes at most these steps, in this order. */
  const someWrites = fc
    .shuffledSubarray([...KEYS, ...KEYS, ...KEYS], { minLength: 0 })
    .chain((keys) => fc.tuple(fc.constant(keys), fc.array(fc.nat(2), { minLength: keys.length, maxLength: keys.length })))
    .map(([keys, kinds]) => {
      const chosen = new Set<RegisterKey>()
      return keys.flatMap((key, index): Persist[] => {
        if (chosen.has(key)) return []
        if (kinds[index] === 0) return [acceptedWrite(key, { ballot: ballotOf(0, index, 'a'), record })]
        if (kinds[index] === 1) return [droppedWrite(key)]
        chosen.add(key)
        return [chosenWrite(key, record, new Uint8Array(HASH_BYTES).fill(index + 1))]
      })
    })

  test('reads and lists as a store does that took every write, wherever the line between the two is', () => {
    const property = fc.property(someWrites, fc.nat(15), fc.integer({ min: 1, max: 6 }), (writes, line, limit) => {
      const [below, whole] = [new MemoryStorage(), new MemoryStorage()]
      void below.write(writes.slice(0, line))
      void whole.write(writes)
      const overlay = new Overlay(below.registers)
      for (const write of writes.slice(line)) overlay.apply(write)
      for (const key of KEYS) {
        assert.deepEqual(overlay.read(key)?.accepted, whole.registers.read(key)?.accepted)
        assert.deepEqual(overlay.read(key)?.chosen, whole.registers.read(key)?.chosen)
        for (const after of [undefined, ...KEYS]) {
          assert.deepEqual(overlay.leaf(leafOf(key), after, limit), whole.registers.leaf(leafOf(key), after, limit))
        }
      }
    })
    fc.assert(property, { numRuns: 2_000 })
  })

  test('a leaf lists what is laid over between what is below, cut at the limit, in the order of UTF-8', () => {
    const keys = ofOneLeaf(6)
    const [below, whole] = [new MemoryStorage(), new MemoryStorage()]
    const overlay = new Overlay(below.registers)
    for (const [index, key] of keys.entries()) {
      const write: Persist = chosenWrite(key, record, new Uint8Array(HASH_BYTES).fill(index))
      void whole.write([write])
      if (index % 2 === 0) void below.write([write])
      else overlay.apply(write)
    }
    const leaf = leafOf(keys[0] as RegisterKey)
    const sorted = keys.toSorted(compareUtf8)
    for (let limit = 1; limit <= 7; limit += 1) {
      for (const after of [undefined, ...sorted])
        assert.deepEqual(overlay.leaf(leaf, after, limit), whole.registers.leaf(leaf, after, limit))
    }
    assert.deepEqual(
      overlay.leaf(leaf, undefined, 9).map(({ key }) => key),
      sorted,
    )
  })

  test('configs are in no leaf', () => {
    const overlay = new Overlay(new MemoryStorage().registers)
    overlay.apply(chosenWrite(configKey(1), record, new Uint8Array(HASH_BYTES)))
    assert.deepEqual(overlay.leaf(leafOf(configKey(1)), undefined, 9), [])
  })

  test('once cleared it shows the store alone', () => {
    const overlay = new Overlay(new MemoryStorage().registers)
    overlay.apply(chosenWrite(KEYS[0] as RegisterKey, record, new Uint8Array(HASH_BYTES)))
    overlay.clear()
    assert.equal(overlay.read(KEYS[0] as RegisterKey), undefined)
  })

  /** Keys that share a leaf, found by trying. */
  function ofOneLeaf(count: number): RegisterKey[] {
    const found: RegisterKey[] = []
    for (let number = 0; found.length < count; number += 1)
      if (leafOf(dataKey(`key ${number}`)) === 77) found.push(dataKey(`key ${number}`))
    return found
  }
})
