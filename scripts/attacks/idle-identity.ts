/** Row 3: one identity with very many encrypted connections on which nothing is said. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { dial, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

const CONNECTIONS = 1_280
/**
 * Dialling at once. Each is a libp2p of its own with the same key, for one would use the connection
 * that is there.
 */
const DIALLERS = 4
const DIAL_MS_MAX = 25_000
/** Of one peer id at once, without a proof. */
const PER_PEER_MAX = 4

export const idleIdentity: Attack = {
  row: 3,
  name: 'idle-identity',
  against: ['secret', 'open'],
  async run({ victim, source, pressing }) {
    const privateKey = await generateKeyPair('Ed25519')
    const diallers = await Promise.all(Array.from({ length: DIALLERS }, () => stranger(source, { privateKey })))
    try {
      const deadlineMs = performance.now() + DIAL_MS_MAX
      let dialled = 0
      const keepDialling = async (libp2p: (typeof diallers)[number]): Promise<void> => {
        while (dialled < CONNECTIONS && performance.now() < deadlineMs) {
          dialled += 1
          await dial(libp2p, victim.address, true).catch(() => pause(20))
        }
      }
      const pressed = pause(DIAL_MS_MAX / 3).then(pressing)
      await Promise.all(diallers.map(keepDialling))
      await pause(500)
      const openNow = diallers.reduce((sum, libp2p) => sum + libp2p.getConnections().filter(({ status }) => status === 'open').length, 0)
      await pressed
      return [finding(openNow <= PER_PEER_MAX, `${dialled} dialled, ${openNow} open at once`)]
    } finally {
      for (const libp2p of diallers) await libp2p.stop()
    }
  },
}
