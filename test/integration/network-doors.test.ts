/** Strangers who stand in the doors: real sockets and real peers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { dhtService } from '../../src/discovery/dht-service.ts'
import { UNPROVED_MS, UNPROVED_PER_PEER_MAX, UNPROVED_PER_SOURCE_MAX } from '../../src/network/doors.ts'
import { createLibp2pPeer } from '../../src/network/libp2p-peer.ts'
import type { Libp2pPeer } from '../../src/network/libp2p-peer.ts'
import { NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { until } from '../contract/transport.ts'
import { Stranger } from './stranger.ts'

const SECRET = new Uint8Array(32).fill(1)
/** What a joiner may take while strangers stand in the doors. */
const JOIN_MS = 5_000
/** Beyond the 12 s that a connection may live, for a machine with much to do. */
const LATE_MS = 5_000

let harness: NetworkHarness
let sockets: Socket[]
let strangers: Libp2pPeer[]
beforeEach(() => {
  harness = new NetworkHarness()
  sockets = []
  strangers = []
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  for (const stranger of strangers) await stranger.stop()
  await harness.close()
})

/** Opens TCP connections that say nothing. */
async function openSilent(peer: NetworkPeer, count: number, localAddress: string): Promise<Socket[]> {
  const [, port] = /\/tcp\/(\d+)/.exec(peer.transport.addresses()[0] ?? '') ?? []
  const opened = Array.from({ length: count }, () => connectTcp({ port: Number(port), host: '127.0.0.1', localAddress }))
  for (const socket of opened) {
    sockets.push(socket)
    // Reset by the peer, as it should be.
    socket.on('error', () => {})
    // What is said at the beginning has to be taken, or the end of it is never seen.
    socket.resume()
  }
  await Promise.all(opened.map((socket) => once(socket, 'connect')))
  return opened
}

function openCount(opened: readonly Socket[]): number {
  return opened.filter((socket) => !socket.destroyed).length
}

async function idleStranger(): Promise<Libp2pPeer> {
  const libp2p = await createLibp2pPeer({
    privateKey: await generateKeyPair('Ed25519'),
    listen: [],
    announce: [],
    dht: dhtService(),
    isDialled: () => true,
  })
  await libp2p.start()
  strangers.push(libp2p)
  return libp2p
}

async function dial(stranger: Libp2pPeer, peer: NetworkPeer): Promise<Connection> {
  return stranger.dial(multiaddr(peer.transport.addresses()[0]), { force: true })
}

async function joins(peer: NetworkPeer, secret: Uint8Array | undefined): Promise<NetworkPeer> {
  const joiner = await harness.join({ secrets: [secret], peers: [peer.transport.addresses()[0] ?? ''] })
  await until('a peer joins', () => peer.told.isConnected(joiner.self.peerId) && joiner.told.isConnected(peer.self.peerId), JOIN_MS)
  return joiner
}

for (const secret of [undefined, SECRET]) {
  describe(secret === undefined ? 'without a secret' : 'with a secret', () => {
    it('110 silent connections keep nobody out, wherever they come from', async () => {
      const peer = await harness.join({ secrets: [secret] })
      await openSilent(peer, 110, '127.0.0.1')
      await joins(peer, secret)
      await openSilent(peer, 110, '127.0.0.2')
      await joins(peer, secret)
    })

    it('of one identity four connections stand unproved, and its others keep nobody out', async () => {
      const peer = await harness.join({ secrets: [secret] })
      const stranger = await idleStranger()
      const connections: Connection[] = []
      for (let count = 0; count < 24; count += 1) connections.push(await dial(stranger, peer))
      await until('the older ones are cut', () => connections.filter(({ status }) => status === 'open').length <= UNPROVED_PER_PEER_MAX)
      assert.equal(connections.at(-1)?.status, 'open')
      assert.ok(peer.transport.connectionCount() <= UNPROVED_PER_PEER_MAX)
      await joins(peer, secret)
    })

    it('whoever proves nothing is cut within 12 s: silent, encrypted without a stream, on a stream without a proof', async () => {
      const peer = await harness.join({ secrets: [secret] })
      const member = await joins(peer, secret)
      const fromMs = performance.now()
      const [silent] = await openSilent(peer, 1, '127.0.0.1')
      const connection = await dial(await idleStranger(), peer)
      const greeting = await Stranger.at(peer)
      strangers.push(greeting.libp2p)
      const isOver = (): boolean => silent?.destroyed === true && connection.status !== 'open' && greeting.isCut
      await until('all are cut', isOver, UNPROVED_MS + LATE_MS)
      assert.ok(performance.now() - fromMs < UNPROVED_MS + LATE_MS)
      assert.ok(peer.told.isConnected(member.self.peerId))
      assert.ok((peer.transport.counters.turnedAway.get('time') ?? 0) >= 2)
    })
  })
}

describe('strangers', () => {
  it('from where no member is have sixteen connections at once, and an operator is told', async () => {
    const peer = await harness.join()
    const opened = await openSilent(peer, 60, '127.0.0.3')
    await until('the others are cut', () => openCount(opened) <= UNPROVED_PER_SOURCE_MAX)
    assert.equal(openCount(opened), UNPROVED_PER_SOURCE_MAX)
    assert.equal(peer.transport.unprovedCount(), UNPROVED_PER_SOURCE_MAX)
    assert.match(peer.transport.warnings().join(), /strangers press on the doors: .* most come from 127\.0\.0\.3/)
    await joins(peer, undefined)
  })

  it('have as many as a cluster takes where members are', async () => {
    const peer = await harness.join()
    const opened = await openSilent(peer, 60, '127.0.0.1')
    await joins(peer, undefined)
    assert.equal(openCount(opened), 60)
  })

  it('who dial a peer with a secret are cut, and whom it dials too', async () => {
    const peer = await harness.join({ secrets: [SECRET] })
    const stranger = await createLibp2pPeer({
      privateKey: await generateKeyPair('Ed25519'),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      announce: [],
      dht: dhtService(),
      isDialled: () => true,
    })
    await stranger.start()
    strangers.push(stranger)
    peer.transport.meet(peer.self.peerId, [])
    peer.transport.meet(stranger.peerId.toString() as typeof peer.self.peerId, [stranger.getMultiaddrs()[0]?.toString() ?? ''])
    await until('it is dialled', () => stranger.getConnections().length > 0)
    await until('it is cut', () => stranger.getConnections().length === 0, UNPROVED_MS + LATE_MS)
  })
})

describe('a crowd', () => {
  it('of twenty that starts together behind one address is let in', async () => {
    const peer = await harness.join({ secrets: [SECRET] })
    const crowd = await Promise.all(
      Array.from({ length: 20 }, () => harness.join({ secrets: [SECRET], peers: [peer.transport.addresses()[0] ?? ''] })),
    )
    await until('all are connected', () => crowd.every(({ self }) => peer.told.isConnected(self.peerId)), 60_000)
    assert.deepEqual([...peer.transport.counters.turnedAway.values()], [0, 0, 0, 0])
  })
})
