/** Row 14: one frame of sixteen megabytes, full of peers that a member says it knows. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { joinAsMember, messagesFrame } from './member.ts'
import { varint } from './protobuf.ts'
import { sendAll } from './stranger.ts'
import { pause } from './waiting.ts'

const ROSTER = 10
const ENTRIES = 256
const FRAME_BYTES = 16_500_000
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE = 58

/** Different from one another, each of the form of a peer id. */
function peerId(index: number): string {
  let text = ''
  for (let rest = index; text.length < 8; rest = Math.floor(rest / BASE)) text += ALPHABET[rest % BASE] ?? ''
  return `12D3KooW${text}${'a'.repeat(36)}`
}

function sized(text: string): Buffer {
  return Buffer.concat([varint(text.length), Buffer.from(text)])
}

function roster(first: number): Buffer {
  const entries = Array.from({ length: ENTRIES }, (_, index) => {
    const at = first + index
    const addresses = [sized(`/ip4/10.${(at >> 16) & 0xff}.${(at >> 8) & 0xff}.${at & 0xff}/tcp/4001`)]
    return Buffer.concat([sized(peerId(at)), sized('cluster-1'), varint(addresses.length), ...addresses])
  })
  return Buffer.concat([Buffer.of(ROSTER), varint(ENTRIES), ...entries])
}

export const largeRoster: Attack = {
  row: 14,
  name: 'large-roster',
  against: ['secret'],
  async run({ victim, source: _source, pressing, ...joining }) {
    const member = await joinAsMember({ ...joining, address: victim.address })
    try {
      const messages: Buffer[] = []
      for (let bytes = 0; bytes < FRAME_BYTES; bytes += messages.at(-1)?.length ?? 0) messages.push(roster(messages.length * ENTRIES))
      messages.pop()
      const isSent = await sendAll(member.stream, messagesFrame(1, messages))
      await pause(2_000)
      await pressing()
      return [
        finding(
          true,
          `${messages.length} rosters of ${ENTRIES} peers ${isSent ? 'sent' : 'cut short'}, the member is ${member.isCut ? 'cut' : 'kept'}`,
        ),
      ]
    } finally {
      await member.stop()
    }
  },
}
