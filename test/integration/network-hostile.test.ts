/**
 * What a peer does when another speaks nonsense, stops reading, or falls silent: the connection
 * goes, the peer stays.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { dataKey } from '../../protocols/base/register.ts'
import { FRAME_BYTES_MAX } from '../../protocols/wire/frames.ts'
import { ADDRESSES_MAX, ROSTER_ENTRIES_MAX } from '../../protocols/base/limits.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import type { Libp2pPeer } from '../../src/network/libp2p-peer.ts'
import { WAITING_BYTES_MAX } from '../../src/network/peer-stream.ts'
import { NetworkHarness } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { connect, identityOf, large, numbered, numbersOf, until } from '../contract/transport.ts'
import { NONCE, Stranger, header } from './stranger.ts'

const MIB = 1_048_576
/** The proof of a peer without a secret. */
const NOTHING = new Uint8Array(0)
const SOMEBODY_ELSE = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'

let harness: NetworkHarness
let strangers: Libp2pPeer[]
beforeEach(() => {
  harness = new NetworkHarness()
  strangers = []
})
afterEach(async () => {
  for (const stranger of strangers) await stranger.stop()
  await harness.close()
})

async function strangerAt(peer: NetworkPeer): Promise<Stranger> {
  const stranger = await Stranger.at(peer)
  strangers.push(stranger.libp2p)
  return stranger
}

/** Two more peers connect and talk: the one under attack still works. */
async function assertAlive(peer: NetworkPeer): Promise<void> {
  await assertAliveWith(peer, undefined)
}

async function assertAliveWith(peer: NetworkPeer, secret: Uint8Array | undefined): Promise<void> {
  const other = await harness.join({ secrets: [secret] })
  await connect(other, peer)
  other.transport.send(peer.self.peerId, numbered(123))
  await until('the message arrives', () => numbersOf(peer.told).includes(123))
}

describe('nonsense before the greeting', () => {
  const cases: { readonly fact: string; readonly say: (stranger: Stranger) => readonly Uint8Array[] }[] = [
    { fact: 'a greeting that is too large', say: () => [header(20_000, 0)] },
    { fact: 'a length of four gigabytes', say: () => [header(0xffff_ffff, 2)] },
    { fact: 'an empty frame', say: () => [new Uint8Array(4)] },
    { fact: 'a frame of an unknown type', say: () => [header(2, 99), new Uint8Array(1)] },
    { fact: 'a greeting of random bytes', say: () => [header(301, 0), randomBytes(300)] },
    { fact: 'a message before the nonce', say: ({ frames }) => frames.messages(1, [numbered(1)]) },
    { fact: 'a proof before the nonce', say: ({ frames }) => [frames.proof(new Uint8Array(32))] },
    { fact: 'a greeting before the nonce', say: (stranger) => [stranger.frames.greeting(stranger.greeting())] },
    { fact: 'two nonces', say: ({ frames }) => [frames.nonce(NONCE), frames.nonce(NONCE)] },
    { fact: 'two proofs', say: ({ frames }) => [frames.nonce(NONCE), frames.proof(NOTHING), frames.proof(NOTHING)] },
    {
      fact: 'a greeting after the nonce and without a proof',
      say: (stranger) => [stranger.frames.nonce(NONCE), stranger.frames.greeting(stranger.greeting())],
    },
    {
      fact: 'messages after the proof and without a greeting',
      say: ({ frames }) => [frames.nonce(NONCE), frames.proof(NOTHING), ...frames.messages(1, [numbered(1)])],
    },
    {
      fact: 'a greeting in the name of another peer',
      say: (stranger) => [
        stranger.frames.nonce(NONCE),
        stranger.frames.proof(NOTHING),
        stranger.frames.greeting({ ...stranger.greeting(), identity: identityOf(SOMEBODY_ELSE) }),
      ],
    },
  ]
  for (const { fact, say } of cases) {
    it(`${fact}: the connection is cut, warned of and counted`, async () => {
      const peer = await harness.join()
      const stranger = await strangerAt(peer)
      for (const bytes of say(stranger)) stranger.stream.send(bytes)
      await until('the connection is cut', () => stranger.isCut)
      assert.equal(peer.transport.counters.breaches, 1)
      assert.match(peer.warnings.join(), /broke the protocol/)
      assert.doesNotMatch(peer.warnings.join(), /no greeting in time/)
      assert.equal(peer.told.connections.length, 0)
      await assertAlive(peer)
    })
  }

  it('random bytes, many times over, end nothing but their connection', async () => {
    const peer = await harness.join()
    for (let trial = 0; trial < 20; trial += 1) {
      const stranger = await strangerAt(peer)
      stranger.stream.send(randomBytes(1 + trial * 50))
      if (trial % 3 === 0) await stranger.stream.close()
      await stranger.libp2p.stop()
    }
    assert.equal(peer.told.connections.length, 0)
    await assertAlive(peer)
  })
})

