/**
 * A client of sets that is not ours, over transit-js: inserts at the first port, reads at the second, deletes there, and
 * inserts at the first once more. Says each step; ends with 1 when what it reads is not what it wrote.
 */
import assert from 'node:assert/strict'
import transit from 'transit-js'

const [first, second] = process.argv.slice(2)
const reader = transit.reader('json')
const writer = transit.writer('json')
const DEADLINE_MS = 10_000

async function post(url, path, value) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/transit+json' },
    body: writer.write(value),
  })
  assert.equal(`${response.status} ${await response.text()}`, '200 ok', path)
}

async function get(url, path) {
  const response = await fetch(url + path)
  assert.equal(response.headers.get('content-type'), 'application/transit+json')
  return reader.read(await response.text())
}

/** Reads until the set has just these, in whatever order. */
async function holds(url, ...elements) {
  const expected = transit.set(elements)
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const read = await get(url, '/')
    if (transit.equals(read, expected)) return
    if (performance.now() > deadline) assert.fail(`read ${read.toString()}, and not ${expected.toString()}`)
  }
}

const everything = [
  11,
  'foo',
  true,
  null,
  1.5,
  transit.keyword('key/word'),
  transit.symbol('symbol'),
  transit.uuid('6ce99d46-37f8-475c-9e5d-f3a9ecdb5cc4'),
  new Date(1_520_698_550_268),
  transit.uri('http://example.org/'),
  transit.integer('9007199254740993'),
  transit.bigInt('98765432109876543210'),
  [1, 'two', [transit.keyword('three')]],
]
await post(first, '/insert', everything)
await holds(second, ...everything)
await post(second, '/delete', transit.set(everything.slice(1)))
await holds(first, 11)
await post(first, '/insert', transit.list(['foo', 'again']))
await holds(second, 11, 'foo', 'again')

const updates = await get(second, '/updates?since=0')
const [added, removed] = ['add-set', 'del-set'].map((name) => updates.get(transit.keyword(name)))
assert.ok(added.get('foo') > removed.get('foo'))
await post(first, '/update', transit.map([transit.keyword('add-set'), transit.map([11, 0]), transit.keyword('del-set'), transit.map([])]))
await post(first, '/update', updates)
await post(first, '/delete', [11, 'foo', 'again'])
await holds(second)
process.stdout.write('all of it held\n')
