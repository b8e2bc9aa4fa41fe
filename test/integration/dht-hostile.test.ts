/** What strangers say to the DHT costs a peer no more than a moment and a few kilobytes. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { DHT_PROTOCOL } from '../../src/discovery/dht-service.ts'
import { HEARSAY_DIALS_PER_MINUTE } from '../../src/network/hearsay.ts'
import { Discovery } from '../../src/discovery/discovery.ts'
import type { Secrets } from '../../src/ports/secrets.ts'
import { RECORDS_PER_PEER_MAX } from '../../src/discovery/provider-records.ts'
import type { DhtCounters } from '../../src/discovery/refusals.ts'
import { rendezvousCid } from '../../src/discovery/rendezvous.ts'
import { ADDRESSES_MAX } from '../../protocols/base/limits.ts'
import { pino } from 'pino'
import { NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { connect, until } from '../contract/transport.ts'
import { ADD_PROVIDER, GET_PROVIDERS, PUT_VALUE, ask, dhtMessage, tell } from './dht-message.ts'
import type { DhtMessage } from './dht-message.ts'
import { Stranger } from './stranger.ts'

/** Its cluster and its rendezvous, of the peer itself. */
const OWN_RECORDS = 2
const SECRET = new Uint8Array(32).fill(9)
const CID_KEY = rendezvousCid('/p2p/rpc/replicator', 'somewhere').multihash.bytes

let harness: NetworkHarness
let strangers: Stranger[]
let counters: DhtCounters
beforeEach(() => {
  harness = new NetworkHarness()
  strangers = []
})
afterEach(async () => {
  for (const { libp2p } of strangers) await libp2p.stop()
  await harness.close()
})

async function joined(overrides: { readonly secrets?: Secrets; readonly peers?: readonly string[] } = {}): Promise<NetworkPeer> {
  const logger = pino({ level: 'silent' })
  const discovery = new Discovery({ rendezvous: 'replicator', clusterId: 'cluster-1', protocolId: '/p2p/rpc/replicator', logger })
  counters = discovery.counters
  return harness.join({ discovery, ...overrides })
}

async function strangerAt(peer: NetworkPeer): Promise<Stranger> {
  const stranger = await Stranger.at(peer, ['/ip4/127.0.0.1/tcp/0'])
  strangers.push(stranger)
  return stranger
}

/** Made up, each another. */
function addresses(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => multiaddr(`/ip4/10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/9`).bytes)
}

function provides(stranger: Stranger, key: Uint8Array, told: readonly Uint8Array[]): Uint8Array {
  return dhtMessage({ type: ADD_PROVIDER, key, providers: [{ id: stranger.libp2p.peerId.toMultihash().bytes, addresses: told }] })
}

describe('a stranger that speaks to the DHT', () => {
  it('says nothing that stops the loop with four messages of 50 kB full of addresses', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    const bytes = provides(stranger, CID_KEY, addresses(5_000))
    assert.ok(bytes.length > 50_000)
    const beganMs = performance.now()
    for (let count = 0; count < 4; count += 1) await tell(stranger, bytes)
    await until('all are refused', () => counters.refused['too large'] === 4)
    assert.ok(performance.now() - beganMs < 5_000)
    const other = await harness.join()
    await connect(other, peer)
  })

  it('is known by no more than sixteen addresses, however many messages they come in', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    const told = addresses(3_000)
    for (let from = 0; from < told.length; from += 1_000) await tell(stranger, provides(stranger, CID_KEY, told.slice(from, from + 1_000)))
    await until('the record is held', () => counters.providersHeld === 1)
    const answer = await ask(stranger, { type: GET_PROVIDERS, key: CID_KEY })
    assert.equal(told.filter((address) => answer?.includes(Buffer.from(address))).length, ADDRESSES_MAX)
  })

  it('leaves a few of its records behind, whatever it says it has', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    for (let count = 0; count < 200; count += 1) {
      const key = rendezvousCid('/p2p/rpc/replicator', `name ${count}`).multihash.bytes
      const stream = await tell(stranger, provides(stranger, key, addresses(1)))
      await stream.close()
    }
    await until('the last is taken', () => counters.refused.records === 200 - RECORDS_PER_PEER_MAX)
    // Its own records are there once it has found somebody to tell.
    assert.ok(counters.providersHeld >= RECORDS_PER_PEER_MAX && counters.providersHeld <= RECORDS_PER_PEER_MAX + OWN_RECORDS)
  })

  it('has no value kept', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    const { publicKey } = stranger.libp2p.peerId
    assert.ok(publicKey !== undefined)
    const key = Buffer.concat([Buffer.from('/pk/'), stranger.libp2p.peerId.toMultihash().bytes])
    const stream = await tell(stranger, dhtMessage({ type: PUT_VALUE, key, record: recordOf(key, randomBytes(64)) }))
    await until('it is cut', () => stream.status !== 'open')
    assert.equal(counters.providersHeld, 0)
  })

  it('is cut in the middle of a message that would be too large, instead of being kept waiting for the rest', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    const half = Buffer.concat([Uint8Array.from([0xff, 0xff, 0x7f]), Buffer.alloc(64_000)])
    const streams = await Promise.all(Array.from({ length: 8 }, async () => tell(stranger, half)))
    await until('all are cut', () => streams.every(({ status }) => status !== 'open'), 5_000)
    assert.equal(counters.refused['too large'], 8)
  })
})

