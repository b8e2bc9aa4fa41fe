/**
 * Elements and replicas as clients write them: the examples of the specification, and what is
 * refused.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { ELEMENTS_MAX, ELEMENT_BYTES_MAX } from '../../protocols/sets/requests.ts'
import { isElement, readElement, readElements, readElementsInTurns, readReplica, readReplicaInTurns } from '../../src/transit/documents.ts'
import type { Form } from '../../src/transit/transit-text.ts'
import { ELEMENT_DEPTH_MAX } from '../../src/transit/transit-text.ts'
import { isComposite, keyOf } from '../../src/transit/writing.ts'

const SPECIFICATION = join(import.meta.dirname, '../../protocols/sets/elements.md')
const EXAMPLE = /^(\S.*?) {2,}(\S.*)$/

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

function elements(body: string | Uint8Array, form: Form = 'transit'): string[] {
  const { value, fault } = readElements(Buffer.from(body), form)
  if (fault !== undefined) throw fault
  return value.map(text)
}

function replica(body: string, form: Form = 'transit'): (string | number)[][] {
  const { value, fault } = readReplica(Buffer.from(body), form)
  if (fault !== undefined) throw fault
  return value.map(({ element, added, removed }) => [text(element), added, removed])
}

function examples(): (readonly [written: string, canonical: string])[] {
  const block = readFileSync(SPECIFICATION, 'utf8').split('```')[1] ?? ''
  return block.split('\n').flatMap((line) => {
    const [, written, canonical] = EXAMPLE.exec(line) ?? []
    return written === undefined || canonical === undefined ? [] : [[written, canonical] as const]
  })
}

suite('the one spelling of an element', () => {
  test('each example of the specification is read as it says', () => {
    const rows = examples()
    assert(rows.length > 30, 'the examples are not found')
    for (const [written, canonical] of rows) {
      const { value, fault } = readElement(written)
      assert.equal(value === undefined ? fault.message : text(value), canonical, written)
      assert.deepEqual(elements(`[${written}]`, 'json'), [canonical], written)
    }
  })

  test('bytes are an element when they are its one spelling, and in no other', () => {
    for (const [written, canonical] of examples()) {
      assert(isElement(Buffer.from(canonical)), canonical)
      assert.equal(isElement(Buffer.from(written)), written === canonical, written)
    }
    for (const bad of ['', ' 1', '1 ', '1,2', '"a', '{}', '\ufeff1', '"~#set"']) assert.equal(isElement(Buffer.from(bad)), false, bad)
    assert.equal(isElement(Buffer.from([0x22, 0xff, 0x22])), false)
  })

  test('1 and 1.0 are two elements', () => {
    assert.deepEqual(elements('[1, 1.0, "~i1", "~d1"]'), ['1', '1.0'])
  })

  test('an element is as a key what transit reads back as the same element', () => {
    const keys = {
      11: '"~i11"',
      '1.5': '"~d1.5"',
      '1e+21': '"~d1e+21"',
      true: '"~?t"',
      false: '"~?f"',
      null: '"~_"',
      '"a"': '"a"',
      '"~:k"': '"~:k"',
    }
    for (const [element, key] of Object.entries(keys)) {
      assert.equal(keyOf(element), key)
      assert.deepEqual(elements(`[${key}]`), [element])
    }
    assert(isComposite(Buffer.from('[]')))
    assert(!isComposite(Buffer.from('"[]"')))
  })
})

suite('what is no element', () => {
  const refused = (body: string | Uint8Array, what: RegExp): void => {
    for (const form of ['transit', 'json'] as const) assert.throws(() => elements(body, form), what)
  }

  test('maps, sets, other tags and unknown scalars are refused', () => {
    refused('[{"a":1}]', /a map is no element/)
    refused('[["^ ","a",1]]', /a map is no element/)
    refused('[["~#set",[1]]]', /~#set is no element/)
    refused('[{"~#point":[1,2]}]', /~#point is no element/)
    for (const bad of ['~bYQ==', '~ca', '~f1.5', '~x', '~i1.5', '~i', '~?x', '~_x', '~:', '~$', '~zINFINITY', '~uabc', '~m1.5', '~m9e20']) {
      refused(JSON.stringify([bad]), /that is known here/)
    }
  })

  test('dates that are in no calendar are refused', () => {
    for (const bad of [
      '2018-02-30T00:00:00.000Z',
      '2018-13-01T00:00:00Z',
      '2018-01-01T25:00:00Z',
      '2018-01-01',
      '2018-01-01T00:00:00+01:00',
    ])
      refused(JSON.stringify([`~t${bad}`]), /is no date/)
    refused('["~m8640000000000001"]', /is no date/)
  })

  test('half of a surrogate pair, and bytes that are no UTF-8, are refused', () => {
    refused(String.raw`["\ud800"]`, /surrogate/)
    refused(String.raw`["~:\udfff"]`, /surrogate/)
    refused(new Uint8Array([0x5b, 0x22, 0xc3, 0x28, 0x22, 0x5d]), /not UTF-8/)
  })

  test('what is not JSON is refused with the place', () => {
    for (const bad of [
      '',
      '[',
      '[1',
      '[1,',
      '[1,]',
      '[1 2]',
      '[01]',
      '[+1]',
      '[.5]',
      '[1.]',
      '[NaN]',
      '["a]',
      '["a\nb"]',
      String.raw`["\x"]`,
      '[1] 2',
      '[tru]',
    ])
      refused(bad, /not JSON: .* at offset \d+/)
  })

  test('a float beyond the largest is refused, and one below the smallest is zero', () => {
    refused('[1e400]', /no float/)
    assert.deepEqual(elements('[1e-400]'), ['0.0'])
  })

  test('an element of 4,096 bytes is taken, and one of 4,097 is too large', () => {
    const body = (size: number): string => JSON.stringify(['é'.repeat(size / 2 - 1)])
    assert.equal(Buffer.byteLength(elements(body(ELEMENT_BYTES_MAX))[0] ?? ''), ELEMENT_BYTES_MAX)
    refused(body(ELEMENT_BYTES_MAX + 2), /at most 4096 bytes/)
    refused(`[[${Array.from({ length: 2_048 }).fill(1).join(',')}]]`, /at most 4096 bytes/)
    refused(`[${'1'.repeat(5_000)}]`, /more than 4096 digits/)
    assert.equal(readElements(Buffer.from(body(5_120)), 'transit').fault?.kind, 'too-large')
  })

  test('10,000 elements are taken, and one more is too many', () => {
    const body = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, index) => index))
    assert.equal(elements(body(ELEMENTS_MAX)).length, ELEMENTS_MAX)
    refused(body(ELEMENTS_MAX + 1), /at most 10000 elements/)
    assert.equal(readElements(Buffer.from(body(ELEMENTS_MAX + 1)), 'transit').fault?.kind, 'too-large')
  })

  test('arrays that are nested without end are refused before they are read', () => {
    const nested = (depth: number): string => `[${'['.repeat(depth)}${']'.repeat(depth)}]`
    assert.equal(elements(nested(ELEMENT_DEPTH_MAX)).length, 1)
    refused(nested(ELEMENT_DEPTH_MAX + 1), /nested more than 32 deep/)
    refused('['.repeat(1_000_000), /nested more than 32 deep/)
    refused('["~#list",'.repeat(100_000), /no array|nested more than/)
    refused(`[${`["~#'",`.repeat(100_000)}`, /nested more than/)
  })
})

suite('elements as they are sent', () => {
  test('an array, a list and a set are taken, in the verbose form too', () => {
    for (const body of ['[11, "foo"]', '["~#list",[11,"foo"]]', '["~#set",[11,"foo",11]]', '{"~#set":[11,"foo"]}', ' [ 11 ,"foo"] '])
      for (const form of ['transit', 'json'] as const) assert.deepEqual(elements(body, form), ['11', '"foo"'], body)
    assert.deepEqual(elements('[]'), [])
  })

  test('that are many are read in turns, so that they hold up nobody', async () => {
    const rows = Array.from({ length: 8_000 }, (_, index) => [index, ...Array.from({ length: 400 }).fill(1)])
    const body = Buffer.from(JSON.stringify(rows))
    let turns = 0
    const timer = setInterval(() => (turns += 1), 1)
    const { value } = await readElementsInTurns(body, 'json')
    clearInterval(timer)
    assert.equal(value?.length, rows.length)
    assert.ok(turns > 10, String(turns))
    assert.equal((await readReplicaInTurns(Buffer.from('{"add-set":[[1,-1]]}'), 'json')).fault?.kind, 'bad-stamp')
  })

  test('anything else is refused', () => {
    for (const bad of ['11', '"foo"', 'null', '{"a":1}', '["^ ","a",1]', '["~#cmap",[]]', '["~#set",11]', '["~#set"]', '["~#set",[1],2]'])
      assert.throws(() => elements(bad), { name: 'TransitFault' }, bad)
  })

  test('codes stand for keywords, symbols and tags said before, in transit alone', () => {
    assert.deepEqual(elements('["~:kw","~$sym","plain text","^0","^1"]'), ['"~:kw"', '"~$sym"', '"plain text"'])
    assert.deepEqual(elements('["~#list",["~:key","^1",["^0",[1]]]]'), ['"~:key"', '[1]'])
    assert.throws(() => elements('["^0"]'), /stands for no string/)
    assert.throws(() => elements('["~:kw","^0"]', 'json'), /is written "~\^"/)
    for (const bad of ['^', '^é', '^01x', '^}']) assert.throws(() => elements(JSON.stringify(['~:kw', bad])), /stands for no string/)
  })

  test('codes begin anew after 1,936 strings', () => {
    const names = Array.from({ length: 1_936 }, (_, index) => `~:key${index}`)
    const all = [...names, '~:again', '^0', '^z']
    assert.throws(() => elements(JSON.stringify(all)), /stands for no string/)
    assert.equal(elements(JSON.stringify([...names, '^[[', '~:again', '^0'])).at(-1), '"~:again"')
  })
})

suite('replicas', () => {
  test('the example of the seed is read to the letter', () => {
    assert.deepEqual(replica(String.raw`["^ ","~:add-set",["^ ","~i11",0],"~:del-set",["^ "]]`), [['11', 0, -1]])
  })

  test('maps of scalars, of arrays, verbose ones and pairs are read', () => {
    assert.deepEqual(replica('["^ ","~:add-set",["^ ","abcd",5],"~:del-set",["^ ","^1",6]]'), [['"abcd"', 5, 6]])
    assert.deepEqual(replica('["^ ","~:add-set",["~#cmap",[[1,2],3,"a",4]]]'), [
      ['[1,2]', 3, -1],
      ['"a"', 4, -1],
    ])
    assert.deepEqual(replica('{"~:del-set":{"~i11":7}}'), [['11', -1, 7]])
    assert.deepEqual(replica('{"add-set":[["a",1],[11,2]],"del-set":[["a","~i3"]]}', 'json'), [
      ['"a"', 1, 3],
      ['11', 2, -1],
    ])
    for (const empty of ['{}', '[]', '["^ "]', '{"add-set":[]}', '["^ ","~:add-set",["^ "]]']) assert.deepEqual(replica(empty), [])
  })

  test('two spellings of an element are one, with the highest of its stamps', () => {
    assert.deepEqual(replica('{"add-set":[[1,5],["~i1",7],["~n1",6]]}', 'json'), [['1', 7, -1]])
  })

  test('a stamp below 0, or from 2^53 on, is a bad stamp, and what is no whole number is bad', () => {
    const kind = (stamp: string): string | undefined => readReplica(Buffer.from(`{"add-set":[["a",${stamp}]]}`), 'json').fault?.kind
    for (const stamp of ['-1', '9007199254740992', '"~i9007199254740993"', '99999999999999999999', '-9007199254740993'])
      assert.equal(kind(stamp), 'bad-stamp', stamp)
    for (const stamp of ['1.5', '"1"', 'null', '[]', '{}', 'true', '1e3', '"~m5"']) assert.equal(kind(stamp), 'bad', stamp)
    for (const stamp of ['0', '9007199254740991', '"~i5"']) assert.equal(kind(stamp), undefined, stamp)
  })

  test('what is no replica is refused', () => {
    for (const bad of [
      '11',
      '{"add":[]}',
      '{"add-set":[],"~:add-set":[]}',
      '{"add-set":[["a"]]}',
      '{"add-set":[["a",1,2]]}',
      '{"add-set":["a"]}',
      '{"add-set":{"a"}}',
      '["^ ","~:add-set"]',
      '["~#set",[]]',
    ])
      assert.throws(() => replica(bad), { name: 'TransitFault' }, bad)
  })
})
