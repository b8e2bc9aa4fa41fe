/** Lines for StatsD, as a server of it gets them. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pino } from 'pino'
import { toldToStatsd } from '../../src/peer/statsd.ts'
import { Warnings } from '../../src/peer/warnings.ts'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { Statsd } from '../../src/telemetry/statsd.ts'
import { FakeLogs } from '../integration/fake-logs.ts'

describe('lines for StatsD', () => {
  let server: Socket
  let port = 0

  beforeEach(async () => {
    server = createSocket('udp4')
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    ;({ port } = server.address())
  })
  afterEach(() => server.close())

  async function datagram(): Promise<string> {
    const [bytes] = (await once(server, 'message')) as [Buffer]
    return bytes.toString()
  }

  it('go together, each with its tags, and no datagram is too long for a network', async () => {
    const statsd = new Statsd({ host: '127.0.0.1', port, prefix: 'nexus.', tags: { nexusNode: 'n1' }, warn: assert.fail })
    statsd.time('save.latency.ms', 12.4, { log: 'orders' })
    statsd.count('save.timeout.error')
    assert.equal(await datagram(), 'nexus.save.latency.ms:12|ms|#nexusNode:n1,log:orders\nnexus.save.timeout.error:1|c|#nexusNode:n1')
    for (let count = 0; count < 50; count += 1) statsd.count('save.timeout.error')
    const first = await datagram()
    assert(first.length > 1_000 && first.length <= 1_432, `${first.length} bytes`)
    await statsd.close()
  })

  it('tell how long commands and queries took, and how they failed', async () => {
    const logs = new FakeLogs()
    const read = parseCommandLine(['-cid', 'c1', '-statsd', `127.0.0.1:${port}`], {})
    assert(read.kind === 'run')
    const closers: (() => Promise<void>)[] = []
    const init = { config: read.config, logger: pino({ level: 'silent' }), warnings: new Warnings(), peerId: 'p1' }
    const told = toldToStatsd(logs, init, closers)
    const { signal } = new AbortController()
    const submit = { log: 'orders', submitId: told.newSubmitId(), isNamedByClient: false, since: 0, command: new Uint8Array() }
    await told.submit(submit, 1_000, signal)
    logs.onSubmit = { kind: 'in-doubt', since: 0 }
    await told.submit(submit, 1_000, signal)
    logs.onQuery = { kind: 'unavailable', why: 'no-majority' }
    await told.query({ log: 'orders', query: new Uint8Array(), consistency: 'linearizable' }, 1_000, signal)
    logs.onChange = { kind: 'not-changed', why: 'no-voters' }
    await told.change({ kind: 'change', log: 'orders', add: [], remove: [], isForced: false }, 1_000)
    const lines = (await datagram()).split('\n').map((line) => line.replace(/:\d+\|ms/, ':N|ms').split('|#')[0])
    assert.deepEqual(lines, [
      'nexus.save.latency.ms:N|ms',
      'nexus.save.latency.ms:N|ms',
      'nexus.save.timeout.error:1|c',
      'nexus.load.latency.ms:N|ms',
      'nexus.load.timeout.error:1|c',
      'nexus.config.change.latency.ms:N|ms',
      'nexus.config.change.error:1|c',
    ])
    for (const close of closers) await close()
  })
})
