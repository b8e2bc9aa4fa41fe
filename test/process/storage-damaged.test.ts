/** Real bytes flipped in the stopped store of one of three peers. */
import assert from 'node:assert/strict'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const PAGE_BYTES = 4_096
const KEYS = 300
/** From its start to voting again, on a machine with other things to do. */
const BACK_MS = 60_000

let network: Network
let damaged: PeerProcess
let others: PeerProcess[]
let keys: string[]
before(async () => {
  network = await Network.create()
  const [first, second, third] = await network.grow('cluster-1', 3)
  assert.ok(first !== undefined && second !== undefined && third !== undefined)
  await network.settled()
  // The one that founded the network, and that no flag tells of any other.
  damaged = first
  others = [second, third]
  keys = Array.from({ length: KEYS }, (_, index) => `key/${index}`)
  await Promise.all(keys.map(async (key) => assert.equal((await second.client.put(key, `marked ${key}`)).status, 201)))
  await until('it holds all', async () => (await damaged.client.status()).keys.count === KEYS)
})
after(() => network.close())

async function flip(change: (bytes: Buffer) => void): Promise<void> {
  const path = join(damaged.directory, 'store', 'data.mdb')
  const bytes = await readFile(path)
  change(bytes)
  await writeFile(path, bytes)
}

async function assertBack(asideCount: number, kept: RegExp): Promise<void> {
  await until('it is a voter again, of everything', async () => (await damaged.client.status()).role === 'voter', BACK_MS)
  await network.settled()
  await until('it holds all', async () => (await damaged.client.status()).keys.count >= KEYS)
  for (const key of keys) assert.equal((await damaged.client.local(key)).body.toString(), `marked ${key}`)
  const asides = (await readdir(damaged.directory)).filter((name) => name.startsWith('damaged-'))
  assert.equal(asides.length, asideCount)
  const { warnings } = await damaged.client.status()
  const warning = warnings.find((text) => text.startsWith('the store was damaged'))
  assert.ok(warning !== undefined, warnings.join('\n'))
  assert.ok(warning.includes(join(damaged.directory, `damaged-${asideCount}`)))
  assert.match(warning, kept)
  assert.equal(damaged.log.split(JSON.stringify(warning)).length, 2, 'it is logged once')
  const views = await Promise.all(network.peers.map((peer) => peer.client.status()))
  assert.equal(new Set(views.map((view) => view.keys.root)).size, 1)
  assert.equal(new Set(views.map((view) => view.networkId)).size, 1)
}

describe('a peer whose store is damaged', () => {
  it('comes back as a learner and takes its old place, with every key, when a value is not what was written', async () => {
    await damaged.stop()
    await flip((bytes) => {
      for (let at = bytes.indexOf('marked key/7'); at >= 0; at = bytes.indexOf('marked key/7', at + 1)) bytes.write('market', at)
    })
    await damaged.start()
    await assertBack(1, /"key\/7\d?".*checksum.* 289 keys and its configs up to epoch \d+ were kept/)
  })

  it('does so when every page is nonsense that lmdb would end the process for', async () => {
    await damaged.stop()
    await flip((bytes) => bytes.fill(0, 2 * PAGE_BYTES))
    // No config can be read of it, and it must not start another network: it says so, and goes on
    // once it is told of a peer.
    damaged.spawn()
    assert.equal((await damaged.ended()).code, 1)
    assert.match(damaged.log.trimEnd().split('\n').at(-1) ?? '', /^replicator: the store was damaged .*-peer/)
    damaged.spawn()
    assert.equal((await damaged.ended()).code, 1)
    assert.ok(!damaged.lines.some((line) => line.startsWith('New network')))
    damaged.options = { ...damaged.options, flags: ['-peer', (others[0] as PeerProcess).address] }
    await damaged.start()
    await until('it is a voter again', async () => (await damaged.client.status()).role === 'voter', BACK_MS)
    await network.settled()
    for (const key of keys) assert.equal((await damaged.client.local(key)).body.toString(), `marked ${key}`)
  })

  it('stops with one line when it meets the damage while it runs, and puts the store aside at its next start', async () => {
    await flip((bytes) => {
      for (let at = bytes.indexOf('marked key/12'); at >= 0; at = bytes.indexOf('marked key/12', at + 1)) bytes.write('market', at)
    })
    const answered = await damaged.client.local('key/12').then(
      (reply) => reply.status,
      () => 'no answer',
    )
    assert.notEqual(answered, 200)
    assert.equal((await damaged.ended()).code, 1)
    assert.match(damaged.log.trimEnd().split('\n').at(-1) ?? '', /^replicator: .*"key\/12.*start the peer again/)
    await damaged.start()
    await assertBack(3, /"key\/12".* 289 keys/)
  })
})
