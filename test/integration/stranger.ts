/** A peer of no code of ours, and bytes that no peer of ours sends. */
import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../protocols/base/identity.ts'
import { FRAME_BYTES_MAX, FrameReader, Frames } from '../../protocols/wire/frames.ts'
import type { Frame } from '../../protocols/wire/frames.ts'
import type { Greeting } from '../../protocols/wire/greeting.ts'
import { dhtService } from '../../src/discovery/dht-service.ts'
import { createLibp2pPeer } from '../../src/network/libp2p-peer.ts'
import type { Libp2pPeer } from '../../src/network/libp2p-peer.ts'
import { makeProof } from '../../src/network/proof.ts'
import { codec } from '../contract/network-harness.ts'
import type { NetworkPeer } from '../contract/network-harness.ts'
import { Told, identityOf, until } from '../contract/transport.ts'

const PROTOCOL = '/p2p/rpc/replicator/2.0.0'
export const BULK_PROTOCOL = '/p2p/rpc/replicator/bulk/1.0.0'

export const NONCE: Uint8Array = new Uint8Array(32).fill(5)

/** A libp2p peer without any code of ours on its stream. Whoever makes one stops its `libp2p`. */
export class Stranger {
  readonly libp2p: Libp2pPeer
  readonly connection: Connection
  readonly stream: Stream
  readonly frames: Frames = new Frames(codec)
  readonly received: Frame[] = []
  readonly #reader: FrameReader = new FrameReader(codec, FRAME_BYTES_MAX)

  constructor(libp2p: Libp2pPeer, connection: Connection, stream: Stream) {
    this.libp2p = libp2p
    this.connection = connection
    this.stream = stream
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) this.received.push(...this.#reader.push(chunk))
    })
  }

  /** @param listen where it says that it can be found */
  static async at(peer: NetworkPeer, listen: readonly string[] = []): Promise<Stranger> {
    const libp2p = await createLibp2pPeer({
      privateKey: await generateKeyPair('Ed25519'),
      listen,
      announce: [],
      dht: dhtService(),
      isDialled: () => true,
    })
    await libp2p.start()
    const connection = await libp2p.dial(multiaddr(peer.transport.addresses()[0]))
    return new Stranger(libp2p, connection, await connection.newStream(PROTOCOL))
  }

  /** Opens another stream on the same connection. */
  async bulk(): Promise<Stranger> {
    return new Stranger(this.libp2p, this.connection, await this.connection.newStream(BULK_PROTOCOL))
  }

  get peerId(): PeerId {
    return this.libp2p.peerId.toString() as PeerId
  }

  greeting(): Greeting {
    return new Told(identityOf(this.peerId)).greeting()
  }

  /** Proves itself and greets as a member would. */
  async join(secret?: Uint8Array): Promise<void> {
    await this.prove(secret)
    await until('it is greeted', () => this.received.some(({ kind }) => kind === 'greeting'))
    this.stream.send(this.frames.greeting(this.greeting()))
  }

  /** Says its nonce, and its proof when it has that of the other end. */
  async prove(secret?: Uint8Array): Promise<void> {
    this.stream.send(this.frames.nonce(NONCE))
    await until('the nonce comes', () => this.received.some(({ kind }) => kind === 'nonce'))
    const theirs = this.received.flatMap((frame) => (frame.kind === 'nonce' ? [frame.nonce] : []))[0]
    assert.ok(theirs !== undefined)
    const receiver = this.connection.remotePeer.toString() as PeerId
    const subject = { sender: this.peerId, receiver, senderNonce: NONCE, receiverNonce: theirs }
    this.stream.send(this.frames.proof(makeProof(secret, subject)))
  }

  get isCut(): boolean {
    return this.connection.status !== 'open'
  }
}

/** The length and the type of a frame, without its body. */
export function header(length: number, type: number): Uint8Array {
  const bytes = new Uint8Array(5)
  new DataView(bytes.buffer).setUint32(0, length)
  bytes[4] = type
  return bytes
}
