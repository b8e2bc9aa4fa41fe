/**
 * The secrets of a network are changed while it is written to: nobody is counted gone, and no put
 * fails.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fingerprintOf } from '../../src/network/proof.ts'
import { Network, holdTheSame, until } from './network.ts'
import type { PeerProcess } from './network.ts'
import { Writers, assertHeld } from './writers.ts'

const OLD = 'the old secret, which is long enough'
const NEW = 'the new secret, which is long enough too'
/** Files are seen to change within a second or so; what follows takes some more. */
const CHANGE_MS = 60_000

let network: Network
before(async () => {
  network = await Network.create()
})
after(() => network.close())

function fingerprint(line: string): string {
  return line === 'none' ? line : fingerprintOf(Buffer.from(line))
}

/** Peers of one cluster, each with a file of its own, in which these lines stand. */
async function sixPeers(clusterId: string, lines: readonly string[]): Promise<PeerProcess[]> {
  const peers: PeerProcess[] = []
  for (let index = 0; index < 6; index += 1) {
    const file = join(network.directory, `${clusterId}-${index}`)
    await writeFile(file, lines.join('\n'), { mode: 0o600 })
    const through = peers[0] === undefined ? [] : ['-peer', peers[0].address]
    const peer = await network.add({ clusterId, flags: ['-secret', file, ...through] })
    await peer.start()
    peers.push(peer)
  }
  for (const peer of peers) await peer.ready()
  await until('all are connected', () => areProvedBy(peers, [lines[0] ?? '']), CHANGE_MS)
  return peers
}

/** Every peer has proved one of these to every other. */
async function areProvedBy(peers: readonly PeerProcess[], lines: readonly string[]): Promise<boolean> {
  const views = await Promise.all(peers.map((peer) => peer.client.status()))
  const allowed = lines.map(fingerprint)
  return views.every(({ provedBy }) => {
    const proved = Object.values(provedBy)
    return proved.length === peers.length - 1 && proved.every((one) => allowed.includes(one))
  })
}

/** Writes the lines into each file, one peer after another, and waits until each goes by them. */
async function rewrite(clusterId: string, peers: readonly PeerProcess[], lines: readonly string[]): Promise<void> {
  for (const [index, peer] of peers.entries()) {
    await writeFile(join(network.directory, `${clusterId}-${index}`), lines.join('\n'))
    if (index === 0) peer.signal('SIGHUP')
    const expected = lines.map(fingerprint).join()
    await until(
      `${peer.name} goes by ${lines.length} lines`,
      async () => (await peer.client.status()).secrets.join() === expected,
      CHANGE_MS,
    )
  }
}

/** Looks all the time whether a peer counts another as gone, until it is stopped. */
function watchForGone(peers: readonly PeerProcess[]): { stop(): Promise<string[]> } {
  const gone: string[] = []
  const stopping = new AbortController()
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      for (const peer of peers) {
        for (const row of await peer.client.peers()) if (row.state === 'gone') gone.push(`${row.id} at ${peer.name}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await watching
      return gone
    },
  }
}

/** They wait for files to be read and for peers to dial again: side by side. */
describe('the secrets of a network, and whom it admits', { concurrency: 2 }, () => {
  describe('a peer with -admit', () => {
    it('lets in those that the file names, and warns when it is not among them itself', async () => {
      const file = join(network.directory, 'admit')
      await writeFile(file, '# nobody yet\n')
      const founder = await network.add({ clusterId: 'admitting', flags: ['-admit', file, '-min-peers', '1'] })
      await founder.start()
      await founder.ready()
      const warned = async (): Promise<boolean> =>
        (await founder.client.status()).warnings.some((text) => /^this peer .* is not among those of -admit/.test(text))
      await until('it is warned of', warned)
      const joiner = await network.add({
        clusterId: 'admitting',
        flags: ['-peer', founder.address, '-min-peers', '1', '-join-timeout', '120'],
      })
      await joiner.start()
      const isKnown = async (): Promise<boolean> => (await founder.client.peers()).some(({ id }) => id === joiner.peerId)
      await until('the joiner is refused', async () =>
        (await founder.client.status()).warnings.some((text) => text.startsWith(`refused ${joiner.peerId}: not among those of -admit`)),
      )
      assert.equal(await isKnown(), false)
      await writeFile(file, `${founder.peerId} # the founder\n${joiner.peerId}\n`)
      await until('the warning goes', async () => !(await warned()), CHANGE_MS)
      await until('the joiner is let in', isKnown, 2 * CHANGE_MS)
      await writeFile(file, `${founder.peerId}\n`)
      const isConnected = async (): Promise<boolean> => joiner.peerId in (await founder.client.status()).provedBy
      await until('it is disconnected', async () => !(await isConnected()), CHANGE_MS)
    })
  })

  describe('six peers under a light load change', { concurrency: 1 }, () => {
    for (const from of [OLD, 'none']) {
      it(`from ${from === OLD ? 'one secret to another' : 'no secret to their first'} without a peer counted gone or a put failed`, async () => {
        const clusterId = from === OLD ? 'rotating' : 'opening'
        const peers = await sixPeers(clusterId, [from])
        const writers = new Writers(peers.slice(0, 3), 1)
        const watch = watchForGone(peers)
        await rewrite(clusterId, peers, [from, NEW])
        await rewrite(clusterId, peers, [NEW, from])
        await rewrite(clusterId, peers, [NEW])
        await until('all are proved by the new one', () => areProvedBy(peers, [NEW]), CHANGE_MS)
        assert.deepEqual(await watch.stop(), [])
        await writers.stop()
        assert.deepEqual([...writers.refusals], [])
        assert.ok(writers.successes.length > 0)
        await until('all hold the same', () => holdTheSame(peers), CHANGE_MS)
        await assertHeld(peers[5] as PeerProcess, writers.successes)
        for (const peer of peers) await peer.stop()
      })
    }
  })

  describe('a bad file of secrets', () => {
    it('leaves what was in force, and is warned of until it is mended', async () => {
      const file = join(network.directory, 'mended')
      await writeFile(file, OLD, { mode: 0o600 })
      const peer = await network.add({ clusterId: 'mending', flags: ['-secret', file, '-min-peers', '1'] })
      await peer.start()
      await peer.ready()
      await writeFile(file, 'short')
      await until(
        'it is warned of',
        async () => (await peer.client.status()).warnings.some((text) => /-secret.*5 bytes/.test(text)),
        CHANGE_MS,
      )
      assert.deepEqual((await peer.client.status()).secrets, [fingerprint(OLD)])
      await writeFile(file, `${NEW}\n${OLD}\n`)
      await until('it is mended', async () => (await peer.client.status()).warnings.length === 0, CHANGE_MS)
      assert.deepEqual((await peer.client.status()).secrets, [NEW, OLD].map(fingerprint))
      await peer.stop()
    })
  })
})
