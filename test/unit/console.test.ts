/** What the console makes of what a peer says, apart from any browser. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogStatus, PeerRow, Status } from '../../src/client/client.ts'
import { advise } from '../../src/console/advice.ts'
import { rateNow, SAMPLES_MAX, withSample } from '../../src/console/history.ts'
import type { Sample } from '../../src/console/history.ts'
import { layOut } from '../../src/console/picture.ts'
import type { Picture } from '../../src/console/picture.ts'
import { quantileMs, readMetrics } from '../../src/console/prometheus.ts'
import { equalityOf, mostBehind, standingOf } from '../../src/console/cluster-words.ts'
import { elementText, parseElement } from '../../src/console/element-words.ts'
import { logHeadline, replicaRows } from '../../src/console/log-words.ts'
import { START } from '../../src/console/state.ts'
import type { State } from '../../src/console/state.ts'
import { toldOf } from '../../src/console/told.ts'
import { bytesText, calledText, milliseconds, plural, shortId } from '../../src/console/words.ts'

function peer(id: string, clusterId: string, state: PeerRow['state'] = 'alive'): PeerRow {
  return { id, name: null, clusterId, addresses: [], role: 'voter', state, rttMs: 1, lastSeenAt: null }
}

function networkOf(clusters: number, peersEach: number): PeerRow[] {
  return Array.from({ length: clusters * peersEach }, (_, index) =>
    peer(`peer-${index}`, `cluster-${Math.floor(index / peersEach)}`, index === 0 ? 'self' : 'alive'),
  )
}

describe('the picture', () => {
  const widths = [320, 358, 599, 600, 720, 959, 960, 1_192]

  function overlaps({ boxes }: Picture): boolean {
    return boxes.some((a, at) =>
      boxes.slice(at + 1).some((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height),
    )
  }

  it('has every peer once within its own cluster, no two clusters over one another, and nothing outside, at any width', () => {
    for (const width of widths) {
      for (const [clusters, each] of [
        [1, 1],
        [1, 5],
        [2, 3],
        [3, 3],
        [7, 9],
      ] as const) {
        const drawn = layOut(networkOf(clusters, each), width)
        const told = `${clusters} clusters of ${each} at ${width}`
        assert.equal(drawn.boxes.flatMap(({ nodes }) => nodes).length, clusters * each, told)
        assert.equal(overlaps(drawn), false, told)
        for (const { x, y, width: across, height, nodes, clusterId } of drawn.boxes) {
          assert.ok(x >= 0 && x + across <= width && y + height <= drawn.height, told)
          for (const node of nodes) {
            assert.equal(node.peer.clusterId, clusterId)
            assert.ok(node.x > x && node.x < x + across && node.y > y && node.y < y + height, told)
          }
        }
      }
    }
  })

  it('has a link from the asked peer to each other one, and draws no number that is none', () => {
    for (const width of widths) {
      const { links } = layOut(networkOf(3, 3), width)
      assert.equal(new Set(links.map((link) => link.peer.id)).size, 8)
      for (const { path } of links) assert.match(path, /^M[\d. HVCQ-]+$/)
    }
  })

  it('is empty where nobody is known', () => {
    assert.deepEqual(layOut([], 800), { width: 800, height: 0, boxes: [], links: [] })
  })
})

describe('rates', () => {
  const seen = (looks: readonly (readonly [atMs: number, keys: number | null])[]): readonly Sample[] =>
    looks.reduce<readonly Sample[]>((samples, [atMs, keys]) => withSample(samples, atMs, keys, null), [])

  it('are taken from the growth of what the asked peer holds', () => {
    const samples = seen([
      [0, 100],
      [1_000, 110],
      [2_000, 130],
    ])
    assert.deepEqual(
      samples.map(({ keysPerSecond }) => keysPerSecond),
      [null, 10, 20],
    )
    assert.equal(rateNow(samples), 15)
  })

  it('are none where there was no answer, after a long pause, and not below nothing', () => {
    assert.deepEqual(
      seen([
        [0, 5],
        [1_000, null],
        [2_000, 9],
      ]).map(({ keysPerSecond }) => keysPerSecond),
      [null, null, null],
    )
    assert.deepEqual(
      seen([
        [0, 5],
        [60_000, 9],
      ]).map(({ keysPerSecond }) => keysPerSecond),
      [null, null],
    )
    assert.deepEqual(
      seen([
        [0, 5],
        [1_000, 0],
      ]).map(({ keysPerSecond }) => keysPerSecond),
      [null, 0],
    )
    assert.equal(rateNow(seen([[0, 5]])), undefined)
    assert.equal(
      rateNow(
        seen([
          [0, 5],
          [1_000, null],
        ]),
      ),
      undefined,
    )
  })

  it('are kept for three minutes and no longer', () => {
    assert.equal(seen(Array.from({ length: 500 }, (_, index) => [index * 1_000, index] as const)).length, SAMPLES_MAX)
  })
})

describe('metrics', () => {
  const text = (puts: readonly number[], writes: number): string =>
    [
      ...['0.001', '0.01', '+Inf'].map(
        (bound, index) => `replicator_http_request_duration_seconds_bucket{route="/store/{key}",method="PUT",le="${bound}"} ${puts[index]}`,
      ),
      'replicator_http_request_duration_seconds_bucket{route="/status",method="GET",le="0.001"} 7',
      `replicator_http_requests_total{route="/store/{key}",method="PUT",status="2xx"} ${writes}`,
      'replicator_http_requests_total{route="/store/{key}",method="GET",status="2xx"} 9',
      'replicator_http_requests_total{route="/store/{key}",method="PUT",status="4xx"} 9',
      'replicator_http_requests_total{route="/sets/{name}/update",method="POST",status="2xx"} 2',
      '',
    ].join('\n')

  it('are read for what clients write and wait for, and nothing else', () => {
    const { writes, puts, gets } = readMetrics(text([1, 2, 3], 5))
    assert.equal(writes, 7)
    assert.deepEqual(
      [...puts],
      [
        [0.001, 1],
        [0.01, 2],
        [Number.POSITIVE_INFINITY, 3],
      ],
    )
    assert.equal(gets.size, 0)
  })

  it('tell the time of the requests between two looks, and none where there were none', () => {
    const [before, after] = [readMetrics(text([5, 5, 5], 5)).puts, readMetrics(text([5, 15, 15], 15)).puts]
    assert.equal(quantileMs(before, after, 0.5)?.toFixed(3), '5.500')
    assert.equal(quantileMs(after, after, 0.5), null)
    assert.equal(quantileMs(new Map(), readMetrics(text([0, 0, 4], 4)).puts, 0.99), 10)
  })
})

describe('a warning', () => {
  it('comes with what to do where it does not say so itself, the serious ones first', () => {
    const told = advise(['no -secret: anybody may join', 'something new', 'berlin stands no loss: 2 of its 3 voters are up'])
    assert.deepEqual(
      told.map(({ text, isSerious }) => [text.slice(0, 6), isSerious]),
      [
        ['berlin', true],
        ['no -se', false],
        ['someth', false],
      ],
    )
    assert.match(told[0]?.advice ?? '', /Bring back/)
    assert.match(told[1]?.advice ?? '', /replicator secret/)
    assert.equal(told[2]?.advice, undefined)
  })
})

describe('words', () => {
  it('round where nobody needs more, and keep the unit', () => {
    assert.deepEqual([0, 999, 1_000, 12_345_678].map(bytesText), ['0 B', '999 B', '1.0 KB', '12.3 MB'])
    assert.deepEqual([0.42, 9.96, 12.6, 1_500, 12_000].map(milliseconds), ['0.4 ms', '10.0 ms', '13 ms', '1.5 s', '12 s'])
    assert.deepEqual([plural(1, 'key'), plural(1_200, 'key')], ['1 key', '1,200 keys'])
    assert.equal(shortId('12D3KooWGpjwYBA3TM3TUSumvkUqUaNq5nFX8v4t1VejuTD7bTQU'), '…uTD7bTQU')
    const id = '12D3KooWGpjwYBA3TM3TUSumvkUqUaNq5nFX8v4t1VejuTD7bTQU'
    assert.deepEqual([calledText({ id, name: 'berlin-1' }), calledText({ id, name: null })], ['berlin-1', '…uTD7bTQU'])
  })
})

function statusOf(part: Partial<Status>): Status {
  const keys = { count: 0, bytes: 0, root: '', clusters: {}, behind: {} }
  const none = { peerId: 'a', name: null, clusterId: 'berlin', version: '', networkId: null, epoch: 0, role: 'voter', ready: true } as const
  return { ...none, config: null, changing: false, quorum: {}, keys, inDoubt: 0, tokens: null, warnings: [], ...part }
}

describe('a cluster', () => {
  const status = statusOf({
    quorum: { berlin: { voters: 3, up: 2, needed: 2 }, lisbon: { voters: 3, up: 1, needed: 2 }, oslo: { voters: 1, up: 1, needed: 1 } },
    keys: {
      count: 9,
      bytes: 9,
      root: '',
      clusters: { berlin: 'equal', lisbon: 'different', oslo: 'unknown' },
      behind: { berlin: { keys: 0, seconds: 0 }, lisbon: { keys: 1_200, seconds: 90 } },
    },
  })

  it('is told of as lost without a majority, and as close to it where it has no voter to lose', () => {
    assert.deepEqual(standingOf(status, 'berlin'), { text: '2 of 3 voters up', kind: 'warn' })
    assert.deepEqual(standingOf(status, 'lisbon'), { text: '1 of 3 voters up', kind: 'bad' })
    assert.deepEqual(standingOf(status, 'oslo'), { text: '1 of 1 voter up', kind: 'good' })
    assert.equal(standingOf(status, 'new').text, 'no voters yet')
  })

  it('is equal, or told how far it is behind', () => {
    assert.deepEqual(
      ['berlin', 'lisbon', 'oslo', 'new'].map((id) => equalityOf(status, id)),
      ['equal', '1,200 keys behind, 2 min', 'unknown', 'unknown'],
    )
    assert.deepEqual(mostBehind(status), { keys: 1_200, seconds: 90 })
    assert.equal(mostBehind(statusOf({})), undefined)
  })
})

describe('who does not see the page', () => {
  const seen = (peers: readonly PeerRow[], status: Partial<Status> = {}): State => ({
    ...START,
    network: { status: statusOf(status), peers, config: undefined, atMs: 0 },
  })

  it('is told that peers and readiness come and go, and nothing of figures', () => {
    const before = seen([peer('one', 'berlin'), peer('two', 'berlin')])
    assert.equal(toldOf(START, before), undefined)
    assert.equal(toldOf(before, seen(before.network?.peers ?? [], { inDoubt: 4 })), undefined)
    assert.equal(toldOf(before, seen([peer('one', 'berlin'), peer('two', 'berlin', 'gone')])), 'Peer two of berlin is gone.')
    assert.equal(
      toldOf(before, seen(before.network?.peers ?? [], { ready: false, warnings: ['w'] })),
      'The peer is not ready any more. 1 more warning.',
    )
    const silent: State = { ...before, trouble: { kind: 'silent', sinceMs: 0 } }
    assert.equal(toldOf(before, silent), 'The peer does not answer any more.')
    assert.equal(toldOf(silent, silent), undefined)
    assert.equal(toldOf(silent, seen(before.network?.peers ?? [])), 'The peer answers again.')
  })
})

describe('an element of a set', () => {
  it('is text as it is typed, or JSON, and nothing that a set cannot hold', () => {
    assert.equal(parseElement('11', false), '11')
    assert.deepEqual(
      ['11', 'true', '"a"', '["a",[1]]', '"~:k"'].map((text) => parseElement(text, true)),
      [11, true, 'a', ['a', [1]], { tag: ':', value: 'k' }],
    )
    for (const text of ['{"a":1}', '[{"a":1}]', 'nonsense', '']) assert.equal(parseElement(text, true), undefined, text)
    assert.deepEqual([elementText('a'), elementText(11), elementText(['a', 1])], ['a', '11', '["a",1]'])
  })
})

describe('a log', () => {
  const replica = { term: 3, last: { term: 3, index: 9 }, commit: 9, applied: 9, lag: 0, stalled: null, digest: null } as const
  const status: LogStatus = {
    name: 'kv',
    logId: 'l',
    store: 'kv',
    place: 'cluster:c',
    lease: false,
    generation: 0,
    role: 'follower',
    leader: 'two',
    term: 3,
    commit: 1_000,
    changing: false,
    members: ['one', 'two', 'three'].map((id) => ({ peer: id, role: 'voter' })),
    replicas: [
      { ...replica, peer: 'one', role: 'follower', state: 'stalled', stalled: 'disk-full', lag: 4 },
      { ...replica, peer: 'two', role: 'leader', state: 'ready' },
    ],
  }

  it('is told by who leads it, and is not taken for well where nobody does', () => {
    assert.equal(logHeadline(status, shortId), 'two leads, in term 3. 1,000 committed.')
    const without = logHeadline({ ...status, leader: null, changing: true }, shortId)
    assert.equal(without, 'Nobody leads: commands are not taken. 1,000 committed. Its members are being changed.')
  })

  it('has every member once, the leader first, with how its store is and how far behind', () => {
    assert.deepEqual(replicaRows(status), [
      { peer: 'two', role: 'leader', store: 'ready', kind: '', lag: 0 },
      { peer: 'one', role: 'follower', store: 'stalled: disk-full', kind: 'bad', lag: 4 },
      { peer: 'three', role: 'voter', store: 'does not answer', kind: 'bad', lag: undefined },
    ])
  })
})
