/** An older copy of a peer's data directory, put back in its place. */
import assert from 'node:assert/strict'
import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const BACK_MS = 60_000
/** Others have heard a peer after this: some heartbeats. */
const HEARD_MS = 1_500

let network: Network
let first: PeerProcess
let second: PeerProcess
let third: PeerProcess
before(async () => {
  network = await Network.create()
  const peers = await network.grow('cluster-1', 3)
  ;[first, second, third] = peers as [PeerProcess, PeerProcess, PeerProcess]
  await network.settled()
})
after(() => network.close())

async function put(at: PeerProcess, key: string, timeoutMs = 60_000): Promise<number> {
  return (await at.client.put(key, `value of ${key}`, { query: `?timeout=${timeoutMs}` })).status
}

async function warns(peer: PeerProcess): Promise<boolean> {
  const { warnings } = await peer.client.status()
  return warnings.some((text) => text.includes(third.peerId) && text.includes('older copy of its store'))
}

/** Waits until the others have heard the third peer at a moment from now. */
async function heard(): Promise<void> {
  const atMs = Date.now() + HEARD_MS
  const hears = async (peer: PeerProcess): Promise<boolean> => {
    const view = (await peer.client.peers()).find(({ id }) => id === third.peerId)
    return Date.parse(view?.lastSeenAt ?? '') > atMs
  }
  await until('both others hear it', async () => (await hears(first)) && (await hears(second)))
}

describe('an older copy of a data directory put back', () => {
  it('is told by the others, in status and log, and has no part in any quorum', async () => {
    const copy = join(network.directory, 'copy')
    await third.stop()
    await cp(third.directory, copy, { recursive: true })
    await third.start()
    await third.ready()
    for (let index = 0; index < 20; index += 1) assert.equal(await put(third, `before/${index}`), 201)
    await heard()
    await third.stop()
    await rm(third.directory, { recursive: true })
    await cp(copy, third.directory, { recursive: true })
    await third.start()

    await until('both others warn', async () => (await warns(first)) && (await warns(second)), BACK_MS)
    const line = new RegExp(`"peerId":"${third.peerId}".*older copy of its store`)
    await until('both others log it', () => line.test(first.log) && line.test(second.log), BACK_MS)
    assert.equal(await put(first, 'two-of-three'), 201)

    await second.stop()
    const statuses = await Promise.all([put(first, 'one-of-three', 2_000), put(third, 'from-the-copy', 2_000)])
    for (const status of statuses) assert.ok(status === 503 || status === 504, statuses.join())
    for (const key of ['one-of-three', 'from-the-copy', 'nothing']) {
      for (const peer of [first, third]) assert.equal((await peer.client.get(key, '?timeout=500')).status, 503)
    }
    await second.start()
    await second.ready()
    await until('puts succeed again', async () => (await put(first, `after/${Math.random()}`)) === 201, BACK_MS)
  })

  it('is a voter again, with every key and no warning, once its store is emptied', async () => {
    await third.stop()
    await rm(join(third.directory, 'store'), { recursive: true })
    await mkdir(join(third.directory, 'store'))
    await third.start()
    await until('it votes', async () => (await third.client.status()).role === 'voter', BACK_MS)
    await network.settled()
    await until('nobody warns', async () => !(await warns(first)) && !(await warns(second)), BACK_MS)
    for (let index = 0; index < 20; index += 1) assert.equal((await third.client.local(`before/${index}`)).status, 200)
    await second.stop()
    await until('its vote counts', async () => (await put(first, `new/${Math.random()}`)) === 201, BACK_MS)
    await second.start()
    await second.ready()
  })
})
