/**
 * What the doctor makes of what peers say: a finding for each thing that is wrong, and none for
 * what is not.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { PeerRow, Status } from '../../src/client/client.ts'
import { diagnose } from '../../src/commands/diagnosis.ts'
import type { Report } from '../../src/commands/diagnosis.ts'

const STATUS: Status = {
  peerId: 'one',
  name: null,
  clusterId: 'berlin',
  version: '1.0.0',
  networkId: 'n',
  epoch: 1,
  role: 'voter',
  ready: true,
  changing: false,
  quorum: {},
  keys: { count: 3, bytes: 9, root: '00', clusters: {}, behind: { berlin: { keys: 2, seconds: 3 } } },
  inDoubt: 0,
  tokens: null,
  config: null,
  warnings: [],
}

function report(url: string, status: Partial<Status> = {}, clockAheadMs = 0, peers: readonly PeerRow[] = []): Report {
  return { url, status: { ...STATUS, peerId: url, ...status }, peers, clockAheadMs, roundTripMs: 1 }
}

function faults(...reports: readonly Report[]): string[] {
  return diagnose(reports).flatMap(({ isGood, text }) => (isGood ? [] : [text]))
}

suite('the doctor', () => {
  test('finds nothing wrong where nothing is', () => {
    assert.deepEqual(faults(report('a', {}, 900), report('b', {}, -900)), [])
  })

  test('finds peers that do not answer, are in other networks, or run other versions', () => {
    assert.match(faults(report('a'), { url: 'b', failure: 'ECONNREFUSED' }).join(), /^b does not answer: ECONNREFUSED$/)
    assert.match(faults(report('a'), report('b', { networkId: 'm' })).join(), /in 2 networks: n, m/)
    assert.match(faults(report('a'), report('b', { version: '2.0.0' })).join(), /versions 1\.0\.0, 2\.0\.0/)
  })

  test('finds clocks that are apart, of two peers or of one and this machine', () => {
    assert.match(faults(report('a', {}, 1_500), report('b', {}, -1_500)).join(), /clocks are 3\.0 s apart/)
    assert.match(faults(report('a', {}, 5_000)).join(), /clocks are 5\.0 s apart/)
  })

  test('finds who is not ready, behind for long, or has many keys in doubt', () => {
    const keys = { ...STATUS.keys, behind: { berlin: { keys: 9, seconds: 61 } } }
    const found = faults(report('a', { ready: false, inDoubt: 101, keys })).join('\n')
    assert.match(found, /a is not ready\n.*101 keys in doubt\n.*9 keys and 61 s behind/)
  })

  test('tells each warning once, and who was not asked', () => {
    const peer: PeerRow = {
      id: 'other-peer-id',
      name: null,
      clusterId: 'paris',
      addresses: [],
      role: 'learner',
      state: 'alive',
      rttMs: 1,
      lastSeenAt: null,
    }
    const found = diagnose([report('a', { warnings: ['w'] }, 0, [peer]), report('b', { warnings: ['w'] })])
    assert.deepEqual(
      found.filter(({ text }) => text === 'w').map(({ mend }) => mend),
      ['as all of them say'],
    )
    assert.match(found.at(-1)?.text ?? '', /^not asked, though they are there: …ther-peer-id of paris/)
    const named = diagnose([report('a', { name: 'berlin-1' }, 0, [{ ...peer, name: 'paris-1' }])])
    assert.match(named[0]?.text ?? '', /^a is berlin-1 \(a\) of berlin/)
    assert.match(named.at(-1)?.text ?? '', /^not asked, though they are there: paris-1 of paris/)
  })
})
