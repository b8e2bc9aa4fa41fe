/**
 * The data directory goes away under a running peer: what is written then is nowhere, so nothing
 * more may be acknowledged.
 */
import assert from 'node:assert/strict'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1'] as const
const CLIENTS = 4
const LAST_LINE =
  /^replicator: .* (is not what this peer has open|did not take a write: .* is not what this peer has open).*deleted, moved or replaced/

let network: Network
before(async () => {
  network = await Network.create()
})
after(() => network.close())

async function started(): Promise<PeerProcess> {
  const peer = await network.add({ flags: ALONE })
  await peer.start()
  await peer.ready()
  return peer
}

async function endsWithOneLine(peer: PeerProcess): Promise<void> {
  assert.deepEqual(await peer.ended(), { code: 1, signal: null })
  assert.match(peer.log.trimEnd().split('\n').at(-1) ?? '', LAST_LINE)
}

describe('a peer whose data directory goes away under it', () => {
  it('acknowledges nothing more under load, and ends with one line', async () => {
    const peer = await started()
    /** When each put that was acknowledged was begun. */
    const begunAtMs: number[] = []
    let last = 0
    const client = async (): Promise<void> => {
      while (peer.isRunning) {
        const nowMs = performance.now()
        const reply = await peer.client.put(`key/${(last += 1)}`, 'kept').catch(() => undefined)
        if (reply?.status === 201) begunAtMs.push(nowMs)
        if (reply === undefined) return
      }
    }
    const clients = Array.from({ length: CLIENTS }, client)
    await until('clients are served', () => begunAtMs.length > 20)
    await rm(peer.directory, { recursive: true, maxRetries: 5 })
    const deletedAtMs = performance.now()
    await Promise.all(clients)
    await endsWithOneLine(peer)
    // It was written into files without a name.
    assert.deepEqual(
      begunAtMs.filter((atMs) => atMs > deletedAtMs),
      [],
    )
  })

  it('ends by itself while nobody writes', async () => {
    const peer = await started()
    await rename(peer.directory, `${peer.directory}-moved`)
    await endsWithOneLine(peer)
    await rename(`${peer.directory}-moved`, peer.directory)
    await peer.start()
    await peer.ready()
    await peer.stop()
  })

  it('takes no other directory in its place for its own', async () => {
    const peer = await started()
    await rename(join(peer.directory, 'store'), join(peer.directory, 'other'))
    await mkdir(join(peer.directory, 'store'))
    await endsWithOneLine(peer)
  })
})