describe('a stranger at a network with a secret', () => {
  const SECRET = new Uint8Array(32).fill(1)
  const proofs: { readonly fact: string; readonly secret: Uint8Array | undefined }[] = [
    { fact: 'without a secret', secret: undefined },
    { fact: 'with another secret', secret: new Uint8Array(32).fill(2) },
  ]
  for (const { fact, secret } of proofs) {
    it(`${fact} is sent a nonce and a parting, and learns neither network, nor cluster, nor addresses`, async () => {
      const peer = await harness.join({ secrets: [SECRET] })
      const stranger = await strangerAt(peer)
      await stranger.prove(secret)
      await until('it is cut', () => stranger.isCut)
      assert.deepEqual(
        stranger.received.map(({ kind }) => kind),
        ['nonce', 'parting'],
      )
      assert.equal(peer.refusals.length, 1)
    })
  }

  it('that says nothing is sent a nonce and no more', async () => {
    const peer = await harness.join({ secrets: [SECRET] })
    const stranger = await strangerAt(peer)
    await until('it is sent a nonce', () => stranger.received.length > 0)
    stranger.stream.send(stranger.frames.nonce(NONCE))
    await assertAliveWith(peer, SECRET)
    assert.deepEqual(
      stranger.received.map(({ kind }) => kind),
      ['nonce'],
    )
  })

  it('that sends the proof of a peer back to it is refused', async () => {
    const peer = await harness.join({ secrets: [SECRET] })
    const stranger = await strangerAt(peer)
    await stranger.prove(SECRET)
    await until('it is proved to', () => stranger.received.some(({ kind }) => kind === 'proof'))
    const proof = stranger.received.flatMap((frame) => (frame.kind === 'proof' ? [frame.proof] : []))[0]
    const other = await strangerAt(peer)
    other.stream.send(other.frames.nonce(NONCE))
    other.stream.send(other.frames.proof(proof ?? NOTHING))
    await until('it is cut', () => other.isCut)
    assert.ok(!other.received.some(({ kind }) => kind === 'greeting' || kind === 'proof'))
  })
})

describe('nonsense from a member', () => {
  it('a malformed frame ends the connection, and the peer is told of as gone', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.send(header(1_000, 2))
    stranger.stream.send(randomBytes(999))
    await until('it is gone', () => !peer.told.isConnected(stranger.peerId) && stranger.isCut)
    assert.equal(peer.transport.counters.breaches, 1)
    await assertAlive(peer)
  })

  it('a record whose content type no HTTP header can hold is delivered to nobody, and ends the connection', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    const record = { writeId: 'w', value: new Uint8Array(1), contentType: 'text/plain', writtenAtMs: 0 }
    const learn: Message = { kind: 'learn', key: dataKey('k'), ballot: undefined, record, spread: false }
    const bytes = Buffer.from(stranger.frames.messages(1, [learn])[0] ?? [])
    bytes.write('\n', bytes.indexOf('/plain'))
    stranger.stream.send(bytes)
    await until('it is cut', () => stranger.isCut && !peer.told.isConnected(stranger.peerId))
    assert.equal(peer.told.messages.length, 0)
    assert.equal(peer.transport.counters.breaches, 1)
  })

  it('sixteen megabytes of rosters in one frame are let go before they take a hundred times that', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    const entry = { peerId: 'p' as PeerId, clusterId: 'c' as ClusterId, addresses: Array.from({ length: ADDRESSES_MAX }, () => '') }
    const roster: Message = { kind: 'roster', entries: Array.from({ length: ROSTER_ENTRIES_MAX }, () => entry) }
    const one = Buffer.from(stranger.frames.messages(1, [roster])[0] ?? []).subarray(6)
    const body = Buffer.alloc(1 + one.length * Math.floor(FRAME_BYTES_MAX / one.length - 1), one)
    stranger.stream.send(header(body.length + 1, 2))
    stranger.stream.send(Buffer.concat([Buffer.of(1), body.subarray(0, -1)]))
    await until('it is cut', () => stranger.isCut)
    assert.equal(peer.told.messages.length, 0)
    await assertAlive(peer)
  })

  it('a frame beyond the largest message is refused before its bytes are taken', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.send(header(64 * MIB, 2))
    await until('it is cut', () => stranger.isCut)
    await assertAlive(peer)
  })

  it('a frame that breaks off with its connection is let go', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.send(stranger.frames.messages(1, [large(MIB)])[0]?.subarray(0, 1_000) ?? new Uint8Array(0))
    await stranger.libp2p.stop()
    await until('it is gone', () => !peer.told.isConnected(stranger.peerId))
    assert.equal(peer.told.messages.length, 0)
    await assertAlive(peer)
  })
})

