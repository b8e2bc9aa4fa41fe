/** How a peer starts, says so, and ends. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { Network, freePort, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1'] as const
/** "At once", on a machine that does other things: less than requests are given to finish. */
const AT_ONCE_MS = 9_000

let network: Network
let peer: PeerProcess
before(async () => {
  network = await Network.create()
  peer = await network.add({ flags: ALONE })
  await peer.start()
  await peer.ready()
})
after(() => network.close())

/** A get waits at the peer. */
function untilSomebodyWaits(): Promise<void> {
  const waits = /replicator_http_load\{kind="waits"\} [1-9]/
  return until('the request is there', async () => waits.test((await peer.client.ask('GET', '/metrics')).body.toString()))
}

it('a founder says who it is, where it is, that it founds, whom it waits for and that it is ready, in this order and nothing else', async () => {
  assert.deepEqual(
    peer.lines.map((line) => line.replaceAll(peer.peerId, 'ID').replace(peer.networkId, 'NETWORK')),
    [
      'Host ID: ID',
      'Connect to me on:',
      ` - /ip4/127.0.0.1/tcp/${peer.libp2pPort}/p2p/ID`,
      `HTTP listening on http://127.0.0.1:${peer.httpPort}`,
      'New network NETWORK',
      'Waiting until 1 peers are discovered',
      'Discovered 1 peers',
      'Replicator ready',
    ],
  )
  assert.equal((await peer.client.ask('GET', '/readyz')).status, 200)
  for (const line of peer.log.trim().split('\n')) assert.equal(typeof (JSON.parse(line) as { msg: unknown }).msg, 'string')
})

it('SIGTERM lets a request finish, says that its connection ends, and exits 0', async () => {
  const answer = peer.client.get('awaited', '?wait=2000')
  await untilSomebodyWaits()
  peer.signal('SIGTERM')
  const reply = await answer
  assert.deepEqual([reply.status, reply.headers.connection], [404, 'close'])
  assert.deepEqual(await peer.ended(), { code: 0, signal: null })
})

it('a peer that comes back is the same, on the same network, and founds none', async () => {
  const { peerId, networkId } = { peerId: peer.peerId, networkId: peer.networkId }
  await peer.start()
  await peer.ready()
  assert.equal(peer.peerId, peerId)
  assert.equal((await peer.client.status()).networkId, networkId)
  assert.ok(!peer.lines.some((line) => line.startsWith('New network')))
})

it('a peer killed with -9 starts again at once on the same directory and ports, with all it acknowledged', async () => {
  for (let round = 0; round < 3; round += 1) {
    assert.equal((await peer.client.put(`round/${round}`, 'kept')).status, 201)
    await peer.kill()
    await peer.start()
    await peer.ready()
    for (let earlier = 0; earlier <= round; earlier += 1) assert.equal((await peer.client.get(`round/${earlier}`)).body.toString(), 'kept')
  }
})

it('SIGHUP ends nothing: the peer goes on, and so does a request under way', async () => {
  const answer = peer.client.get('awaited/hup', '?wait=60000&timeout=60000')
  await untilSomebodyWaits()
  for (let count = 0; count < 3; count += 1) peer.signal('SIGHUP')
  assert.equal((await peer.client.put('awaited/hup', 'here')).status, 201)
  assert.equal((await answer).body.toString(), 'here')
  assert.equal((await peer.client.put('after/hup', 'kept')).status, 201)
})

it('SIGUSR1 opens no inspector', { skip: process.platform === 'win32' && 'there is no such signal' }, async () => {
  await peer.stop()
  const port = await freePort()
  peer.options = { ...peer.options, nodeFlags: [`--inspect-port=127.0.0.1:${port}`] }
  await peer.start()
  await peer.ready()
  const logged = peer.log.length
  for (let count = 0; count < 3; count += 1) {
    peer.signal('SIGUSR1')
    assert.equal((await peer.client.put(`inspected/${count}`, 'kept')).status, 201)
  }
  // It is a thread of its own that opens the inspector: it had the time of three puts, each with a
  // sync.
  await assert.rejects(fetch(`http://127.0.0.1:${port}/json`))
  assert.ok(!peer.log.slice(logged).includes('Debugger'), peer.log.slice(logged))
})

it('a second signal ends it at once with exit code 1', async () => {
  const answer = assert.rejects(peer.client.get('awaited', '?wait=60000&timeout=60000'))
  await untilSomebodyWaits()
  const startedMs = performance.now()
  peer.signal('SIGINT')
  await until('it says that it goes', async () => (await peer.client.ask('GET', '/readyz')).status === 503)
  peer.signal('SIGINT')
  assert.deepEqual(await peer.ended(), { code: 1, signal: null })
  assert.ok(performance.now() - startedMs < AT_ONCE_MS, `${performance.now() - startedMs} ms`)
  await answer
})

it('peers without -data take the directory of their HTTP port, in whatever order they are started', async () => {
  const [first, second] = [await network.add({ flags: ALONE }), await network.add({ flags: ALONE })]
  for (const unnamed of [first, second]) unnamed.namesDirectory = false
  const directories = join(network.directory, 'replicator-data', 'cluster-1')
  await first.start()
  await second.start()
  assert.notEqual(first.peerId, second.peerId)
  assert.deepEqual(readdirSync(directories).toSorted(), [first.httpPort, second.httpPort].map(String).toSorted())
  const { peerId } = first
  await first.kill()
  await second.kill()
  await second.start()
  await first.start()
  assert.equal(first.peerId, peerId)
})
