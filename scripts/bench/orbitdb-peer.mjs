/**
 * One peer of OrbitDB for `sets-orbitdb.ts`, which copies this file to where OrbitDB is installed
 * and runs it there: a key-value store over libp2p on loopback, all of it on disk. Questions come
 * as messages from its parent.
 */
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { IPFSAccessController, createOrbitDB } from '@orbitdb/core'
import { LevelBlockstore } from 'blockstore-level'
import { createHelia } from 'helia'
import { createLibp2p } from 'libp2p'

const [directory] = process.argv.slice(2)
const libp2p = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
})
const ipfs = await createHelia({ libp2p, blockstore: new LevelBlockstore(join(directory, 'blocks')) })
const orbitdb = await createOrbitDB({ ipfs, directory: join(directory, 'orbitdb') })
let store

const answers = {
  async open({ address = 'bench', peers }) {
    for (const peer of peers) await libp2p.dial(multiaddr(peer))
    store = await orbitdb.open(address, { type: 'keyvalue', AccessController: IPFSAccessController({ write: ['*'] }) })
    return { address: store.address, peers: libp2p.getMultiaddrs().map(String) }
  },
  async put({ count }) {
    for (let number = 0; number < count; number += 1) await store.put(`element ${number}`, 1)
    return {}
  },
  async count() {
    let count = 0
    for await (const entry of store.iterator()) count += entry === undefined ? 0 : 1
    return { count }
  },
}

process.on('message', async ({ kind, facts }) => {
  try {
    process.send({ answer: await answers[kind](facts) })
  } catch (error) {
    process.send({ error: error.stack })
  }
})
process.send({ answer: {} })
