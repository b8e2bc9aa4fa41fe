import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LogLevel } from '../../src/settings/settings.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'

const LOGGER = join(import.meta.dirname, '../../src/telemetry/logger.ts')
/** Starting Node on a busy machine takes a while. */
const DEADLINE_MS = 20_000

/** Runs a script that has a `logger`, and gives what it wrote. */
async function logged(level: LogLevel, script: string): Promise<{ readonly output: string; readonly errors: string }> {
  const source = `import { createLogger } from ${JSON.stringify(LOGGER)}\nconst logger = createLogger(${JSON.stringify(level)})\n${script}`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], { stdio: 'pipe', timeout: DEADLINE_MS })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(child, 'close')
  return { output, errors }
}

test('a log line is one JSON object on standard error, with level, time and message', async () => {
  const { output, errors } = await logged('info', `logger.info({ peerId: 'a' }, 'one\\ntwo'); logger.debug('unsaid'); logger.warn('three')`)
  assert.equal(output, '')
  const [first, second, ...others] = errors.split('\n')
  const { time, ...line } = JSON.parse(first ?? '') as { time: string; level: string; msg: string; peerId: string }
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(line, { level: 'info', peerId: 'a', msg: 'one\ntwo' })
  assert.equal((JSON.parse(second ?? '') as { level: string }).level, 'warn')
  assert.deepEqual(others, [''])
})

test('what was logged just before the end is not lost', async () => {
  const { errors } = await logged(
    'info',
    `for (let line = 0; line < 1000; line += 1) logger.error({ line }, 'last words')\nprocess.exit(1)`,
  )
  assert.equal(errors.trimEnd().split('\n').length, 1_000)
})

test('a silent log says nothing', async () => {
  assert.equal((await logged('silent', `logger.fatal('x'); logger.error('x')`)).errors, '')
})

test('a log that nobody reads holds nobody up', async () => {
  const script = `import { createLogger } from ${JSON.stringify(LOGGER)}
    const logger = createLogger('info')
    for (let line = 0; line < 20000; line += 1) logger.info('x'.repeat(1000))
    setTimeout(() => console.log('still here'), 100)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], { stdio: 'pipe' })
  const ended = once(child, 'close')
  try {
    const [chunk] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(DEADLINE_MS) })) as [Buffer]
    assert.equal(chunk.toString(), 'still here\n')
  } finally {
    child.kill('SIGKILL')
    child.stderr.resume()
    await ended
  }
})

test('counters show what was added up, gauges what is true when they are read', async () => {
  const metrics = createMetrics()
  metrics.tallies.puts.created += 2
  metrics.tallies.gets.absent += 1
  metrics.tallies.divergences += 1
  metrics.persisted(5, 0.002)
  let keyCount = 1
  metrics.observe(() => ({
    epoch: -1,
    keyCount,
    keyBytes: 20,
    inDoubtCount: 3,
    connectedPeerCount: 4,
    unprovedConnectionCount: 5,
    peers: [],
  }))
  keyCount = 10
  for (const line of [
    'replicator_puts_total{outcome="created"} 2',
    'replicator_puts_total{outcome="in-doubt"} 0',
    'replicator_gets_total{outcome="absent"} 1',
    'replicator_divergences_total 1',
    'replicator_persist_batch_writes_sum 5',
    'replicator_persist_batch_writes_bucket{le="16"} 1',
    'replicator_sync_seconds_count 1',
    'replicator_epoch -1',
    'replicator_keys 10',
    'replicator_key_bytes 20',
    'replicator_keys_in_doubt 3',
    'replicator_connected_peers 4',
    'replicator_unproved_connections 5',
  ]) {
    const text = await metrics.registry.metrics()
    assert(text.split('\n').includes(line), `${line} is not in\n${text}`)
  }
})

test('reading the metrics twice counts nothing twice', async () => {
  const metrics = createMetrics()
  metrics.tallies.keysRepaired += 7
  await metrics.registry.metrics()
  metrics.tallies.keysRepaired += 1
  assert.match(await metrics.registry.metrics(), /^replicator_keys_repaired_total 8$/m)
})

test('what the network counts is shown as it stands, the first time too, in whatever order things were registered', async () => {
  const messages = { messagesSent: 7, messagesReceived: 6, messagesDropped: 5, repairAnswersSent: 4 }
  const traffic = {
    ...messages,
    bytesSent: 400,
    bytesReceived: 300,
    repairBytesSent: 200,
    refusals: 2,
    turnedAway: new Map([['source', 3]]),
    breaches: 1,
    hearsayDials: 0,
    valuesSent: new Map([['c2', 8]]),
  }
  for (const order of ['gauges first', 'counters first']) {
    const metrics = createMetrics()
    const gauges = (): void =>
      metrics.observe(() => ({
        epoch: 0,
        keyCount: 0,
        keyBytes: 0,
        inDoubtCount: 0,
        connectedPeerCount: 0,
        unprovedConnectionCount: 0,
        peers: [],
      }))
    if (order === 'gauges first') gauges()
    metrics.observeTraffic(traffic)
    if (order !== 'gauges first') gauges()
    metrics.tallies.connectionsRefused += 1
    const lines = (await metrics.registry.metrics()).split('\n')
    for (const line of [
      'replicator_messages_sent_total 7',
      'replicator_messages_received_total 6',
      'replicator_messages_dropped_total 5',
      'replicator_repair_answers_sent_total 4',
      'replicator_repair_sent_bytes_total 200',
      'replicator_values_sent_total{cluster="c2"} 8',
      'replicator_sent_bytes_total 400',
      'replicator_received_bytes_total 300',
      'replicator_connections_refused_total 3',
      'replicator_breaches_total 1',
      'replicator_connections_turned_away_total{why="source"} 3',
    ]) {
      assert(lines.includes(line), line)
    }
  }
})

test('every name belongs to the replicator, the process or Node', async () => {
  const metrics = createMetrics()
  metrics.observe(() => ({
    epoch: 0,
    keyCount: 0,
    keyBytes: 0,
    inDoubtCount: 0,
    connectedPeerCount: 0,
    unprovedConnectionCount: 0,
    peers: [],
  }))
  metrics.observeTraffic({
    messagesSent: 0,
    messagesReceived: 0,
    messagesDropped: 0,
    repairAnswersSent: 0,
    repairBytesSent: 0,
    valuesSent: new Map(),
    bytesSent: 0,
    bytesReceived: 0,
    refusals: 0,
    turnedAway: new Map(),
    breaches: 0,
    hearsayDials: 0,
  })
  for (const { name } of await metrics.registry.getMetricsAsJSON()) assert.match(name, /^(replicator|process|nodejs)_/)
})

test('two registries share nothing', async () => {
  const [first, second] = [createMetrics(), createMetrics()]
  first.tallies.keysRepaired += 1
  assert.match(await second.registry.metrics(), /^replicator_keys_repaired_total 0$/m)
})

test('what is named as a counter is one, those of the library too', async () => {
  const { registry } = createMetrics()
  const types = [...(await registry.metrics()).matchAll(/^# TYPE (\w+_total) (\w+)$/gm)]
  assert.ok(types.length > 0)
  for (const [, name, type] of types) assert.equal(type, 'counter', name)
})
