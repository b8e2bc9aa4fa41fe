import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HOST_VARIABLE, RTTS_VARIABLE } from '../process/distance.ts'
import { parseOptions } from '../../scripts/bench/options.ts'
import { parseProcessorSeconds } from '../../scripts/usage.ts'
import { parseCounters } from '../../scripts/counters.ts'
import { sharesOf } from '../../scripts/bench/stages.ts'
import { percentileMs, percentileOf, spreadOf } from '../../scripts/statistics.ts'
import { formatTable } from '../../scripts/bench/table.ts'
import { parseMeasured, shareOut } from '../../scripts/bench/wrk.ts'

test('what wrk measured is found between the lines that it prints for people', () => {
  const json =
    '{"requests":9,"elapsedUs":1000,"processorSeconds":0.5,"refused":0,"broken":1,"maxUs":70,"percentilesUs":[[50.00,10],[100.00,70]]}'
  const measured = parseMeasured(`Running 1s test\nRequests/sec: 9\nMEASURED ${json}\n`)
  assert.equal(measured.requests, 9)
  assert.equal(measured.broken, 1)
  assert.deepEqual(measured.percentilesUs, [
    [50, 10],
    [100, 70],
  ])
  assert.throws(() => parseMeasured('unable to connect'), /measured nothing/)
})

test('percentiles of several generators count each by its requests', () => {
  const quick = {
    requests: 900,
    percentilesUs: [
      [50, 1_000],
      [100, 2_000],
    ],
  } as const
  const slow = {
    requests: 100,
    percentilesUs: [
      [50, 50_000],
      [100, 90_000],
    ],
  } as const
  assert.equal(percentileMs([quick, slow], 50), 2)
  assert.equal(percentileMs([quick, slow], 90), 2)
  assert.equal(percentileMs([quick, slow], 95), 50)
  assert.equal(percentileMs([quick, slow], 99), 90)
  assert.equal(percentileMs([], 50), 0)
})

test('a percentile of values is the least that so many of a hundred do not exceed', () => {
  assert.deepEqual(
    [0, 50, 75, 99, 100].map((share) => percentileOf([4, 1, 3, 2], share)),
    [1, 2, 3, 4, 4],
  )
  assert.equal(percentileOf([], 50), 0)
})

test('a median has the least and the most beside it', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 })
  assert.deepEqual(spreadOf([4, 1]), { median: 2.5, least: 1, most: 4 })
  assert.throws(() => spreadOf([]), RangeError)
})

test('connections are shared out to the last one', () => {
  assert.deepEqual(shareOut(64, 3), [22, 21, 21])
  assert.deepEqual(shareOut(1, 3), [1])
})

test('time on the processor is read past a name with brackets and spaces', () => {
  const fields = ['S', ...Array.from({ length: 10 }, () => '0'), '250', '50', '0']
  assert.equal(parseProcessorSeconds(`42 (a) b) ${fields.join(' ')}`), 3)
})

test('counters are told apart by their labels', () => {
  const counters = parseCounters('# HELP x y\nputs_total{outcome="created"} 5\nputs_total{outcome="conflict"} 2\n')
  assert.deepEqual(
    [...counters],
    [
      ['puts_total{outcome="created"}', 5],
      ['puts_total{outcome="conflict"}', 2],
    ],
  )
})

test('a part, a side or a number that does not exist is refused', () => {
  assert.deepEqual([...parseOptions(['--only', 'puts,gets']).parts], ['puts', 'gets'])
  assert.throws(() => parseOptions(['--only', 'writes']), /--only takes/)
  assert.throws(() => parseOptions(['--against', 'redis']), /--against takes/)
  assert.throws(() => parseOptions(['--seconds', '0']), /above 0/)
})

test('a table is printed for the screen and as markdown', () => {
  const table = { title: 'Title', note: 'Note.', columns: ['', 'n'], rows: [['a', '10']], raw: undefined }
  assert.match(formatTable(table, false), /\n {6}n\n {2}a {2}10\n/)
  assert.match(formatTable(table, true), /\| {2}\| n \|\n\| --- \| --- \|\n\| a \| 10 \|/)
})

describe('a put taken apart', () => {
  const node = (id: number, functionName: string, url: string, children: readonly number[] = []) => ({
    id,
    callFrame: { functionName, url },
    children,
  })
  const nodes = [
    node(1, '(root)', '', [2, 3, 7]),
    node(2, '(idle)', ''),
    node(3, 'flush', 'file:///x/dist/src/network/peer-stream.js', [4, 5]),
    node(4, 'writeBuffer', '', [6]),
    node(5, 'encrypt', 'file:///x/node_modules/@chainsafe/libp2p-noise/dist/src/utils.js', [8]),
    node(6, 'afterWrite', 'node:internal/stream_base_commons'),
    node(7, '(garbage collector)', ''),
    node(8, 'update', 'node:internal/crypto/cipher'),
  ]
  // The first half of the samples is of the time before the load, and does not count.
  const shares = (samples: readonly number[]): Record<string, number> =>
    Object.fromEntries(sharesOf([{ nodes, samples: [...samples.map(() => 3), ...samples] }]))

  it('blames what a library of Node does on whoever called it', () => {
    assert.deepEqual(shares([8, 8, 5, 3]), { encryption: 0.75, 'streams and frames': 0.25 })
  })

  it('tells writing to sockets and collecting garbage apart from their callers, and leaves idling out', () => {
    assert.deepEqual(shares([4, 4, 7, 2, 1, 6]), { 'writing to sockets': 0.5, 'collecting garbage': 0.25, else: 0.25 })
  })
})

/**
 * Sends two words and an end to a server at 127.0.2.1, and prints what came, whence, and how long
 * the first took.
 */
const SENDING = `
import { connect, createServer } from 'node:net'
const server = createServer((socket) => {
  let came = '', tookMs
  socket.on('data', (bytes) => { tookMs ??= performance.now() - sentMs; came += bytes })
  socket.on('end', () => { console.log(JSON.stringify({ came, from: socket.remoteAddress, tookMs })); server.close(); socket.end() })
})
let sentMs
server.listen(0, '127.0.2.1', () => {
  const socket = connect(server.address().port, '127.0.2.1', () => {
    sentMs = performance.now()
    socket.write('first ')
    socket.end('second')
  })
})`

test('what is sent to a cluster that lies far away arrives half a round trip later, in order', () => {
  const distance = fileURLToPath(new URL('../process/distance.ts', import.meta.url))
  const env = { ...process.env, [HOST_VARIABLE]: '127.0.1.1', [RTTS_VARIABLE]: JSON.stringify({ '127.0.1.1': 0, '127.0.2.1': 80 }) }
  const flags = ['--import', distance, '--input-type=module', '--eval', SENDING]
  const seen = JSON.parse(execFileSync(process.execPath, flags, { env, encoding: 'utf8', timeout: 20_000 })) as Record<string, unknown>
  assert.deepEqual({ ...seen, tookMs: 0 }, { came: 'first second', from: '127.0.1.1', tookMs: 0 })
  assert.ok(Number(seen['tookMs']) >= 39, `after ${String(seen['tookMs'])} ms`)
})
