/**
 * Row 8: an answer of the DHT that names a thousand peers who do not exist, all at an address of
 * the attacker's choice.
 */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { provider, serveLies } from './dht-messages.ts'
import { dial, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

const INVENTED = 1_000
/** Whose peers would be made to dial it. */
const THIRD_PARTY = '127.0.0.77'
const VICTIM = 0
const COUNT_MS = 40_000
/** A minute. */
const DIALS_MAX = 30

export const inventedProviders: Attack = {
  row: 8,
  name: 'invented-providers',
  against: ['secret', 'open'],
  stops: [VICTIM],
  async run({ victim, source, stop, start, pressing }) {
    let dials = 0
    const server = createServer((socket) => {
      dials += 1
      socket.on('error', () => {}).destroy()
    })
    server.listen(0, THIRD_PARTY)
    await once(server, 'listening')
    const address = `/ip4/${THIRD_PARTY}/tcp/${(server.address() as AddressInfo).port}`
    const keys = await Promise.all(Array.from({ length: INVENTED }, () => generateKeyPair('Ed25519')))
    const invented = keys.map((key) => provider(peerIdFromPrivateKey(key).toMultihash().bytes, [address]))
    const libp2p = await stranger(source, { isReachable: true })
    try {
      const asked = await serveLies(libp2p, () => invented)
      await stop(VICTIM)
      await start(VICTIM)
      const keepDialling = setInterval(() => void dial(libp2p, victim.address).catch(() => {}), 500)
      const sinceMs = performance.now()
      await pause(3_000)
      await pressing()
      await pause(Math.max(0, COUNT_MS - (performance.now() - sinceMs)))
      clearInterval(keepDialling)
      return [finding(dials <= DIALS_MAX, `the liar was asked ${asked()} times; ${dials} dials of a third party in ${COUNT_MS / 1_000} s`)]
    } finally {
      await libp2p.stop()
      server.close()
    }
  },
}
