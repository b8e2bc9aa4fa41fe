/**
 * The messages of the DHT, as far as attackers write and read them: a peer that answers others'
 * questions with lies.
 */
import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as digest from 'multiformats/hashes/digest'
import { bytesField, numberField } from './protobuf.ts'
import { DHT_PROTOCOL } from './stranger.ts'
import type { Stranger } from './stranger.ts'

export const ADD_PROVIDER = 2
const GET_PROVIDERS = 3

/** Of a message: type, key, providers. Of a provider: id and addresses. */
export const Field: { readonly type: 1; readonly key: 2; readonly providers: 9; readonly id: 1; readonly addresses: 2 } = {
  type: 1,
  key: 2,
  providers: 9,
  id: 1,
  addresses: 2,
}

const SHA_256 = 0x12
const MESSAGE_BYTES_MAX = 4_194_304

/** A key of the DHT made of 32 bytes. */
export function cidOf(hash: Uint8Array): Uint8Array {
  return CID.createV1(raw.code, digest.create(SHA_256, hash)).bytes
}

/** A provider as it stands in an answer. @param id the bytes of its multihash */
export function provider(id: Uint8Array, addresses: readonly string[]): Uint8Array {
  return Buffer.concat([bytesField(Field.id, id), ...addresses.map((address) => bytesField(Field.addresses, multiaddr(address).bytes))])
}

/**
 * Serves the DHT, and answers each question for providers with these. @returns how often it was
 * asked
 */
export async function serveLies(libp2p: Stranger, providers: () => readonly Uint8Array[]): Promise<() => number> {
  let asked = 0
  await libp2p.handle(DHT_PROTOCOL, async (stream: Stream, _connection: Connection) => {
    const messages = lpStream(stream, { maxDataLength: MESSAGE_BYTES_MAX })
    for (;;) {
      const question = (await messages.read()).subarray()
      // A key comes behind the type, which is left out where it is 0.
      const type = question[0] === Field.type * 8 ? (question[1] ?? 0) : 0
      if (type === GET_PROVIDERS) asked += 1
      const lies = type === GET_PROVIDERS ? providers().map((bytes) => bytesField(Field.providers, bytes)) : []
      await messages.write(Buffer.concat([numberField(Field.type, type), ...lies]))
    }
  })
  return () => asked
}
