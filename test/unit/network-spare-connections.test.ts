import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/base/identity.ts'
import { SPARE_AFTER_MS, SpareConnections } from '../../src/network/spare-connections.ts'

const SELF = 'peer-m' as PeerId
const HIGHER = 'peer-z' as PeerId
const LOWER = 'peer-a' as PeerId

/** As much of a connection as is looked at. */
class FakeConnection {
  readonly remotePeer: PeerId
  readonly streams: string[] = []
  status = 'open'

  constructor(peerId: PeerId) {
    this.remotePeer = peerId
  }

  async close(): Promise<void> {
    this.status = 'closed'
  }
}

class Fixture {
  readonly connections: FakeConnection[] = []
  readonly used = new Map<PeerId, { connection: FakeConnection; provenAtMs: number }>()
  readonly left: FakeConnection[] = []
  readonly spare: SpareConnections = new SpareConnections({
    self: SELF,
    connections: () => this.connections as unknown as Connection[],
    inUse: (peerId) => this.used.get(peerId) as unknown as { connection: Connection; provenAtMs: number } | undefined,
    leave: (connection) => void this.left.push(connection as unknown as FakeConnection),
  })

  /** Two connections to a peer, the first of them in use. */
  pair(peerId: PeerId): [FakeConnection, FakeConnection] {
    const [used, other] = [new FakeConnection(peerId), new FakeConnection(peerId)]
    this.connections.push(used, other)
    this.used.set(peerId, { connection: used, provenAtMs: 0 })
    return [used, other]
  }

  /** Looks once a second for ten seconds. */
  watch(): void {
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 1_000) this.spare.look(nowMs)
  }
}

describe('spare connections', () => {
  it('the one not in use is closed, after some seconds and not before', () => {
    const fixture = new Fixture()
    const [used, other] = fixture.pair(HIGHER)
    fixture.spare.look(0)
    fixture.spare.look(SPARE_AFTER_MS - 1)
    assert.equal(other.status, 'open')
    fixture.spare.look(SPARE_AFTER_MS)
    assert.deepEqual([used.status, other.status], ['open', 'closed'])
  })

  it('the end with the higher peer id closes none', () => {
    const fixture = new Fixture()
    const [used, other] = fixture.pair(LOWER)
    fixture.watch()
    assert.deepEqual([used.status, other.status], ['open', 'open'])
  })

  it('one that carries a stream is left alone until it carries none, but our own streams are moved away', () => {
    const fixture = new Fixture()
    const [, other] = fixture.pair(HIGHER)
    other.streams.push('of the DHT')
    fixture.watch()
    assert.equal(other.status, 'open')
    assert.ok(fixture.left.includes(other))
    other.streams.pop()
    fixture.spare.look(11_000)
    assert.equal(other.status, 'closed')
  })

  it('the time begins anew when another stream is used instead', () => {
    const fixture = new Fixture()
    const [first, second] = fixture.pair(HIGHER)
    fixture.spare.look(0)
    fixture.used.set(HIGHER, { connection: second, provenAtMs: 2_900 })
    fixture.spare.look(3_000)
    fixture.spare.look(5_000)
    assert.deepEqual([first.status, second.status], ['open', 'open'])
    fixture.spare.look(6_000)
    assert.deepEqual([first.status, second.status], ['closed', 'open'])
  })

  it('those of a peer that is no member are not ours to close', () => {
    const fixture = new Fixture()
    fixture.connections.push(new FakeConnection(HIGHER), new FakeConnection(HIGHER))
    fixture.watch()
    assert.ok(fixture.connections.every(({ status }) => status === 'open'))
  })
})
