/**
 * What ends a peer at its start with exit code 1, and strangers who get neither keys nor a place.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { Network, freePort, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const ALONE = ['-min-peers', '1'] as const
/** On a machine with nothing else to do the first is enough. */
const JOINING_SECONDS = [2, 8, 60] as const
const OTHER_NETWORK = '0123456789abcdef0123456789abcdef'

let network: Network
/** A network of one peer that anybody may join, and one of its own with a secret. */
let open: PeerProcess
let closed: PeerProcess
let secretPath: string
before(async () => {
  network = await Network.create()
  secretPath = join(network.directory, 'secret')
  await writeFile(secretPath, 's'.repeat(40), { mode: 0o600 })
  open = await network.add({ flags: ALONE })
  closed = await network.add({ flags: [...ALONE, '-secret', secretPath] })
  await Promise.all([open, closed].map((peer) => peer.start()))
  await Promise.all([open, closed].map((peer) => peer.ready()))
})
after(() => network.close())

let lastName = 0
function freshDirectory(): string {
  lastName += 1
  return join(network.directory, `fresh-${lastName}`)
}

/** Starts a peer that is to fail; `-data` and the like may be given in the flags. */
async function startInVain(flags: readonly string[], directory = freshDirectory()): Promise<Finished> {
  const data = flags.includes('-data') ? [] : ['-data', directory]
  const listen = flags.includes('-listen') ? [] : ['-listen', '/ip4/127.0.0.1/tcp/0']
  const cluster = flags.includes('-cid') ? [] : ['-cid', 'cluster-1']
  return runToEnd(network.directory, [...cluster, '-log-level', 'silent', ...data, ...listen, ...flags])
}

/**
 * As `startInVain`, of one that is refused by whoever it asks: given longer and longer until it has
 * heard why.
 */
async function refusedAtJoining(flags: readonly string[], why: RegExp, directory = freshDirectory()): Promise<void> {
  for (const seconds of JOINING_SECONDS) {
    const finished = await startInVain(['-join-timeout', String(seconds), ...flags], directory)
    if (!why.test(finished.stderr) && seconds !== JOINING_SECONDS.at(-1)) continue
    assertRefused(finished, why)
    return
  }
}

function assertRefused({ code, stdout, stderr }: Finished, names: RegExp): void {
  assert.equal(code, 1, stdout + stderr)
  assert.match(stderr, /^replicator: [^\n]+\n$/)
  assert.match(stderr, names)
  assert.doesNotMatch(stdout, /New network|Replicator ready/)
}

/** These wait for time to pass, and for processes to load. */
const SIDE_BY_SIDE = { concurrency: 3 } as const

describe('a new peer gives up, in one line, when', SIDE_BY_SIDE, () => {
  it('no peer answers at the address it was given', async () => {
    const address = `/ip4/127.0.0.1/tcp/${await freePort()}`
    assertRefused(await startInVain(['-join-timeout', '1', '-peer', address]), new RegExp(address))
  })

  it('the peer at the address is another than the one named', async () => {
    const address = open.address.replace(open.peerId, closed.peerId)
    assertRefused(await startInVain(['-join-timeout', '2', '-peer', address]), /reached none/)
  })

  it('the network at the address is another than the one named', async () => {
    await refusedAtJoining(['-network', OTHER_NETWORK, '-peer', open.address], /refused: .*network/)
  })

  it('it is to reopen a network on an empty directory: it never founds', async () => {
    assertRefused(await startInVain(['-join-timeout', '1', '-network', open.networkId, ...ALONE]), /reached none/)
  })

  it('it was given its own address alone: it never founds either', async () => {
    const listen = `/ip4/127.0.0.1/tcp/${await freePort()}`
    assertRefused(await startInVain(['-join-timeout', '1', '-listen', listen, '-peer', listen, ...ALONE]), /reached none/)
  })
})

describe('a peer does not start when', SIDE_BY_SIDE, () => {
  it('its data directory is in use', async () => {
    assertRefused(await startInVain(['-data', open.directory, ...ALONE]), /in use/)
    assert.equal((await open.client.ask('GET', '/healthz')).status, 200)
  })

  it('a file is in the place of its data directory', async () => {
    assertRefused(await startInVain(['-data', secretPath, ...ALONE]), /secret/)
  })

  it('its data directory cannot be written', async () => {
    // Nobody, whatever the user, makes a directory there.
    assertRefused(await startInVain(['-data', '/proc/replicator', ...ALONE]), /cannot be written/)
  })

  it('its data directory belongs to another cluster, or to another network', async () => {
    const peer = await network.add({ flags: ALONE })
    await peer.start()
    await peer.kill()
    assertRefused(await startInVain(['-data', peer.directory, '-cid', 'cluster-2', ...ALONE]), /belongs to cluster cluster-1/)
    assertRefused(await startInVain(['-data', peer.directory, '-network', OTHER_NETWORK, ...ALONE]), /belongs to network/)
  })

  it('its HTTP port is taken', async () => {
    assertRefused(await startInVain(['-http', String(open.httpPort), ...ALONE]), /HTTP.*-http/)
  })

  it('the port it was told to listen on is taken', async () => {
    const listen = `/ip4/127.0.0.1/tcp/${open.libp2pPort}`
    assertRefused(await startInVain(['-listen', listen, ...ALONE]), /cannot listen/)
  })
})

describe('a network with a secret', () => {
  it('lets in nobody without it or with another, and shows them nothing', async () => {
    assert.equal((await closed.client.put('hidden', 'from strangers')).status, 201)
    const wrong = join(network.directory, 'wrong-secret')
    await writeFile(wrong, 'w'.repeat(40), { mode: 0o600 })
    for (const flags of [[], ['-secret', wrong]]) {
      const directory = freshDirectory()
      await refusedAtJoining(['-peer', closed.address, ...flags], /refused: .*secret/, directory)
      assert.ok(existsSync(directory))
      assert.deepEqual(
        (await closed.client.peers()).map(({ state }) => state),
        ['self'],
      )
    }
    assert.match((await closed.client.status()).warnings.join('\n'), /refused .*secret/)
    assert.match((await open.client.status()).warnings.join('\n'), /no -secret/)
  })

  it('lets in who has it', async () => {
    const member = await network.add({ flags: [...ALONE, '-secret', secretPath, '-peer', closed.address] })
    await member.start()
    await member.ready()
    assert.equal((await member.client.get('hidden')).body.toString(), 'from strangers')
    assert.deepEqual(
      (await closed.client.peers()).map(({ state }) => state),
      ['self', 'alive'],
    )
    await member.stop()
  })
})

describe('a member', () => {
  it('of one network that is pointed at another stays what it is, and warns', async () => {
    const member = await network.add({ flags: ALONE })
    await member.start()
    await member.ready()
    await member.stop()
    member.options = { flags: [...ALONE, '-peer', open.address] }
    await member.start()
    await member.ready()
    await until('it warns', async () => /other network/.test((await member.client.status()).warnings.join('\n')))
    assert.deepEqual(
      (await open.client.peers()).map(({ state }) => state),
      ['self'],
    )
    assert.equal((await member.client.put('mine', 'x')).status, 201)
    assert.equal((await open.client.get('mine')).status, 404)
    await member.stop()
  })
})
