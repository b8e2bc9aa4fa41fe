/** Row 11: what a stranger learns by only connecting. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { dial, MAIN_PROTOCOLS, openStream, stranger } from './stranger.ts'
import { pause } from './waiting.ts'

const LISTEN_MS = 2_000

export const greeting: Attack = {
  row: 11,
  name: 'greeting',
  against: ['secret'],
  async run({ victim, networkId, source, pressing }) {
    const libp2p = await stranger(source)
    try {
      const connection = await dial(libp2p, victim.address)
      const told: Uint8Array[] = []
      const stream = await openStream(connection, MAIN_PROTOCOLS)
      stream?.addEventListener('message', ({ data }) => told.push(data.subarray()))
      await pause(LISTEN_MS)
      stream?.send(Buffer.from('00000021 01'.replace(' ', ''), 'hex'))
      stream?.send(Buffer.alloc(32, 7))
      await pressing()
      const bytes = Buffer.concat(told)
      const secrets = { network: Buffer.from(networkId, 'hex'), cluster: Buffer.from('cluster-1'), addresses: Buffer.from('/ip4/') }
      const leaked = Object.entries(secrets).filter(([, value]) => bytes.includes(value))
      const names = leaked.length === 0 ? 'nothing of the network' : leaked.map(([name]) => name).join(', ')
      return [finding(leaked.length === 0, `a stranger is told ${bytes.length} bytes: ${names}`)]
    } finally {
      await libp2p.stop()
    }
  },
}