describe('a member that speaks the protocol', () => {
  it('gets all messages of one turn in one frame', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    for (let number = 0; number < 300; number += 1) peer.transport.send(stranger.peerId, numbered(number))
    await until('they arrive', () => stranger.received.some(({ kind }) => kind === 'messages'))
    const frames = stranger.received.flatMap((frame) => (frame.kind === 'messages' ? [frame.messages.length] : []))
    assert.deepEqual(frames, [300])
  })
})

describe('a member that does not read', () => {
  it('is sent no more of what can be spared long before what somebody waits for is dropped', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.pause()
    const { counters } = peer.transport
    const body = new Uint8Array(MIB)
    const spare = { kind: 'typed-spare', type: 1, body } as const
    for (let count = 0; count < 40; count += 1) peer.transport.send(stranger.peerId, spare)
    const dropped = counters.messagesDropped
    assert.ok(dropped > 20, `only ${dropped} were dropped`)
    peer.transport.send(stranger.peerId, { ...spare, kind: 'typed' })
    assert.equal(counters.messagesDropped, dropped)
    peer.transport.send(stranger.peerId, spare)
    assert.equal(counters.messagesDropped, dropped + 1)
    peer.transport.disconnect(stranger.peerId, 'silent for too long')
  })

  it('costs its sender no more memory than the bound, and no other peer anything', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.pause()
    const value = large(MIB)
    for (let count = 0; count < 200; count += 1) {
      peer.transport.send(stranger.peerId, value)
      if (count % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    assert.ok(peer.transport.waitingBytes() > WAITING_BYTES_MAX / 2, 'nothing was held back, so nothing was tested')
    assert.ok(peer.transport.waitingBytes() <= WAITING_BYTES_MAX + 2 * MIB)
    assert.ok(peer.transport.counters.messagesDropped > 100)
    await assertAlive(peer)
    peer.transport.disconnect(stranger.peerId, 'silent for too long')
    assert.equal(peer.transport.waitingBytes(), 0)
  })

  it('gets all that was waiting once it reads again', async () => {
    const peer = await harness.join()
    const stranger = await strangerAt(peer)
    await stranger.join()
    await until('it is connected', () => peer.told.isConnected(stranger.peerId))
    stranger.stream.pause()
    for (let fill = 0; fill < 20; fill += 1) peer.transport.send(stranger.peerId, large(MIB, fill))
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(peer.transport.waitingBytes() > 10 * MIB)
    stranger.stream.resume()
    let fills: (number | undefined)[] = []
    await until('all arrive', () => {
      fills = stranger.received.flatMap((frame) =>
        frame.kind === 'messages'
          ? frame.messages.map((message) => (message.kind === 'learn' ? message.record?.value[MIB - 1] : undefined))
          : [],
      )
      return fills.length === 20
    })
    assert.deepEqual(
      fills,
      Array.from({ length: 20 }, (_, fill) => fill),
    )
    assert.equal(peer.transport.waitingBytes(), 0)
  })
})
