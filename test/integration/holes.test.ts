/**
 * The eight holes of the prototype (the table in the protocol's first section), each kept closed by
 * the fact that closes it.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { dataKey } from '../../protocols/base/register.ts'
import type { AcceptorRequest } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { until } from '../contract/transport.ts'
import { CoreNetwork } from './core-network.ts'
import type { CorePeer } from './core-network.ts'

const TWO_CLUSTERS = { a: 3, b: 3 } as const
const SETTLED_MS = 5_000
/** Of requests that cannot succeed. */
const SHORT_MS = 300

let network: CoreNetwork
afterEach(() => network.close())

/** The question about one key that a message carries, if it carries one. */
function bodyOf(message: Message, key: string): AcceptorRequest | undefined {
  if (message.kind !== 'request' && message.kind !== 'relay') return undefined
  return message.body.key === dataKey(key) ? message.body : undefined
}

/** Loses every message of one kind about the key from its sender; tells how many were lost. */
function lose(from: CorePeer, key: string, kind: AcceptorRequest['kind'] | 'learn'): { count: number } {
  const lost = { count: 0 }
  network.delivers = (sender, _to, message) => {
    const isLearn = kind === 'learn' && message.kind === 'learn' && message.key === dataKey(key)
    if (sender !== from || (!isLearn && bodyOf(message, key)?.kind !== kind)) return true
    lost.count += 1
    return false
  }
  return lost
}

async function assertAllRead(key: string, expected: string): Promise<void> {
  for (const peer of network.peers) assert.equal(await peer.reads(key), expected, `${key} at ${peer.self.peerId}`)
}

describe('hole 1: a refusal in a remote cluster was dropped on the way back', () => {
  it('two clusters that put one key at the same moment store one value, and the other is told', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    for (let round = 0; round < 10; round += 1) {
      const key = `both/${round}`
      const [a, b] = await Promise.all([network.peer('a-1').put(key, 'of a'), network.peer('b-1').put(key, 'of b')])
      assert.deepEqual([a.kind, b.kind].toSorted(), ['conflict', 'created'])
      await assertAllRead(key, a.kind === 'created' ? 'found of a' : 'found of b')
    }
  })

  it('a value that only the remote cluster knows of refuses a put here', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    const lost = lose(network.peer('b-1'), 'theirs', 'learn')
    assert.equal((await network.peer('b-1').put('theirs', 'of b')).kind, 'created')
    assert.ok(lost.count > 0)
    assert.equal((await network.peer('a-1').put('theirs', 'of a')).kind, 'conflict')
    await assertAllRead('theirs', 'found of b')
  })

  it('two clusters that do not hear each other store nothing each for itself, and agree once they do', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    network.delivers = (from, to) => network.peer(to).clusterId === from.clusterId
    const outcomes = await Promise.all([
      network.peer('a-1').put('apart', 'of a', SHORT_MS),
      network.peer('b-1').put('apart', 'of b', SHORT_MS),
    ])
    for (const { kind } of outcomes) assert.ok(kind === 'not-stored' || kind === 'in-doubt', kind)
    network.delivers = () => true
    assert.equal((await network.peer('b-2').put('apart', 'of both')).kind, 'created')
    await assertAllRead('apart', 'found of both')
  })
})

