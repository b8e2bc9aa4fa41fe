/**
 * The disk of one of three peers takes no more: the peer ends, and nothing that it acknowledged is
 * lost.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { it } from 'node:test'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

/** Holds an empty store, and some more. */
const SMALL = '2m'
const LARGE = '256m'
const VALUE = 'v'.repeat(4_000)
const CLIENTS = 8
const BACK_MS = 60_000

/**
 * Mounts a file system in memory, for the peer alone. @returns what the system says when it cannot
 * be
 */
function mount(directory: string, options: string): string | undefined {
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr)
}

/** Puts keys at a peer until it answers no more; counts what came, by status. */
async function putUntilGone(peer: PeerProcess, prefix: string): Promise<{ stored: string[]; statuses: Map<number | string, number> }> {
  const stored: string[] = []
  const statuses = new Map<number | string, number>()
  let last = 0
  const { client } = peer
  const put = async (): Promise<void> => {
    for (let failures = 0; failures < 3 && peer.isRunning;) {
      const key = `${prefix}/${(last += 1)}`
      const outcome = await client.put(key, `${key} ${VALUE}`).then(
        (reply) => reply.status,
        (error: { code?: string }) => error.code ?? 'no answer',
      )
      statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1)
      if (outcome === 201) stored.push(key)
      else failures += 1
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, put))
  return { stored, statuses }
}

it(
  'a peer whose disk is full ends with one line, has lost nothing it acknowledged, and starts again when there is room',
  { timeout: 300_000 },
  async (context) => {
    const network = await Network.create()
    const [first, second] = await network.grow('cluster-1', 2)
    const third = await network.add({ clusterId: 'cluster-1', flags: ['-peer', (first as PeerProcess).address] })
    try {
      mkdirSync(third.directory)
      const refusal = mount(third.directory, `size=${SMALL}`)
      if (refusal !== undefined) return context.skip(`a file system of a limited size cannot be mounted here: ${refusal}`)
      await third.start()
      await network.settled()
      const { stored, statuses } = await putUntilGone(third, 'full')
      context.diagnostic(`answers: ${[...statuses].map(([status, count]) => `${count} of ${status}`).join(', ')}`)
      assert.deepEqual(await third.ended(), { code: 1, signal: null })
      const line = third.log.trimEnd().split('\n').at(-1) ?? ''
      assert.match(
        line,
        /^replicator: the store in .* did not take a write: no space is left on its disk \(\d+ bytes are free\); make room, and start this peer again$/,
      )
      const strange = third.log.split('\n').filter((told) => !/^(\{.*\}|replicator: .*|mdb_\w+ .*|Write error: .*|)$/.test(told))
      assert.deepEqual(strange, [], 'every line is JSON but the last, and what lmdb itself writes')
      assert.ok(stored.length > 0)
      for (const status of statuses.keys()) assert.ok(typeof status === 'string' || [201, 503, 504].includes(status), `${status}`)
      for (const key of stored) assert.equal((await (second as PeerProcess).client.get(key)).body.toString(), `${key} ${VALUE}`)

      // What is left of the room may do for a start, and for little more.
      third.spawn()
      await until(
        'it starts or ends',
        () => !third.isRunning || third.lines.some((printed) => printed.startsWith('Replicator ready')),
        BACK_MS,
      )
      stored.push(...(await putUntilGone(third, 'fuller')).stored)
      assert.equal((await third.ended()).code, 1)
      assert.match(third.log.trimEnd().split('\n').at(-1) ?? '', /^replicator: /)

      assert.equal(mount(third.directory, `remount,size=${LARGE}`), undefined)
      await third.start()
      await network.settled()
      const held = async (): Promise<boolean> =>
        (await third.client.keys('full')).size === (await (first as PeerProcess).client.keys('full')).size
      await until('it holds all', held, BACK_MS)
      // A key whose coordinator died before it told the others is settled by them a little later.
      for (const key of stored) {
        await until(`it holds ${key}`, async () => (await third.client.local(key)).body.toString() === `${key} ${VALUE}`, BACK_MS)
      }
      assert.equal((await third.client.put('after', 'x')).status, 201)
      assert.ok(!third.log.includes('put aside'), 'a full disk is no damage')
    } finally {
      if (third.isRunning) await third.kill()
      spawnSync('umount', ['-l', third.directory])
      await network.close()
    }
  },
)
