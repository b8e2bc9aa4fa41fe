/** Rows with what is not below yet laid over them, against a store that took every write. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rowsWrite } from '../../protocols/base/persist.ts'
import { RowsOverlay } from '../../protocols/base/rows.ts'
import type { RowWrite, Rows } from '../../protocols/base/rows.ts'
import { HashTree, LEAVES } from '../../protocols/base/hash-tree.ts'
import { IndexedRows, rowDigest } from '../../protocols/repair/indexed-rows.ts'
import { sha256 } from '../../src/bytes.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { codec } from '../unit/core-harness.ts'

const TYPE = 'sets'
const NAMES = ['a', 'a/1', 'a/2', 'b', 'é', 'ﬀ', '😀']
const someName = fc.constantFrom(...NAMES)
const someWrite: fc.Arbitrary<RowWrite> = fc.record({
  name: someName,
  bytes: fc.option(
    fc.nat(9).map((byte) => Uint8Array.of(byte)),
    { nil: undefined },
  ),
})
const slot = { type: TYPE, name: 's' }

test('an overlay shows what a store shows that took every write, wherever the line between the two is', () => {
  const property = fc.property(fc.array(someWrite, { maxLength: 20 }), fc.nat(20), fc.nat(20), (writes, line, settled) => {
    const [below, whole] = [new MemoryStorage(), new MemoryStorage()]
    const overlay = new RowsOverlay(below.rows(TYPE))
    for (const write of writes) void whole.write([rowsWrite(slot, [write])])
    for (const write of writes.slice(0, line)) void below.write([rowsWrite(slot, [write])])
    for (const [serial, write] of writes.slice(line).entries()) overlay.apply([write], serial)
    // What is laid over goes on showing while it sinks below.
    const sunk = writes.slice(line, line + settled)
    for (const write of sunk) void below.write([rowsWrite(slot, [write])])
    overlay.settle(sunk, sunk.length - 1)
    const rows = whole.rows(TYPE)
    for (const name of NAMES) assert.deepEqual(overlay.get(name), rows.get(name))
    for (const prefix of ['', 'a', 'a/', 'é']) {
      for (const after of [undefined, ...NAMES]) assert.deepEqual([...overlay.range(prefix, after)], [...rows.range(prefix, after)])
    }
  })
  fc.assert(property, { numRuns: 1_000 })
})

test('indexed rows have the tree, the leaves and the digests of what is held, also when they are opened again', () => {
  const property = fc.property(fc.array(someWrite, { maxLength: 30 }), (writes) => {
    const storage = new MemoryStorage()
    const open = (rows: Rows): IndexedRows => new IndexedRows(rows, rowDigest(sha256, codec))
    const indexed = open(storage.rows(TYPE))
    const model = new Map<string, Uint8Array>()
    for (const { name, bytes } of writes) {
      void storage.write([rowsWrite(slot, bytes === undefined ? indexed.remove(name) : indexed.put(name, bytes))])
      if (bytes === undefined) model.delete(name)
      else model.set(name, bytes)
    }
    const whole = new HashTree()
    for (const [name, bytes] of model) whole.add(name, rowDigest(sha256, codec)(name, bytes))
    for (const each of [indexed, open(storage.rows(TYPE))]) {
      assert.deepEqual([each.tree.keyCount, each.tree.rootHash()], [whole.keyCount, whole.rootHash()])
      assert.deepEqual(new Map([...each.range('')].map(({ name, bytes }) => [name, bytes])), model)
      const leaves = Array.from({ length: LEAVES }, (_, leaf) => leaf).flatMap((leaf) => each.leaf(leaf, undefined, 9))
      assert.deepEqual(new Set(leaves.map(({ key }) => key)), new Set(model.keys()))
      for (const { key, digest } of leaves) assert.deepEqual([each.digest(key), each.lacks(key, digest)], [digest, false])
    }
  })
  fc.assert(property, { numRuns: 20 })
})