describe('a stranger that speaks where nobody listens', () => {
  it('is cut, instead of being kept in memory', async () => {
    const peer = await joined()
    const { connection } = await strangerAt(peer)
    const stream = await connection.newStream('/ipfs/id/1.0.0')
    stream.addEventListener('message', () => {})
    stream.send(Buffer.alloc(200_000))
    await until('it is cut', () => stream.status === 'reset', 5_000)
  })
})

describe('a stranger that answers with lies', () => {
  /** Takes connections, counts them and never says a word. */
  let victim: Server
  let dialCount: number
  let address: string
  beforeEach(async () => {
    dialCount = 0
    victim = createServer((socket) => {
      dialCount += 1
      socket.on('error', () => {}).destroy()
    })
    await once(victim.listen(0, '127.0.0.1'), 'listening')
    address = `/ip4/127.0.0.1/tcp/${(victim.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    victim.close()
    await once(victim, 'close')
  })

  /** Answers whoever asks for providers with these. */
  async function lies(stranger: Stranger, providers: DhtMessage['providers']): Promise<() => number> {
    let askedCount = 0
    await stranger.libp2p.unhandle(DHT_PROTOCOL)
    await stranger.libp2p.handle(DHT_PROTOCOL, (stream) => {
      const answer = (): void => {
        askedCount += 1
        stream.send(dhtMessage({ type: GET_PROVIDERS, key: CID_KEY, ...(providers && { providers }) }))
      }
      stream.addEventListener('message', answer, { once: true })
    })
    return () => askedCount
  }

  it('leads to thirty dials a minute, whoever it invents', async () => {
    const peer = await joined()
    const stranger = await strangerAt(peer)
    const keys = await Promise.all(Array.from({ length: 1_000 }, async () => generateKeyPair('Ed25519')))
    const bytes = multiaddr(address).bytes
    const invented = keys.map((key) => ({ id: peerIdFromPrivateKey(key).toMultihash().bytes, addresses: [bytes] }))
    const asked = await lies(stranger, invented)
    await until('it is asked', () => asked() > 0, 30_000)
    await until('all that is allowed is dialled', () => dialCount >= HEARSAY_DIALS_PER_MINUTE, 20_000)
    await assert.rejects(until('more is dialled', () => dialCount > HEARSAY_DIALS_PER_MINUTE, 3_000))
    assert.equal(peer.transport.counters.hearsayDials, HEARSAY_DIALS_PER_MINUTE)
  })

  it('changes nothing of what is written down of a member', async () => {
    const [peer, member] = [await joined(), await harness.join()]
    await connect(member, peer)
    const before = peer.transport.knownPeers()
    assert.equal(before.length, 1)
    const stranger = await strangerAt(peer)
    const id = peerIdFromString(member.self.peerId).toMultihash().bytes
    const asked = await lies(stranger, [{ id, addresses: addresses(16) }])
    await member.stop()
    await until('the member is gone', () => !peer.told.isConnected(member.self.peerId))
    await until('the lie is tried', () => asked() > 0 && peer.transport.counters.hearsayDials > 0, 30_000)
    assert.deepEqual(peer.transport.knownPeers(), before)
  })
})

describe('in a network with a secret', () => {
  it('the DHT answers nobody who has not shown it', async () => {
    const peer = await joined({ secrets: [SECRET] })
    const stranger = await strangerAt(peer)
    assert.equal(await ask(stranger, { type: GET_PROVIDERS, key: CID_KEY }), undefined)
    assert.ok(counters.refused.unproved > 0)
  })

  it('members find one another through the DHT alone', async () => {
    const first = await joined({ secrets: [SECRET] })
    const peers = [first.transport.addresses()[0] as string]
    const [second, third] = [await joined({ secrets: [SECRET], peers }), await joined({ secrets: [SECRET], peers })]
    await until('they meet', () => second.told.isConnected(third.self.peerId), 20_000)
  })
})

/** A record of the DHT: its key and its value. */
function recordOf(key: Uint8Array, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([0x0a, key.length]), key, Uint8Array.from([0x12, value.length]), value])
}
