/** Which rows of the store belong to which leaf. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LEAVES } from '../../protocols/repair/tree.ts'
import { LeafChains } from '../../src/storage/leaves.ts'

/** At the ends of what is kept together; a row may be told more than once, and not in order. */
const someRow = fc.constantFrom(1, 2, 3, 65_535, 65_536, 65_537, 65_538, 131_071, 131_072, 131_073, 300_000)
/** Few leaves, so that chains grow. */
const someLeaf = fc.constantFrom(0, 1, LEAVES - 1)

test('a leaf has the rows that were put into it, each once, the last added first', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(someRow, someLeaf), { maxLength: 40 }), (told) => {
      const chains = new LeafChains()
      const leafByRow = new Map<number, number>()
      for (const [row, leaf] of told) {
        // A row never changes its leaf.
        if (!leafByRow.has(row)) leafByRow.set(row, leaf)
        chains.add(leafByRow.get(row) as number, row)
      }
      for (const leaf of [0, 1, 2, LEAVES - 1]) {
        const expected = [...leafByRow].filter(([, of]) => of === leaf).map(([row]) => row)
        assert.deepEqual([...chains.rows(leaf)], expected.toReversed())
      }
    }),
  )
})
