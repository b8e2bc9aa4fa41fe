/**
 * `node scripts/forget-registers.ts [--registers N] [--sweep SECONDS]`: four peers of one cluster,
 * three of which vote. Registers are created and deleted, the deleting while the fourth is away, and
 * forgotten. Says what peers hold and use at each stage, and ends with 1 when something is left or
 * the peer that was away brings one back.
 *
 * Deletions are forgotten hourly. These peers do it as often as is asked, so that nobody waits for
 * an hour; nothing else of them is changed.
 */
import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { Network, until } from '../test/process/network.ts'
import type { PeerProcess } from '../test/process/network.ts'
import { diskBytes, ownMib } from './usage.ts'

const REGISTERS = 100_000
const SWEEP_SECONDS = 20
/** Requests under way at one time. */
const AT_ONCE = 64
const BYTES_PER_MIB = 1_048_576
const SETTLED_MS = 60_000
/** Until all is forgotten: some sweeps, and 512 deletions at a time. */
const FORGET_MS = 480_000
/** What comes back comes by repair, within some heartbeats. */
const WATCHED_MS = 15_000
const WATCH_EVERY_MS = 1_000
/** Registers that are asked for at the end. */
const ASKED_MAX = 1_000
const EXIT_USAGE = 2

/** What a peer shows of its registers. */
interface Shown {
  readonly count: number
  /** Of the hash tree. */
  readonly root: string
}

/** Changes the one constant, in the processes of these peers alone. */
function sweepingEvery(seconds: number): string {
  const code = `import { registerHooks } from 'node:module'
registerHooks({ load(url, context, next) {
  const loaded = next(url, context)
  if (!url.endsWith('/protocols/registers/type.ts')) return loaded
  const source = String(loaded.source).replace('SWEEP_EVERY_MS = 3_600_000', 'SWEEP_EVERY_MS = ${seconds * 1_000}')
  if (source === String(loaded.source)) throw new Error('the time between two sweeps is not where it was')
  return { ...loaded, source }
} })`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

async function shownBy({ client }: PeerProcess): Promise<Shown> {
  const { kv } = await client.json<{ readonly kv: Shown }>('/status')
  return kv
}

async function holdNothing(peers: readonly PeerProcess[]): Promise<boolean> {
  return (await Promise.all(peers.map(shownBy))).every(({ count }) => count === 0)
}

async function say(stage: string, peers: readonly PeerProcess[]): Promise<void> {
  const lines = peers.map(async (peer) => {
    const { count, root } = await shownBy(peer)
    const diskMib = (await diskBytes(peer.directory)) / BYTES_PER_MIB
    return `${peer.name}: ${count} held, root ${root.slice(0, 8)}, ${ownMib(peer.processId).toFixed(0)} MiB of own memory, ${diskMib.toFixed(0)} MiB of disk`
  })
  console.log(`${stage}\n  ${(await Promise.all(lines)).join('\n  ')}`)
}

/** Asks for each of so many registers once, at these peers in turn. */
async function forEach(
  count: number,
  peers: readonly PeerProcess[],
  ask: (peer: PeerProcess, key: string) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await ask(peers[index % peers.length] as PeerProcess, `register-${index}`)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function create({ client }: PeerProcess, key: string): Promise<void> {
  const headers = { 'Content-Type': 'text/plain' }
  const { status } = await client.ask('PUT', `/kv/${key}`, { body: key, headers, query: '?timeout=60000' })
  assert.equal(status, 201)
}

async function remove({ client }: PeerProcess, key: string): Promise<void> {
  const { status } = await client.ask('DELETE', `/kv/${key}`, { query: '?timeout=60000' })
  assert.equal(status, 200)
}

async function assertGone({ client }: PeerProcess, key: string): Promise<void> {
  const { status } = await client.ask('GET', `/kv/${key}`, { query: '?consistency=local' })
  assert.equal(status, 404)
}

/** Waits until three vote, and tells them from the one that does not. */
async function votersAndOther(peers: readonly PeerProcess[]): Promise<{ voters: PeerProcess[]; other: PeerProcess }> {
  await Promise.all(peers.map((peer) => peer.ready()))
  let voters: PeerProcess[] = []
  await until(
    'three of four vote',
    async () => {
      const views = await Promise.all(peers.map((peer) => peer.client.status()))
      voters = peers.filter((_, place) => views[place]?.role === 'voter')
      return voters.length === peers.length - 1 && views.every(({ changing, epoch }) => !changing && epoch === views[0]?.epoch)
    },
    SETTLED_MS,
  )
  const other = peers.find((peer) => !voters.includes(peer))
  assert.ok(other !== undefined, 'every peer votes')
  return { voters, other }
}

/** For a time, whatever repair and heartbeats bring, nothing is held anywhere. */
async function watchNothing(peers: readonly PeerProcess[]): Promise<void> {
  for (const endMs = performance.now() + WATCHED_MS; performance.now() < endMs;) {
    assert.ok(await holdNothing(peers), 'something is back')
    await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS))
  }
}

async function run(network: Network, count: number, sweepSeconds: number): Promise<void> {
  await network.grow('cluster-1', 4, { nodeFlags: ['--import', sweepingEvery(sweepSeconds)] })
  const { peers } = network
  const { voters, other } = await votersAndOther(peers)
  await say('before', peers)
  await forEach(count, peers, create)
  await until('the one without a vote holds all', async () => (await shownBy(other)).count === count, FORGET_MS)
  await say(`${count} created`, peers)
  await other.kill()
  const beganMs = performance.now()
  await forEach(count, voters, remove)
  await say(`all deleted while ${other.name} is away`, voters)
  await until('all is forgotten', () => holdNothing(voters), FORGET_MS)
  await say(`all forgotten, ${((performance.now() - beganMs) / 1_000).toFixed(0)} s after the first deletion`, voters)
  await other.start()
  await other.ready()
  await say(`${other.name} is back`, [other])
  await until('the one that was away has forgotten all', async () => (await shownBy(other)).count === 0, FORGET_MS)
  await watchNothing(peers)
  await forEach(Math.min(count, ASKED_MAX), peers, assertGone)
  await say(`${other.name} was back for ${WATCHED_MS / 1_000} s and more`, peers)
}

const { values } = parseArgs({ options: { registers: { type: 'string' }, sweep: { type: 'string' } } })
const [count, sweepSeconds] = [Number(values.registers ?? REGISTERS), Number(values.sweep ?? SWEEP_SECONDS)]
if (!(Number.isSafeInteger(count) && count > 0 && sweepSeconds > 0)) {
  console.error('usage: node scripts/forget-registers.ts [--registers N] [--sweep SECONDS]')
  process.exit(EXIT_USAGE)
}
const network = await Network.create()
try {
  await run(network, count, sweepSeconds)
} finally {
  await network.close()
}
