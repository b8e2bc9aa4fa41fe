/**
 * Clients of a process that may open few files do not take those that its peers and its store need.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { after, before, it } from 'node:test'
import { Network, until } from './network.ts'

/** Runs a peer with so few that clients could take all of them. */
const FEW_FILES = ['sh', '-c', 'ulimit -n 70; exec "$@"', 'sh']
const IDLE = 100

let network: Network
before(async () => {
  network = await Network.create()
  await network.grow('cluster-1', 3, { wrapper: FEW_FILES })
  await network.settled()
})
after(() => network.close())

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

it('100 idle HTTP connections at each of three peers with 70 files do not cost the quorum, and the shortage is told', async () => {
  const sockets: Socket[] = []
  for (const { httpPort } of network.peers) for (let count = 0; count < IDLE; count += 1) sockets.push(await dial(httpPort))
  for (const [index, peer] of network.peers.entries()) {
    assert.equal((await peer.client.put(`beside/idle/${index}`, 'v')).status, 201)
    await until('all are up', async () => (await peer.client.status()).quorum['cluster-1']?.up === 3)
    const { warnings } = await peer.client.status()
    assert.ok(
      warnings.some((warning) => /only \d+ HTTP connections at once.*70 files/.test(warning)),
      warnings.join('\n'),
    )
  }
  // A peer that is started again needs new connections to the others, which have none to spare for
  // clients.
  const [, , last] = network.peers
  await last?.kill()
  await last?.start()
  await network.settled()
  for (const socket of sockets) socket.destroy()
})
