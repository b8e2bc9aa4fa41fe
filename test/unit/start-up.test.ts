import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { addressLines, discoveredLine, httpLine, newNetworkLine, READY_LINE, waitingLine } from '../../src/start-up.ts'

const START_UP = join(import.meta.dirname, '../../src/start-up.ts')
const DEADLINE_MS = 20_000

test('the lines of a start are those that scripts wait for', () => {
  const lines = [
    ...addressLines('12D3KooWA', ['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWA', '/ip4/10.0.0.1/tcp/1/p2p/12D3KooWA']),
    httpLine('http://127.0.0.1:8000'),
    newNetworkLine('5f0c'),
    waitingLine(3),
    discoveredLine(3),
    READY_LINE,
  ]
  assert.equal(
    lines.join('\n'),
    `Host ID: 12D3KooWA
Connect to me on:
 - /ip4/127.0.0.1/tcp/1/p2p/12D3KooWA
 - /ip4/10.0.0.1/tcp/1/p2p/12D3KooWA
HTTP listening on http://127.0.0.1:8000
New network 5f0c
Waiting until 3 peers are discovered
Discovered 3 peers
Replicator ready`,
  )
})

test('one peer is counted in the same words as many', () => {
  assert.equal(waitingLine(1), 'Waiting until 1 peers are discovered')
  assert.equal(discoveredLine(1), 'Discovered 1 peers')
})

test('a reader of standard output that goes away does not take the peer with it', async () => {
  const script = `import { printLines } from ${JSON.stringify(START_UP)}
    printLines(['first'])
    process.stdin.on('data', () => { printLines(['nobody reads this']); setImmediate(() => { printLines(['nor this']); setImmediate(() => process.exit(7)) }) })`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], { stdio: 'pipe', timeout: DEADLINE_MS })
  const closed = once(child, 'close')
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
  assert.equal(chunk.toString(), 'first\n')
  child.stdout.destroy()
  await once(child.stdout, 'close')
  child.stdin.write('go')
  child.stderr.resume()
  const [code] = (await closed) as [number]
  assert.equal(code, 7)
})
