/**
 * Any value has one spelling, however it was written; and whatever a client sends is read or
 * refused, in bounded time.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isElement, readElement, readElements, readReplica } from '../../src/transit/documents.ts'
import { isComposite, keyOf } from '../../src/transit/writing.ts'

/** One value, as two writers may write it; and as a plain value of its own kind, to compare. */
interface Written {
  readonly spellings: readonly string[]
  readonly value: unknown
}

const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const quoted = (value: string): string => JSON.stringify(value)
const escapedAll = (value: string): string =>
  `"${Array.from({ length: value.length }, (_, index) => `\\u${value.charCodeAt(index).toString(16).padStart(4, '0')}`).join('')}"`
const both = (value: string): string[] => [quoted(value), escapedAll(value)]

const scalars: fc.Arbitrary<Written> = fc.oneof(
  text.map((value) => ({ spellings: both(/^[~^`]/.test(value) ? `~${value}` : value), value: { text: value } })),
  fc.bigInt().map((value) => ({ spellings: [String(value), `"~i${value}"`, `"~n${value}"`], value: { integer: String(value) } })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({
    spellings: [value.toExponential(), `"~d${value}"`],
    value: { float: value + 0 },
  })),
  fc.boolean().map((value) => ({ spellings: [String(value), `"~?${String(value)[0]}"`], value })),
  fc.constant({ spellings: ['null', '"~_"'], value: null }),
  text.filter((name) => name !== '').map((name) => ({ spellings: both(`~:${name}`), value: { keyword: name } })),
  text.filter((name) => name !== '').map((name) => ({ spellings: both(`~$${name}`), value: { symbol: name } })),
  text.map((uri) => ({ spellings: both(`~r${uri}`), value: { uri } })),
  fc.uuid().map((uuid) => ({ spellings: [quoted(`~u${uuid}`), quoted(`~u${uuid.toUpperCase()}`)], value: { uuid } })),
  fc.date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true }).map((date) => ({
    spellings: [`"~m${date.getTime()}"`, `"~t${date.toISOString()}"`],
    value: { instant: date.getTime() },
  })),
)

const { element } = fc.letrec<{ element: Written }>((tie) => ({
  element: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('element'), { maxLength: 4 }).map((items) => ({
      spellings: [
        `[${items.map(({ spellings }) => spellings[0]).join(',')}]`,
        `["~#list", [ ${items.map(({ spellings }) => spellings.at(-1)).join(' , ')}]]`,
        `["~#'",[${items.map(({ spellings }) => spellings.at(-1)).join(',')}]]`,
      ],
      value: items.map(({ value }) => value),
    })),
  ),
}))

function canonical(written: string): string {
  const { value, fault } = readElement(written)
  if (fault !== undefined) throw fault
  return Buffer.from(value).toString()
}

test('all spellings of a value are one element, which is its own only spelling', () => {
  fc.assert(
    fc.property(element, ({ spellings }) => {
      const [first = '', ...others] = spellings.map(canonical)
      for (const other of others) assert.equal(other, first)
      assert.equal(canonical(first), first)
      assert(isElement(Buffer.from(first)))
    }),
    { numRuns: 2_000 },
  )
})

test('two values are one element when they are equal, and only then', () => {
  fc.assert(
    fc.property(element, element, (one, other) => {
      const isEqual = JSON.stringify(one.value) === JSON.stringify(other.value)
      assert.equal(canonical(one.spellings[0] ?? '') === canonical(other.spellings[0] ?? ''), isEqual)
    }),
    { numRuns: 2_000 },
  )
})

test('a replica of any elements comes back, by maps and by pairs', () => {
  const stamp = fc.nat({ max: Number.MAX_SAFE_INTEGER })
  const rows = fc.uniqueArray(fc.tuple(element, stamp), { maxLength: 20, selector: ([{ spellings }]) => canonical(spellings[0] ?? '') })
  fc.assert(
    fc.property(rows, (added) => {
      const expected = added.map(([{ spellings }, at]) => [canonical(spellings[0] ?? ''), at])
      const pairs = `{"add-set":[${added.map(([{ spellings }, at]) => `[${spellings.at(-1)},${at}]`).join(',')}]}`
      const composite = expected.map(([key, at]) => `${key},${at}`).join(',')
      const forms = [pairs, `["^ ","~:add-set",["~#cmap",[${composite}]]]`]
      if (!expected.some(([key]) => isComposite(Buffer.from(String(key)))))
        forms.push(`["^ ","~:add-set",["^ "${expected.map(([key, at]) => `,${keyOf(String(key))},${at}`).join('')}]]`)
      for (const form of forms) {
        const { value, fault } = readReplica(Buffer.from(form), 'transit')
        assert.deepEqual(fault?.message ?? value?.map((row) => [Buffer.from(row.element).toString(), row.added]), expected, form)
      }
    }),
    { numRuns: 500 },
  )
})

test('any bytes are read or refused, and nothing else', () => {
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .string({ unit: fc.constantFrom(...Array.from('[]{},:"~^#\\ul0123456789eE+-. tfn')), maxLength: 100 })
      .map((value) => Buffer.from(value)),
    fc.tuple(element, fc.nat(), fc.nat()).map(([{ spellings }, at, byte]) => {
      const bytes = Buffer.from(`[${spellings.join(',')}]`)
      bytes[at % bytes.length] = byte % 256
      return bytes
    }),
  )
  fc.assert(
    fc.property(bodies, (body) => {
      for (const form of ['transit', 'json'] as const) {
        const { value } = readElements(body, form)
        for (const read of value ?? []) assert(isElement(read))
        readReplica(body, form)
      }
    }),
    { numRuns: 5_000 },
  )
})
