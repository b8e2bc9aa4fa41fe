/**
 * Run in a namespace by `log-cut-off.test.ts`: three peers with a log, whose leader is cut off from
 * the others while clients go on asking all three. Writes what clients saw to the file that it is
 * told.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { LogAsker } from '../chaos/logs/asking.ts'
import { statusOf } from '../chaos/logs/faults.ts'
import { LogHistory } from '../chaos/logs/history.ts'
import { Namespace } from '../chaos/namespaces.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const LOG = 'kv-log'
const LISTS = 4
const BEFORE_MS = 1_500
/** By then a leader that hears nobody has stepped down: twice the election time, and some more. */
const STEPPED_DOWN_MS = 2_500
/** Of the cut, once the others go on. */
const CUT_MS = 2_000
const AFTER_MS = 1_500
const TIMEOUT_MS = 1_000
const PAUSE_MS = 15

/** What the test is told. */
export interface CutHistory {
  readonly operations: readonly (readonly [key: string, operations: unknown])[]
  readonly oddities: readonly string[]
  /** The name of the peer that led. */
  readonly cutOff: string
  /** When it has stepped down for certain. */
  readonly steppedDownMs: number
  readonly healedMs: number
}

const network = await Network.create()
try {
  const spaces = [await Namespace.create(1), await Namespace.create(2), await Namespace.create(3)]
  const peers: PeerProcess[] = []
  for (const { wrapper, host } of spaces) {
    const [founder] = peers
    const joining = founder === undefined ? [] : ['-peer', founder.address]
    const peer = await network.add({ wrapper, host, flags: [...joining, '-log', `${LOG}=kv:`] })
    await peer.start()
    peers.push(peer)
  }
  await network.settled()
  const asked = peers.map((process) => ({ name: process.name, process, peerId: process.peerId }))
  type Asked = (typeof asked)[number]
  const first = asked[0] as Asked
  await until('three replicas are ready', async () => {
    const { leader, replicas } = await statusOf(first, 'kv')
    return leader !== null && replicas.length === 3 && replicas.every(({ state }) => state === 'ready')
  })
  const { leader } = await statusOf(first, 'kv')
  const cut = asked.findIndex(({ peerId }) => peerId === leader)
  assert.notEqual(cut, -1)

  const history = new LogHistory()
  const asker = new LogAsker(history)
  const stopping = new AbortController()
  let last = 0
  const write = async (peer: Asked): Promise<void> => {
    while (!stopping.signal.aborted) {
      last += 1
      const list = `l${last % LISTS}`
      const init = { kind: 'kv', list, item: `i${last}`, submitId: undefined, since: undefined, timeoutMs: TIMEOUT_MS } as const
      await asker.append({ ...init, peer })
      await delay(PAUSE_MS)
    }
  }
  const read = async (peer: Asked): Promise<void> => {
    for (let turn = 0; !stopping.signal.aborted; turn += 1) {
      const init = { kind: 'kv', list: `l${turn % LISTS}`, peer, timeoutMs: TIMEOUT_MS } as const
      await asker.read(init, 'linearizable')
      await delay(PAUSE_MS)
    }
  }
  const clients = asked.flatMap((peer) => [write(peer), read(peer), read(peer)])
  await delay(BEFORE_MS)

  const hosts = spaces.map(({ host }) => host)
  for (const [place, space] of spaces.entries())
    space.cut(new Set(hosts.filter((_, other) => other !== place && (place === cut || other === cut))))
  for (const space of spaces) await space.settled()
  const steppedDownMs = performance.now() + STEPPED_DOWN_MS
  await delay(STEPPED_DOWN_MS)
  await until('the others serve reads and take writes', () => {
    const others = [...history.byKey.values()].flat().filter(({ peer, beganMs }) => peer !== asked[cut]?.name && beganMs > steppedDownMs)
    return ['found', 'done'].every((kind) => others.some(({ answer }) => answer.kind === kind))
  })
  await delay(CUT_MS)
  const healedMs = performance.now()
  for (const space of spaces) space.cut(new Set())
  for (const space of spaces) await space.settled()
  await delay(AFTER_MS)
  stopping.abort()
  await Promise.all(clients)
  for (let place = 0; place < LISTS; place += 1)
    await until('each list is read whole', async () => {
      const init = { kind: 'kv', list: `l${place}`, peer: first, timeoutMs: TIMEOUT_MS } as const
      return (await asker.read(init, 'linearizable')).answer.kind === 'found'
    })
  const told: CutHistory = {
    operations: [...history.byKey],
    oddities: history.oddities,
    cutOff: asked[cut]?.name ?? '',
    steppedDownMs,
    healedMs,
  }
  writeFileSync(process.argv[2] ?? '', JSON.stringify(told))
} finally {
  await network.close()
}