describe("hole 2: a commit named only the key and committed whoever's reservation was there", () => {
  it('a commit that arrives after a rival has reserved is refused, and does not commit what the rival reserved', async () => {
    network = await CoreNetwork.of({ a: 3 })
    const [slow, rival] = [network.peer('a-1'), network.peer('a-2')]
    const held: (() => void)[] = []
    network.delivers = (sender, to, message) => {
      if (sender !== slow || bodyOf(message, 'contested')?.kind !== 'commit') return true
      const target = network.peer(to)
      held.push(() => target.runtime.dispatch({ kind: 'message', from: slow.self, round: 0, message }))
      return false
    }
    const first = slow.put('contested', 'of the slow', SHORT_MS)
    await until('its commits are on their way', () => held.length >= 2)
    // The slow one has its own commit on disk; the rival is free to finish it or to overtake it,
    // but must do so in one way.
    const second = await rival.put('contested', 'of the rival')
    for (const arrive of held) arrive()
    const ends = [(await first).kind, second.kind]
    const [value] = new Set(await Promise.all(network.peers.map((peer) => peer.reads('contested'))))
    await assertAllRead('contested', value ?? '')
    assert.equal(value, second.kind === 'created' ? 'found of the rival' : 'found of the slow', ends.join())
  })

  it('a commit of a lower ballot than the promised one is rejected, and leaves nothing on disk', async () => {
    network = await CoreNetwork.of({ a: 3 })
    const [acceptor, slow, rival] = [network.peer('a-1'), network.peer('a-2'), network.peer('a-3')]
    const key = dataKey('stale')
    const { epoch } = acceptor.runtime.core.chain
    const round = acceptor.runtime.core.round + 2
    const replies: string[] = []
    network.delivers = (sender, _to, message) => {
      if (sender !== acceptor || message.kind !== 'reply' || message.id !== 77) return true
      replies.push(message.vote.body.kind)
      return false
    }
    const ask = (from: CorePeer, body: AcceptorRequest): void =>
      acceptor.runtime.dispatch({
        kind: 'message',
        from: from.self,
        round: 0,
        message: { kind: 'request', id: 77, target: acceptor.self, body },
      })
    const record = { writeId: 'of the slow', value: new Uint8Array(1), contentType: 'text/plain', writtenAtMs: 0 }
    ask(rival, { kind: 'reserve', key, ballot: { epoch, round, by: rival.self } })
    ask(slow, { kind: 'commit', key, ballot: { epoch, round: round - 1, by: slow.self }, record })
    await until('both are answered', () => replies.length === 2)
    assert.deepEqual(replies, ['promised', 'rejected'])
    assert.equal(acceptor.storage.registers.read(key), undefined)
  })
})

describe('hole 3: a failed reservation was never cleaned up and blocked its key for ever', () => {
  it('a key reserved everywhere by a peer that then dies is put by another', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    const dying = network.peer('a-1')
    const ownCommits = lose(dying, 'reserved', 'commit')
    // Its own voter must not have the commit either: it dies first.
    const { core } = dying.runtime
    const step = core.step.bind(core)
    core.step = (event, nowMs) =>
      event.kind === 'message' && bodyOf(event.message, 'reserved')?.kind === 'commit' ? [] : step(event, nowMs)
    void dying.put('reserved', 'of the dead')
    await until('it has reserved and would commit', () => ownCommits.count > 0)
    await network.kill(dying)
    assert.equal((await network.peer('b-2').put('reserved', 'of the living', SETTLED_MS)).kind, 'created')
    await assertAllRead('reserved', 'found of the living')
  })
})

describe('hole 4: one dead peer failed every write and every read', () => {
  it('with one peer of each cluster dead, puts and gets go on at all the others', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    await network.kill(network.peer('a-1'))
    await network.kill(network.peer('b-3'))
    for (const peer of network.peers) {
      const key = `without/${peer.self.peerId}`
      assert.equal((await peer.put(key, key)).kind, 'created')
      await assertAllRead(key, `found ${key}`)
      assert.equal(await peer.reads('unknown'), 'absent')
    }
  })
})

describe('hole 5: the coordinator was the only witness of a commit', () => {
  it('when it dies before anybody was told, the voters settle the key by themselves, all the same way', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    const dying = network.peer('a-2')
    const lost = lose(dying, 'witnessed', 'learn')
    assert.equal((await dying.put('witnessed', 'committed')).kind, 'created')
    assert.ok(lost.count > 0)
    await network.kill(dying)
    await until('all hold it', () => network.peers.every((peer) => peer.held('witnessed') === 'committed'), SETTLED_MS)
    await until('nobody is in doubt', () => network.peers.every((peer) => peer.runtime.core.doubts.size === 0))
  })

  it('when it dies before anybody was told, a rival that puts at once is refused all the same', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    const dying = network.peer('a-2')
    lose(dying, 'rivalled', 'learn')
    assert.equal((await dying.put('rivalled', 'committed')).kind, 'created')
    await network.kill(dying)
    const [a, b] = await Promise.all([network.peer('a-1').put('rivalled', 'late'), network.peer('b-1').put('rivalled', 'late')])
    assert.deepEqual([a.kind, b.kind], ['conflict', 'conflict'])
    await assertAllRead('rivalled', 'found committed')
  })
})

