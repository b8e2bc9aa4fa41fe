/** Row 12: a member tells of a record whose content type is no value of a header. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { joinAsMember, messagesFrame } from './member.ts'
import { varint } from './protobuf.ts'
import { exchange, requestText } from './raw-http.ts'
import { sendAll } from './stranger.ts'
import { pause } from './waiting.ts'

const LEARN = 4
const DATA_SPACE = 0
const NO_BALLOT = 0
const WITH_RECORD = 1
const TOLD_TO_NOBODY = 0

function sized(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** As `protocols/wire/README.md` has it. */
function learn(key: string, contentType: string): Buffer {
  const record = Buffer.concat([sized('w-1'), sized(contentType), varint(1_700_000_000_000), sized('value')])
  return Buffer.concat([Buffer.of(LEARN, DATA_SPACE), sized(key), Buffer.of(NO_BALLOT, WITH_RECORD), record, Buffer.of(TOLD_TO_NOBODY)])
}

export const badContentType: Attack = {
  row: 12,
  name: 'bad-content-type',
  against: ['secret'],
  async run({ victim, source, pressing, ...joining }) {
    const member = await joinAsMember({ ...joining, address: victim.address })
    try {
      await sendAll(member.stream, messagesFrame(1, [learn('poisoned', 'text/plain\r\nX-Evil: 1')]))
      await pause(1_000)
      await pressing()
      const { status } = await exchange(victim.httpPort, source, requestText('GET', '/store/poisoned', ['Host: localhost']))
      return [
        finding(status === 404, `the key answers ${status}`),
        finding(member.isCut, `the member is ${member.isCut ? 'cut' : 'not cut'}`),
      ]
    } finally {
      await member.stop()
    }
  },
}
