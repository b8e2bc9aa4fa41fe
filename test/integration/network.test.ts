/**
 * Several libp2p peers on this machine: who is let in, who is not, and how peers find and keep one
 * another.
 */
import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { NetworkId } from '../../protocols/base/identity.ts'
import { EVERYWHERE, ListenError } from '../../src/network/listening.ts'
import { fingerprintOf } from '../../src/network/proof.ts'
import { NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { connect, identityOf, large, numbered, numbersOf, recordsOf, until } from '../contract/transport.ts'

let harness: NetworkHarness
beforeEach(() => {
  harness = new NetworkHarness()
})
afterEach(() => harness.close())

function addressOf(peer: NetworkPeer): string {
  const address = peer.transport.addresses()[0]
  assert.ok(address !== undefined)
  return address
}

function portOf(peer: NetworkPeer): string {
  const port = /\/tcp\/(\d+)\//.exec(addressOf(peer))?.[1]
  assert.ok(port !== undefined)
  return port
}

function areConnected(a: NetworkPeer, b: NetworkPeer): boolean {
  return a.told.isConnected(b.self.peerId) && b.told.isConnected(a.self.peerId)
}

const SECRET = new Uint8Array(32).fill(1)
const OTHER_SECRET = new Uint8Array(32).fill(2)

describe('who is let in', () => {
  it('peers with the same secret connect', async () => {
    const a = await harness.join({ secrets: [SECRET] })
    const b = await harness.join({ secrets: [SECRET] })
    await connect(a, b)
    a.transport.send(b.self.peerId, numbered(1))
    await until('the message arrives', () => b.told.messages.length === 1)
  })

  const cases = [
    { fact: 'another secret is refused at both ends', a: SECRET, b: OTHER_SECRET, atA: 'other secret', atB: 'other secret' },
    {
      fact: 'a peer without the secret is refused, and knows why',
      a: SECRET,
      b: undefined,
      atA: 'it has no secret',
      atB: 'it has a secret and this peer has none',
    },
  ]
  for (const { fact, a: secretA, b: secretB, atA, atB } of cases) {
    it(fact, async () => {
      const a = await harness.join({ secrets: [secretA] })
      const b = await harness.join({ secrets: [secretB], peers: [addressOf(a)] })
      await until('both refuse', () => a.refusals.length > 0 && b.refusals.length > 0)
      assert.deepEqual([a.refusals[0], b.refusals[0]], [atA, atB])
      assert.equal(a.told.connections.length + b.told.connections.length, 0)
      assert.match(a.warnings.join(), new RegExp(atA))
    })
  }

  const saying = [
    {
      fact: 'a peer of another network is refused at both ends',
      a: network('1'),
      b: network('2'),
      atA: 'other network',
      atB: 'other network',
    },
    {
      fact: 'a peer that speaks no common version is refused at both ends',
      a: {},
      b: { protocolMin: 2, protocolMax: 3 },
      atA: 'other protocol version (it speaks 2 to 3, this peer 1)',
      atB: 'other protocol version (it speaks 1, this peer 2 to 3)',
    },
  ]
  for (const { fact, a: sayingA, b: sayingB, atA, atB } of saying) {
    it(fact, async () => {
      const a = await harness.join({}, 0, sayingA)
      const b = await harness.join({ peers: [addressOf(a)] }, 0, sayingB)
      await until('both refuse', () => a.refusals.length > 0 && b.refusals.length > 0)
      assert.deepEqual([a.refusals[0], b.refusals[0]], [atA, atB])
      assert.equal(a.told.connections.length + b.told.connections.length, 0)
    })
  }

  it('a peer that speaks another protocol is refused by whoever dials it', async () => {
    const a = await harness.join()
    const b = await harness.join({ protocolId: '/somebody/else', peers: [addressOf(a)] })
    await until('it is refused', () => b.refusals.length > 0)
    assert.equal(b.refusals[0], 'it does not speak /somebody/else/2.0.0')
    assert.equal(a.told.connections.length + b.told.connections.length, 0)
  })

  it('a peer of no network yet is let in by one of a network', async () => {
    const a = await harness.join({}, 0, network('1'))
    const b = await harness.join({ peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b))
  })
})

function network(digit: string): { networkId: NetworkId } {
  return { networkId: digit.repeat(32) as NetworkId }
}

async function twoPeers(): Promise<[lower: NetworkPeer, higher: NetworkPeer]> {
  const [a, b] = [await harness.join(), await harness.join()]
  return a.self.peerId < b.self.peerId ? [a, b] : [b, a]
}

/** Two peers that dialled each other at the same time. */
async function pairWithTwoConnections(): Promise<[lower: NetworkPeer, higher: NetworkPeer]> {
  for (let trial = 0; trial < 20; trial += 1) {
    const [lower, higher] = await twoPeers()
    // The higher id waits a little before it dials; so it has to hear a little sooner.
    higher.transport.meet(lower.self.peerId, lower.transport.addresses())
    await new Promise((resolve) => setTimeout(resolve, 240 + trial))
    lower.transport.meet(higher.self.peerId, higher.transport.addresses())
    await until('they are connected', () => areConnected(lower, higher))
    if (lower.transport.connectionCount() > 1 && higher.transport.connectionCount() > 1) return [lower, higher]
    await Promise.all([lower.stop(), higher.stop()])
  }
  throw new Error('no trial made two connections, so nothing can be tested')
}

describe('keeping connections', () => {
  it('peers that dial each other at once hear of each other once, and messages flow both ways', async () => {
    let pairsOfConnections = 0
    for (let trial = 0; trial < 20 && pairsOfConnections < 2; trial += 1) {
      const [lower, higher] = await twoPeers()
      // The higher id waits a little before it dials; so it has to hear a little sooner.
      higher.transport.meet(lower.self.peerId, lower.transport.addresses())
      await new Promise((resolve) => setTimeout(resolve, 240 + trial))
      lower.transport.meet(higher.self.peerId, higher.transport.addresses())
      let sent = 0
      await until('200 messages arrive each way', () => {
        if (areConnected(lower, higher) && sent < 200) {
          lower.transport.send(higher.self.peerId, numbered(sent))
          higher.transport.send(lower.self.peerId, numbered(sent))
          sent += 1
        }
        return lower.told.messages.length === 200 && higher.told.messages.length === 200
      })
      if (lower.transport.connectionCount() > 1) pairsOfConnections += 1
      assert.deepEqual([lower.told.connections.length, higher.told.connections.length], [1, 1])
      assert.deepEqual([lower.told.disconnections.length, higher.told.disconnections.length], [0, 0])
      await Promise.all([lower.stop(), higher.stop()])
    }
    assert.ok(pairsOfConnections > 0, 'no trial made two connections, so nothing was tested')
  })

  it('of two connections between two peers one is closed after some seconds, and nobody notices', async () => {
    const [lower, higher] = await pairWithTwoConnections()
    lower.transport.send(higher.self.peerId, recordsOf(1, 10, 10))
    const count = (): number => lower.transport.connectionCount() + higher.transport.connectionCount()
    await until('one connection is left', () => count() === 2, 20_000)
    lower.transport.send(higher.self.peerId, numbered(1))
    higher.transport.send(lower.self.peerId, recordsOf(2, 10, 10))
    await until('messages pass', () => numbersOf(higher.told).includes(1) && lower.told.messages.length === 1)
    assert.equal(count(), 2)
    for (const { told } of [lower, higher]) assert.deepEqual([told.connections.length, told.disconnections.length], [1, 0])
  })

  it('a peer that comes back at its address is found again, by whoever knew it', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const a = await harness.join()
    const b = await harness.join({ privateKey, peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b))
    const port = portOf(b)
    await b.stop()
    await until('the end is noticed', () => !a.told.isConnected(b.self.peerId))
    const again = await harness.join({ privateKey, listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    await until('they connect again', () => areConnected(a, again))
    assert.equal(a.told.connections.length, 2)
  })

  it('a peer that comes back with another store is told of as gone, then as come', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const a = await harness.join()
    const b = await harness.join({ privateKey, peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b))
    // The same key twice, as when a machine comes back before its old connections are noticed to be
    // dead.
    const twin = await harness.join({ privateKey, peers: [addressOf(a)] }, 1)
    await until('the other store is known', () => a.told.connections.at(-1)?.identity.id === identityOf(b.self.peerId, 1).id)
    await until('the other store is connected', () => twin.told.isConnected(a.self.peerId))
    assert.ok(a.told.disconnections.length > 0)
  })

  it('a named address without a peer id is dialled, until somebody listens there', async () => {
    const a = await harness.join()
    const port = portOf(a)
    await a.stop()
    const b = await harness.join({ peers: [`/ip4/127.0.0.1/tcp/${port}`] })
    const again = await harness.join({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    await until('they connect', () => areConnected(b, again))
    assert.ok(b.transport.knownPeers().some((known) => known.peerId === again.self.peerId))
  })

  it('a peer with its own address among the named ones ignores it', async () => {
    const privateKey = await generateKeyPair('Ed25519')
    const a = await harness.join({ privateKey })
    const [address, port] = [addressOf(a), portOf(a)]
    await a.stop()
    const bare = `/ip4/127.0.0.1/tcp/${port}`
    const again = await harness.join({ privateKey, listen: [bare], peers: [address, bare] })
    const b = await harness.join({ peers: [address] })
    await until('they connect', () => areConnected(again, b))
    assert.deepEqual(again.refusals, [])
    assert.equal(again.told.connections.length, 1)
  })

  it('peers remembered from an earlier run are dialled', async () => {
    const a = await harness.join()
    const b = await harness.join({ peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b))
    const known = b.transport.knownPeers()
    assert.deepEqual(
      known.map(({ peerId }) => peerId),
      [a.self.peerId],
    )
    const c = await harness.join({ known })
    await until('they connect', () => areConnected(a, c))
  })

  it('stopping takes less than two seconds and lets the last messages leave', async () => {
    const a = await harness.join()
    const b = await harness.join()
    await connect(a, b)
    a.transport.send(b.self.peerId, numbered(9))
    const startMs = performance.now()
    await a.stop()
    assert.ok(performance.now() - startMs < 2_000)
    await until('the end is noticed', () => !b.told.isConnected(a.self.peerId))
    assert.deepEqual(numbersOf(b.told), [9])
  })

  it('large values both ways at once arrive whole', async () => {
    const a = await harness.join()
    const b = await harness.join()
    await connect(a, b)
    for (let fill = 0; fill < 2; fill += 1) {
      a.transport.send(b.self.peerId, large(16_777_216, fill))
      b.transport.send(a.self.peerId, large(16_777_216, fill))
    }
    await until('all arrive', () => a.told.messages.length === 2 && b.told.messages.length === 2)
    assert.deepEqual(a.told.messages[1]?.message, large(16_777_216, 1))
  })
})

describe('discovery', () => {
  it('peers that know only the bootstrap peer find one another', async () => {
    const boot = await harness.join()
    const others = await Promise.all([1, 2, 3].map(() => harness.join({ peers: [addressOf(boot)] })))
    const all = [boot, ...others]
    await until('everybody is connected to everybody', () => all.every((a) => all.every((b) => a === b || areConnected(a, b))), 15_000)
    for (const peer of all) assert.equal(peer.told.disconnections.length, 0)
  })
})

describe('discovery after the bootstrap peer died for good', () => {
  it('a peer that joins through any other member finds all, by the DHT alone', async () => {
    const boot = await harness.join()
    const members = await Promise.all([1, 2, 3].map(() => harness.join({ peers: [addressOf(boot)] })))
    await untilMeshed([boot, ...members])
    await boot.stop()
    const [, , last] = members
    assert.ok(last !== undefined)
    const newcomer = await harness.join({ peers: [addressOf(last)] })
    await untilMeshed([...members, newcomer])
  })
})

/** Everybody is connected to everybody. */
async function untilMeshed(peers: readonly NetworkPeer[]): Promise<void> {
  await until('all are connected to all', () => peers.every((a) => peers.every((b) => a === b || areConnected(a, b))), 30_000)
}

function hasIPv6(): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
}

describe('listening', () => {
  it('an address that was named and is taken is an error of one line', async () => {
    const a = await harness.join()
    await assert.rejects(harness.join({ listen: [`/ip4/127.0.0.1/tcp/${portOf(a)}`] }), (error: Error) => {
      assert.equal(error.name, ListenError.name)
      assert.match(error.message, /^cannot listen on \/ip4\/127\.0\.0\.1\/tcp\/\d+: the port is in use$/)
      return true
    })
  })

  it('an address of IPv6 that was named and is taken is one too, though that of IPv4 beside it is free', async (context) => {
    if (!hasIPv6()) return context.skip('this machine has no IPv6')
    const a = await harness.join({ listen: ['/ip6/::1/tcp/0'] })
    const taken = `/ip6/::1/tcp/${portOf(a)}`
    await assert.rejects(harness.join({ listen: ['/ip4/127.0.0.1/tcp/0', taken] }), (error: Error) => {
      assert.equal(error.name, ListenError.name)
      assert.equal(error.message, `cannot listen on ${taken}: the port is in use`)
      return true
    })
  })

  it('an address of IPv6 that was named and is of another machine is one as well', async (context) => {
    if (!hasIPv6()) return context.skip('this machine has no IPv6')
    await assert.rejects(harness.join({ listen: ['/ip4/127.0.0.1/tcp/0', '/ip6/2001:db8::1/tcp/4001'] }), {
      message: 'cannot listen on /ip6/2001:db8::1/tcp/4001: this machine has no such address',
    })
  })

  it('the port used before is used again, and when it is taken another is, with a warning', async () => {
    const a = await harness.join({ listen: [] })
    const port = Number(portOf(a))
    const b = await harness.join({ listen: [], listenPorts: { [EVERYWHERE]: port } })
    assert.notEqual(Number(portOf(b)), port)
    assert.match(b.warnings.join(), new RegExp(`port ${port}, used before, is taken`))
    await a.stop()
    const again = await harness.join({ listen: [], listenPorts: { [EVERYWHERE]: port } })
    assert.equal(Number(portOf(again)), port)
    assert.deepEqual(again.warnings, [])
  })

  it('a port left free by a line is used again for that line, and when it is taken another is, with a warning', async () => {
    const line = '/ip4/127.0.0.1/tcp/0'
    const a = await harness.join({ listen: [line] })
    const ports = a.transport.listenPorts()
    const port = portOf(a)
    assert.deepEqual(ports, { [line]: Number(port) })
    const b = await harness.join({ listen: [line], listenPorts: ports })
    assert.match(b.warnings.join(), /used before, is taken/)
    await a.stop()
    const again = await harness.join({ listen: [line], listenPorts: ports })
    assert.equal(portOf(again), port)
    assert.deepEqual(again.warnings, [])
  })

  it('a peer that was told of no address listens on both families, at one port', async (context) => {
    if (!hasIPv6()) return context.skip('this machine has no IPv6')
    const a = await harness.join({ listen: [] })
    const port = portOf(a)
    const told = a.transport.addresses().join()
    for (const host of ['/ip4/127.0.0.1', '/ip6/::1']) assert.ok(told.includes(`${host}/tcp/${port}/`), told)
    const through = a.transport.addresses().filter((address) => address.startsWith('/ip6/::1/'))
    const b = await harness.join({ peers: through })
    await until('it is reached by IPv6', () => b.told.isConnected(a.self.peerId))
  })

  it('on all interfaces the loopback address comes first', async () => {
    const a = await harness.join({ listen: [] })
    assert.match(addressOf(a), /^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/12D3KooW/)
  })

  it('announced addresses replace those listened on', async () => {
    const a = await harness.join({ announce: ['/dns4/peer.example/tcp/4001'] })
    assert.deepEqual(a.transport.addresses(), [`/dns4/peer.example/tcp/4001/p2p/${a.self.peerId}`])
  })
})

describe('secrets that change', () => {
  it('a peer proved by a secret that is gone is closed, and comes back by another', async () => {
    const a = await harness.join({ secrets: [SECRET, OTHER_SECRET] })
    const b = await harness.join({ secrets: [SECRET, OTHER_SECRET], peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b))
    assert.deepEqual([...a.transport.provedBy()], [[b.self.peerId, fingerprintOf(SECRET)]])
    a.transport.useSecrets([OTHER_SECRET, SECRET])
    b.transport.useSecrets([OTHER_SECRET, SECRET])
    assert.ok(areConnected(a, b), 'a secret that is still accepted closes nothing')
    a.transport.useSecrets([OTHER_SECRET])
    await until('it is closed', () => a.told.connections.length + b.told.connections.length > 2 && areConnected(a, b))
    assert.deepEqual([...a.transport.provedBy()], [[b.self.peerId, fingerprintOf(OTHER_SECRET)]])
    assert.deepEqual([a.refusals, b.refusals], [[], []])
  })

  it('while no secret is among them anybody is let in, and after it nobody without one', async () => {
    const a = await harness.join({ secrets: [SECRET, undefined] })
    const b = await harness.join({ peers: [addressOf(a)] })
    await until('a peer without a secret refuses one that proves another', () => b.refusals.length > 0)
    a.transport.useSecrets([undefined, SECRET])
    assert.equal(a.transport.isClosed, false)
    const c = await harness.join({ peers: [addressOf(a)] })
    await until('a peer without a secret is let in', () => areConnected(a, c))
    a.transport.useSecrets([SECRET])
    assert.equal(a.transport.isClosed, true)
    await until('it is let in no more', () => !a.told.isConnected(c.self.peerId) && c.refusals.length > 0)
    assert.equal(c.refusals[0], 'it has a secret and this peer has none')
  })
})

describe('peers admitted by name', () => {
  it('one that is not among them is refused, and told why', async () => {
    const a = await harness.join({ admitted: new Set() })
    const b = await harness.join({ peers: [addressOf(a)] })
    await until('it is refused', () => a.refusals.length > 0 && b.refusals.length > 0)
    assert.deepEqual([a.refusals[0], b.refusals[0]], ['not among those of -admit', 'it does not admit this peer (-admit)'])
    a.transport.useAdmitted(new Set([b.self.peerId]))
    const c = await harness.join({ peers: [addressOf(a)] })
    await until('another is refused', () => a.refusals.length > 1)
    assert.equal(a.told.isConnected(c.self.peerId), false)
  })

  it('one that is not among them any more is disconnected, and dialled no more', async () => {
    const a = await harness.join()
    const b = await harness.join({ peers: [addressOf(a)] })
    const c = await harness.join({ peers: [addressOf(a)] })
    await until('they connect', () => areConnected(a, b) && areConnected(a, c))
    a.transport.useAdmitted(new Set([b.self.peerId]))
    await until('it is gone', () => !a.told.isConnected(c.self.peerId))
    await until('it is refused when it comes back', () => c.refusals.length > 0)
    assert.ok(areConnected(a, b))
  })
})
