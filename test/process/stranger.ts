/** A libp2p peer without any code of ours on its stream: it says whatever bytes it is given. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { dhtService } from '../../src/discovery/dht-service.ts'
import { createLibp2pPeer } from '../../src/network/libp2p-peer.ts'
import type { Libp2pPeer } from '../../src/network/libp2p-peer.ts'

const PROTOCOL = '/p2p/rpc/replicator/2.0.0'

export class Stranger {
  readonly stream: Stream
  /** Bytes it was sent, as long as it reads. */
  receivedBytes = 0
  readonly #libp2p: Libp2pPeer
  readonly #connection: Connection

  private constructor(libp2p: Libp2pPeer, connection: Connection, stream: Stream) {
    this.#libp2p = libp2p
    this.#connection = connection
    this.stream = stream
    stream.addEventListener('message', ({ data }) => (this.receivedBytes += data.byteLength))
  }

  /**
   * Connects to a peer at its multiaddr and opens a stream of our protocol. Close it in the end.
   */
  static async at(address: string): Promise<Stranger> {
    const libp2p = await createLibp2pPeer({
      privateKey: await generateKeyPair('Ed25519'),
      listen: [],
      announce: [],
      dht: dhtService(),
      isDialled: () => true,
    })
    await libp2p.start()
    try {
      const connection = await libp2p.dial(multiaddr(address))
      return new Stranger(libp2p, connection, await connection.newStream(PROTOCOL))
    } catch (error) {
      await libp2p.stop()
      throw error
    }
  }

  /** True once the peer has cut the connection. */
  get isCut(): boolean {
    return this.#connection.status !== 'open'
  }

  /** It goes away, in the middle of whatever it was saying. */
  async close(): Promise<void> {
    await this.#libp2p.stop()
  }
}
