import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '../../protocols/base/identity.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import type { PeerStream } from '../../src/network/peer-stream.ts'
import { PeerTable, SIMULTANEOUS_MS } from '../../src/network/peer-table.ts'
import { Told, identityOf } from '../contract/transport.ts'

const SELF = 'peer-m' as PeerId

interface FakeInit {
  readonly peerId?: string
  readonly openedBy?: PeerId
  readonly nonce?: string
  readonly provenAtMs?: number
  readonly incarnation?: number
}

/** As much of a stream as the table looks at; it writes down what became of it. */
class FakeStream {
  readonly peerId: PeerId
  readonly openedBy: PeerId
  readonly openerNonce: string
  readonly provenAtMs: number
  readonly remote: Greeting
  fate = 'used'

  constructor({ peerId = 'peer-z', openedBy = SELF, nonce = '00', provenAtMs = 0, incarnation = 0 }: FakeInit) {
    this.peerId = peerId as PeerId
    this.openedBy = openedBy
    this.openerNonce = nonce
    this.provenAtMs = provenAtMs
    this.remote = { ...new Told(identityOf(peerId, incarnation)).greeting() }
  }

  retire(): void {
    this.fate = 'retired'
  }

  abort(): void {
    this.fate = 'aborted'
  }
}

class Fixture {
  readonly told: string[] = []
  readonly table: PeerTable = new PeerTable({
    connected: ({ identity }) => this.told.push(`${identity.peerId} came`),
    disconnected: (peerId, reason) => this.told.push(`${peerId} went: ${reason}`),
  })

  prove(init: FakeInit = {}): FakeStream {
    const stream = new FakeStream(init)
    this.table.proven(stream as unknown as PeerStream, stream.remote)
    return stream
  }

  close(stream: FakeStream): void {
    this.table.closed(stream as unknown as PeerStream, 'lost')
  }
}

describe('the stream used for a peer', () => {
  for (const order of ['own first', 'other first'] as const) {
    it(`of two opened at once the lower peer id's stays, ${order}, and the peer came once`, () => {
      const fixture = new Fixture()
      const inits = [{ openedBy: SELF }, { openedBy: 'peer-z' as PeerId, provenAtMs: 40 }]
      if (order === 'other first') inits.reverse()
      const streams = inits.map((init) => fixture.prove(init))
      for (const { openedBy, fate } of streams) assert.equal(fate, openedBy === SELF ? 'used' : 'retired')
      assert.deepEqual(fixture.told, ['peer-z came'])
    })
  }

  it('of two opened by one end at once both ends keep the same one, in whatever order they see them', () => {
    for (const nonces of [
      ['aa', 'bb'],
      ['bb', 'aa'],
    ]) {
      const fixture = new Fixture()
      const streams = nonces.map((nonce) => fixture.prove({ nonce }))
      assert.equal(streams.find(({ fate }) => fate === 'used')?.openerNonce, 'aa')
    }
  })

  it('the end of a retired stream is not the end of the peer, the end of the used one is', () => {
    const fixture = new Fixture()
    const used = fixture.prove({ openedBy: SELF })
    const retired = fixture.prove({ openedBy: 'peer-z' as PeerId })
    assert.ok(fixture.table.isKnown(retired as unknown as PeerStream))
    fixture.close(retired)
    fixture.close(used)
    assert.deepEqual(fixture.told, ['peer-z came', 'peer-z went: lost'])
    assert.equal(fixture.table.has('peer-z' as PeerId), false)
  })

  it('a stream that comes much later shows that the other end has lost the older one', () => {
    const fixture = new Fixture()
    const older = fixture.prove({ openedBy: SELF })
    const newer = fixture.prove({ openedBy: 'peer-z' as PeerId, provenAtMs: SIMULTANEOUS_MS + 1 })
    assert.deepEqual([older.fate, newer.fate], ['aborted', 'used'])
    assert.deepEqual(fixture.told, ['peer-z came', 'peer-z went: it came back on a new connection', 'peer-z came'])
  })

  it('a peer with another store is another peer, however soon it comes', () => {
    const fixture = new Fixture()
    const older = fixture.prove({ openedBy: SELF })
    fixture.prove({ openedBy: 'peer-z' as PeerId, incarnation: 1 })
    assert.equal(older.fate, 'aborted')
    assert.equal(fixture.told.length, 3)
    assert.equal(fixture.table.isKnown(older as unknown as PeerStream), false)
  })

  it('dropped, a peer went once, with all its streams', () => {
    const fixture = new Fixture()
    const streams = [fixture.prove({ openedBy: SELF }), fixture.prove({ openedBy: 'peer-z' as PeerId })]
    fixture.table.drop('peer-z' as PeerId, 'silent')
    for (const stream of streams) fixture.close(stream)
    fixture.table.drop('peer-z' as PeerId, 'silent')
    assert.deepEqual(
      streams.map(({ fate }) => fate),
      ['aborted', 'aborted'],
    )
    assert.deepEqual(fixture.told, ['peer-z came', 'peer-z went: silent'])
  })
})
