/**
 * How a result becomes known in a network that is too large for everybody to be connected to
 * everybody.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { ConfigChain } from '../../protocols/config/chain.ts'
import { CONNECTED_PEERS_MAX, Roster } from '../../protocols/membership/roster.ts'
import { ChosenKeys } from '../../protocols/keys/chosen.ts'
import { Representative } from '../../protocols/agreement/representative.ts'
import { Spread } from '../../protocols/keys/spread.ts'
import { sha256 } from '../../src/bytes.ts'
import { Bench, ballotOf, codec, configOf, configWrite, key, network, peer, recordOf, sends } from './core-harness.ts'

const record = recordOf('x')
const ballot = ballotOf(0, 9, 'self')

/**
 * One peer of cluster c1 among others; those with a vote are of v1, v2 and, when it votes itself,
 * c1.
 */
class Spreading extends Bench {
  readonly spread: Spread
  private readonly moment = { nowMs: 1_000 }
  private readonly roster: Roster = new Roster('self' as PeerId, 'c1' as ClusterId, this.moment, this.outbox)

  constructor(isVoter: boolean) {
    super()
    const names = { v1: ['far'], v2: ['near', 'nearer'] }
    void this.storage.write([configWrite(configOf(0, isVoter ? { c1: ['self'], ...names } : names))])
    const { overlay: registers, outbox, roster: neighbours } = this
    const chain = new ConfigChain(codec, registers, outbox, 0, network)
    const learned = (): void => this.spread.learned(key, record)
    const chosen = new ChosenKeys(registers, codec, sha256, outbox, { learned })
    const self = peer('self')
    const representative = new Representative(self, this.moment, outbox, () => 1, neighbours, { toFarthestMs: () => 0 })
    const learn: ChosenKeys['learn'] = (of, told) => chosen.learn(of, told)
    this.spread = new Spread({ self, registers, outbox, chosen, chain, neighbours, representative, learn })
    this.meet('mate', 'c1')
    this.meet('far', 'v1', 80)
    this.meet('near', 'v2', 20)
    this.meet('nearer', 'v2', 10)
    this.meet('stranger', 'x', 5)
  }

  meet(name: string, cluster: string, rttMs = 1): void {
    const said = { protocolMin: 1, protocolMax: 1, networkId: network, clusterId: cluster as ClusterId, identity: peer(name), epoch: 0 }
    const told = { ...said, minPeers: 1, ceiling: { epoch: 0, round: 0 }, addresses: [] }
    this.roster.answered(this.roster.greeted(told), this.moment.nowMs - rttMs)
  }

  meetMany(): void {
    for (let number = 0; number < CONNECTED_PEERS_MAX; number += 1) this.meet(`x${number}`, 'x', 50)
  }

  /**
   * Who is told now, with the record or without, to pass it on where; `mate` is the only other one
   * of the cluster.
   */
  told(): string[] {
    const learns = sends(this.take()).flatMap(({ to, message }) => (message.kind === 'learn' ? [{ to, message }] : []))
    return learns.map(({ to, message }) => [to, message.record?.writeId ?? 'ballot', message.spread || 'no further'].join(', ')).toSorted()
  }
}

const TO_ALL = ['far, ballot, cluster', 'mate, write-x, no further', 'nearer, ballot, cluster', 'stranger, write-x, cluster']
const TO_OTHERS = TO_ALL.filter((told) => !told.startsWith('mate'))

suite('a peer that knows a result first', () => {
  test('tells its cluster and one of each other, as long as all are connected to all', () => {
    const few = new Spreading(false)
    few.spread.tellAll(key, record, ballot)
    assert.deepEqual(few.told(), TO_ALL)
  })

  test('tells its cluster and the nearest voter where there are too many, for the voter is connected to all', () => {
    const among = new Spreading(false)
    among.meetMany()
    among.spread.tellAll(key, record, ballot)
    assert.deepEqual(among.told(), ['mate, write-x, no further', 'nearer, ballot, network'])
  })

  test('tells all itself, however many there are, when it votes', () => {
    const among = new Spreading(true)
    among.meetMany()
    among.spread.tellAll(key, record, ballot)
    assert.deepEqual(among.told(), TO_ALL)
  })
})

suite('a voter that is to tell the network', () => {
  test('tells its own cluster and all others but that of whoever asks', () => {
    const voter = new Spreading(true)
    voter.spread.onLearn('stranger' as PeerId, { kind: 'learn', key, ballot, record, spread: 'network' })
    assert.deepEqual(
      voter.told(),
      TO_ALL.filter((told) => !told.startsWith('stranger')),
    )
  })

  test('leaves its own cluster out when whoever asks is of it', () => {
    const voter = new Spreading(true)
    voter.spread.onLearn('mate' as PeerId, { kind: 'learn', key, ballot, record, spread: 'network' })
    assert.deepEqual(voter.told(), TO_OTHERS)
  })

  test('asks for the record when it lacks it, and tells all once it has come', () => {
    const voter = new Spreading(true)
    voter.spread.onLearn('mate' as PeerId, { kind: 'learn', key, ballot, record: undefined, spread: 'network' })
    assert.deepEqual(
      sends(voter.take()).map(({ to, message }) => [to, message.kind]),
      [['mate', 'want']],
    )
    voter.spread.onLearn('mate' as PeerId, { kind: 'learn', key, ballot: undefined, record, spread: false })
    assert.deepEqual(voter.told(), TO_OTHERS)
  })
})
