/** A peer as a service of somebody's own libp2p node, beside other services of it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import type { Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { ROOT } from '../../scripts/run.ts'
import { peerKey, replicator } from '../../src/service/replicator.ts'
import type { Replicator, ReplicatorInit } from '../../src/service/replicator.ts'
import { until } from '../process/network.ts'

type Node = Libp2p<{ identify: Identify; ping: Ping; replicator: Replicator }>

const EXAMPLE = /<!-- example -->\n```js\n([^]*?)```/
/** On a busy machine. */
const READY_MS = 60_000

suite('a peer in a libp2p node of somebody else', () => {
  let directory = ''
  const nodes: Node[] = []
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'replicator-service-'))))
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
    rmSync(directory, { recursive: true, force: true })
  })

  async function start(name: string, init: Partial<ReplicatorInit> = {}): Promise<Node> {
    const whole = { cid: 'berlin', data: join(directory, name), 'min-peers': 1, ...init }
    const node = await createLibp2p({
      privateKey: await peerKey(whole),
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify(), ping: ping(), replicator: replicator(whole) },
    })
    nodes.push(node)
    return node
  }

  function ready({ services }: Node): Promise<void> {
    return services.replicator.ready({ signal: AbortSignal.timeout(READY_MS) })
  }

  test('the example of its page runs, against the package as it is installed', async () => {
    assert.ok(existsSync(join(ROOT, 'dist/src/service/replicator.js')), 'nothing is built: npm run build')
    const [, text = ''] = EXAMPLE.exec(readFileSync(join(ROOT, 'src/service/README.md'), 'utf8')) ?? []
    mkdirSync(join(directory, 'node_modules/@replicator'), { recursive: true })
    symlinkSync(ROOT, join(directory, 'node_modules/@replicator/peer'))
    for (const name of ['@chainsafe', '@libp2p', 'libp2p'])
      symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name))
    writeFileSync(join(directory, 'program.mjs'), text)
    const child = spawn(process.execPath, ['program.mjs'], { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'], timeout: READY_MS })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (said: string) => (output += said))
    assert.deepEqual(await once(child, 'close'), [0, null])
    assert.equal(output, 'created\nhello\n')
  })

  test('it is the same peer at the next start, with what it held, and another key is refused its directory', async () => {
    const node = await start('one')
    await ready(node)
    const { client } = node.services.replicator
    assert.equal((await client.put('names/ada', 'lisbon')).kind, 'created')
    const before = await client.status()
    assert.equal(before.peerId, node.peerId.toString())
    await node.stop()
    await assert.rejects(client.status({ signal: AbortSignal.timeout(500) }))
    await node.start()
    await ready(node)
    const found = await node.services.replicator.client.get('names/ada')
    assert.equal(found.kind === 'found' && new TextDecoder().decode(found.value), 'lisbon')
    assert.equal((await node.services.replicator.client.status()).peerId, before.peerId)
    await node.stop()
    nodes.splice(0)
    const init = { cid: 'berlin', data: join(directory, 'one'), 'min-peers': 1 }
    const services = { identify: identify(), replicator: replicator(init) }
    const stranger = createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()], services })
    await assert.rejects(stranger, /belongs to the peer 12D3\w+, not to 12D3/)
  })

  test('a peer that the node dials in its own way is greeted, and one that is refused keeps its connection for others', async () => {
    const network = await start('one')
    await ready(network)
    const networkId = (await network.services.replicator.client.status()).networkId ?? ''
    const friend = await start('two', { network: networkId })
    await friend.dial(network.getMultiaddrs())
    await ready(friend)
    assert.equal((await friend.services.replicator.client.peers()).length, 2)

    const stranger = await start('three')
    await ready(stranger)
    const connection = await stranger.dial(network.getMultiaddrs())
    await until('it is refused', async () =>
      (await stranger.services.replicator.client.status()).warnings.some((text) => text.includes('other network')),
    )
    await until('its stream has ended', () => connection.streams.every(({ protocol }) => !protocol.includes('replicator')))
    assert.equal(connection.status, 'open')
    assert.ok((await stranger.services.ping.ping(network.peerId)) >= 0)
  })

  test('settings that are wrong, or for the node to say, are told at once', () => {
    const init = { cid: 'berlin', data: join(directory, 'one') }
    assert.throws(() => replicator({ ...init, 'min-peer': 1 }), /TypeError: unknown flag "-min-peer"; did you mean/)
    assert.throws(() => replicator({ ...init, listen: '/ip4/127.0.0.1/tcp/1' }), /listen is for the libp2p node to say/)
    assert.throws(() => replicator({ ...init, cid: 'a b' }), /-cid "a b": a cluster id is/)
  })
})
