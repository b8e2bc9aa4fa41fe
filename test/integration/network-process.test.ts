/**
 * Peers in processes of their own: how fast messages go between them, and what a stopped or killed
 * one costs the other.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { codec, NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { connect, identityOf, numbered, until } from '../contract/transport.ts'

/** Messages in flight for the throughput figure, and how many there are in all. */
const WINDOW = 256
const ROUND_TRIPS = 60_000
/** A tenth of what was measured beside other work: less than this means that batching is broken. */
const ROUND_TRIPS_PER_SECOND_MIN = 5_000

let harness: NetworkHarness
let children: ChildProcess[]
beforeEach(() => {
  harness = new NetworkHarness()
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await harness.close()
})

interface Child {
  readonly process: ChildProcess
  readonly address: string
  readonly peerId: PeerId
}

async function startChild(): Promise<Child> {
  const child = spawn(process.execPath, [new URL('network-child.ts', import.meta.url).pathname], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const address = line.toString().trim()
  return { process: child, address, peerId: (address.split('/p2p/')[1] ?? '') as PeerId }
}

async function joinWith(child: Child): Promise<NetworkPeer> {
  const peer = await harness.join({ peers: [child.address] })
  await until('the child is connected', () => peer.told.isConnected(child.peerId))
  return peer
}

const by = identityOf('12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo')

/** A commit of a value of 100 bytes, as most messages are. */
function ordinary(id: number): Message {
  const record = { writeId: '0123456789abcdef', value: new Uint8Array(100), contentType: 'text/plain', writtenAtMs: 1_700_000_000_000 }
  const body = { kind: 'commit', key: dataKey('some/key'), ballot: { epoch: 1, round: id, by }, record } as const
  return { kind: 'request', id, target: by, body }
}

describe('between processes', () => {
  it('messages of one turn travel together, so that many pass each second', async (context) => {
    const child = await startChild()
    const peer = await joinWith(child)
    const startMs = performance.now()
    let sent = 0
    let received = 0
    peer.told.message = () => {
      received += 1
      if (sent < ROUND_TRIPS) peer.transport.send(child.peerId, ordinary(sent++))
    }
    while (sent < WINDOW) peer.transport.send(child.peerId, ordinary(sent++))
    await until('all come back', () => received === ROUND_TRIPS, 30_000)
    const perSecond = Math.round((ROUND_TRIPS / (performance.now() - startMs)) * 1_000)
    context.diagnostic(`${perSecond} round trips a second of ${encodedBytes()} bytes each way, ${WINDOW} in flight`)
    assert.ok(perSecond > ROUND_TRIPS_PER_SECOND_MIN, `${perSecond} round trips a second`)
  })

  it('a killed peer is noticed at once', async () => {
    const child = await startChild()
    const peer = await joinWith(child)
    child.process.kill('SIGKILL')
    await until('it is gone', () => !peer.told.isConnected(child.peerId), 1_000)
  })

  it('a stopped peer holds up nobody: others connect and talk, and this one stops in time', async () => {
    const child = await startChild()
    const peer = await joinWith(child)
    child.process.kill('SIGSTOP')
    peer.transport.send(child.peerId, numbered(1))
    const other = await harness.join({ peers: [child.address] })
    await connect(other, peer)
    other.transport.send(peer.self.peerId, numbered(2))
    await until('the message arrives', () => peer.told.messages.length === 1)
    assert.ok(peer.told.isConnected(child.peerId))
    const startMs = performance.now()
    await Promise.all([peer.stop(), other.stop()])
    assert.ok(performance.now() - startMs < 2_000, `${performance.now() - startMs} ms to stop`)
  })

  it('a peer stopped and continued answers what it was sent meanwhile', async () => {
    const child = await startChild()
    const peer = await joinWith(child)
    child.process.kill('SIGSTOP')
    peer.transport.send(child.peerId, numbered(1))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(peer.told.messages.length, 0)
    child.process.kill('SIGCONT')
    await until('the answer arrives', () => peer.told.messages.length === 1)
  })
})

function encodedBytes(): number {
  return codec.encodeMessage(ordinary(1)).length
}