describe('hole 6: memory only, and a new identity at each start', () => {
  it('after all stop at once, every peer is the voter it was, on the same config, with every key', async () => {
    network = await CoreNetwork.of(TWO_CLUSTERS)
    assert.equal((await network.peer('a-1').put('kept', 'over the stop')).kind, 'created')
    const before = [...network.peers]
    const { epoch, networkId } = network.peer('a-1').runtime.core.chain
    for (const peer of before) await network.kill(peer)
    for (const { self, clusterId, storage } of before) await network.join(self.peerId, clusterId, 3, storage)
    await until('all are ready', () => network.peers.every((peer) => peer.runtime.core.missing() === undefined))
    for (const { self, runtime } of network.peers) {
      assert.ok(before.some((earlier) => earlier.self.id === self.id))
      assert.ok(runtime.core.isVoter)
      assert.deepEqual([runtime.core.chain.epoch, runtime.core.chain.networkId], [epoch, networkId])
    }
    await assertAllRead('kept', 'found over the stop')
  })
})

describe('hole 7: the voters were whoever discovery showed at the moment', () => {
  it('a minority that finds new peers is still a minority: it stores nothing, and denies nothing', async () => {
    network = await CoreNetwork.of({ a: 3 })
    const [cutOff, ...majority] = network.peers
    assert.ok(cutOff !== undefined)
    const far = new Set(majority.map((peer) => peer.self.peerId))
    const isAcross = (from: CorePeer, to: string): boolean => far.has(from.self.peerId) !== [...far].some((peerId) => peerId === to)
    network.delivers = (from, to) => !isAcross(from, to)
    for (const name of ['a-4', 'a-5', 'a-6', 'a-7']) await network.join(name, 'a', 3)
    await until('it sees more peers than the majority does', () => cutOff.runtime.core.roster.connected().length >= 4)
    const outcome = await cutOff.put('split', 'of the minority', 1_000)
    assert.ok(outcome.kind === 'not-stored' || outcome.kind === 'in-doubt', outcome.kind)
    assert.equal(await cutOff.reads('unknown', SHORT_MS), 'unavailable')
    assert.equal((await majority[0]?.put('split', 'of the majority'))?.kind, 'created')
    network.delivers = () => true
    await until('they are one again', () => cutOff.held('split') === 'of the majority')
  })
})

describe('hole 8: no time limits, and a failed write was answered as a good one', () => {
  it('without a quorum a put is not stored and a get is unavailable, each at its deadline', async () => {
    network = await CoreNetwork.of({ a: 3 })
    const alone = network.peer('a-1')
    assert.equal((await alone.put('before', 'x')).kind, 'created')
    await network.kill(network.peer('a-2'))
    await network.kill(network.peer('a-3'))
    const startedMs = performance.now()
    const [put, retry, get] = await Promise.all([
      alone.put('late', 'x', SHORT_MS),
      alone.put('retried', 'x', SHORT_MS, 'my-write'),
      alone.get('unknown', SHORT_MS),
    ])
    const elapsedMs = performance.now() - startedMs
    assert.deepEqual([put.kind, retry.kind, get.kind], ['not-stored', 'in-doubt', 'unavailable'])
    assert.ok(elapsedMs >= SHORT_MS && elapsedMs < SHORT_MS + 500, `${elapsedMs} ms`)
    assert.equal(await alone.reads('before'), 'found x')
  })
})
