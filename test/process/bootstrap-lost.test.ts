/**
 * The peer that everybody joined through is gone for good: newcomers come in through others, and
 * old members find their way back.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { Network, PeerProcess, freePort, until } from './network.ts'

/** A join, a search and a dial or two, beside other work. */
const FIND_MS = 60_000

let network: Network
let members: PeerProcess[]
before(async () => {
  network = await Network.create()
  const [bootstrap, ...others] = await network.grow('cluster-1', 4)
  assert.ok(bootstrap !== undefined)
  members = others
  await Promise.all(network.peers.map((peer) => peer.ready()))
  await untilAllSeeAll(network.peers)
  await bootstrap.kill()
})
after(() => network.close())

/** Each of these peers sees every other of them alive. */
async function untilAllSeeAll(peers: readonly PeerProcess[]): Promise<void> {
  await until(
    'all see all',
    async () => {
      const views = await Promise.all(peers.map((peer) => peer.client.peers()))
      return views.every((view) => {
        const up: string[] = view.filter(({ state }) => state === 'alive' || state === 'self').map(({ id }) => id)
        return peers.every(({ peerId }) => up.includes(peerId))
      })
    },
    FIND_MS,
  )
}

describe('after the bootstrap peer died for good', () => {
  it('a newcomer joins through any other member, and all find one another', async () => {
    const last = members.at(-1)
    assert.ok(last !== undefined)
    const newcomer = await network.add({ clusterId: 'cluster-1', flags: ['-peer', last.address] })
    await newcomer.start()
    await newcomer.ready()
    members.push(newcomer)
    await untilAllSeeAll(members)
    assert.equal((await newcomer.client.put('from/newcomer', 'value')).status, 201)
  })

  it('a member that restarts elsewhere finds the others where they were, though the one peer it was told of is dead', async () => {
    const [member, ...others] = members
    assert.ok(member !== undefined)
    await member.kill()
    // At another address, so that it is not they who find it.
    const moved = new PeerProcess(member.name, member.directory, [member.httpPort, await freePort()], member.options)
    network.peers.push(moved)
    await moved.start()
    await moved.ready()
    await untilAllSeeAll([moved, ...others])
    assert.equal((await moved.client.get('from/newcomer')).body.toString(), 'value')
  })
})
