/**
 * What peers say to one another, almost right: frames of our protocol before and after the proof,
 * and the messages of DHT and identify, which libp2p reads before we do.
 */
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import type { Chance } from '../../test/simulation/chance.ts'
import { examples, messages } from '../../test/unit/wire-examples.ts'
import { cidOf, Field, provider } from '../attacks/dht-messages.ts'
import { joinAsMember, messagesFrame } from '../attacks/member.ts'
import type { Member } from '../attacks/member.ts'
import { bytesField, delimited, numberField, varint } from '../attacks/protobuf.ts'
import { DHT_PROTOCOL, dial, identifyAs, MAIN_PROTOCOLS, openStream, sendAll, stranger } from '../attacks/stranger.ts'
import type { Stranger } from '../attacks/stranger.ts'
import { pause } from '../attacks/waiting.ts'
import { mutated } from './mutate.ts'
import type { Subject } from './subject.ts'
import { Found } from './subject.ts'

const SOURCE = '127.0.0.66'
const codec = new Codec(utf8)
const MESSAGES = [...messages.values()].map((message) => Buffer.from(codec.encodeMessage(message)))
const FRAMES = examples.filter(({ name }) => name.startsWith('frame: ')).map((example) => Buffer.from(example.encode(codec)))
/** Before the proof: greetings and proofs, and messages that come too early. */
const EARLY = [...FRAMES, Buffer.concat(FRAMES), messagesFrame(1, MESSAGES.slice(0, 3))]
/** Of one case. A member that is cut joins again, which takes a while. */
const SENDS = 10
/** What a stranger may be sent before it has proved anything; a greeting and a proof are less. */
const TOLD_BYTES_MAX = 12_000
const SETTLE_MS = 20
const CUT_MS = 60
const BIG_ADDRESSES = 40
const PROTOCOLS = 3
const LISTEN_ADDRESSES = 2
const OBSERVED = 4
const AGENT = 6

const SOMEBODY = peerIdFromString('12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo').toMultihash().bytes
const KEY = bytesField(Field.key, cidOf(new Uint8Array(32).fill(7)))
const LIE = provider(SOMEBODY, ['/ip4/10.0.0.1/tcp/1'])
const DHT_MESSAGES: readonly Uint8Array[] = [0, 1, 2, 3, 4, 5].map((type) =>
  Buffer.concat([numberField(Field.type, type), KEY, bytesField(3, KEY), bytesField(8, LIE), bytesField(Field.providers, LIE)]),
)
const ADDRESS = Buffer.from('047f000001060fa1', 'hex')
const IDENTIFY_MESSAGES: readonly Uint8Array[] = [
  Buffer.concat([
    bytesField(AGENT, Buffer.from('fuzz')),
    bytesField(PROTOCOLS, Buffer.from(DHT_PROTOCOL)),
    bytesField(LISTEN_ADDRESSES, ADDRESS),
  ]),
  Buffer.concat([...Array.from({ length: BIG_ADDRESSES }, () => bytesField(LISTEN_ADDRESSES, ADDRESS)), bytesField(OBSERVED, ADDRESS)]),
]

/** Keeps a stranger and a member, and makes new ones when the peer has cut them off. */
export class PeerFuzzer {
  readonly #subject: Subject
  readonly #root: string
  #stranger: Stranger | undefined
  #member: Member | undefined
  #identifying: Uint8Array = IDENTIFY_MESSAGES[0] ?? new Uint8Array(0)

  constructor(subject: Subject, root: string) {
    this.#subject = subject
    this.#root = root
  }

  /** Frames of a stranger. */
  async beforeProof(chance: Chance): Promise<number> {
    const bytes = mutated(chance, EARLY)
    const [, connection] = await this.#connected()
    const stream = connection && (await openStream(connection, MAIN_PROTOCOLS))
    if (connection === undefined || stream === undefined) return 0
    let toldBytes = 0
    stream.addEventListener('message', ({ data }) => (toldBytes += data.byteLength))
    await sendAll(stream, bytes)
    await pause(SETTLE_MS)
    if (toldBytes > TOLD_BYTES_MAX) throw new Found(`a stranger was told ${toldBytes} bytes`)
    stream.abort(new Error('enough'))
    await connection.close().catch(() => {})
    return 1
  }

  /** Messages of a member, and frames. */
  async afterProof(chance: Chance): Promise<number> {
    const frames = Array.from({ length: SENDS }, () =>
      chance.happens(0.8)
        ? messagesFrame(
            chance.below(1_000),
            Array.from({ length: chance.between(1, 3) }, () => mutated(chance, MESSAGES)),
          )
        : mutated(chance, FRAMES),
    )
    for (const frame of frames) {
      if (this.#member?.isCut !== false) await this.#joinAgain()
      const { stream } = this.#member ?? {}
      if (stream === undefined) return 0
      await sendAll(stream, frame)
      await pause(1)
    }
    return frames.length
  }

  /** Messages of the DHT, of a member and of a stranger. */
  async dht(chance: Chance): Promise<number> {
    const sends = Array.from({ length: SENDS }, () => framed(chance, mutated(chance, DHT_MESSAGES)))
    if (this.#member?.isCut !== false) await this.#joinAgain()
    const [, connection] = await this.#connected()
    for (const to of [this.#member?.connection, connection]) {
      for (const bytes of sends) await sendOnce(to, DHT_PROTOCOL, bytes)
    }
    return 2 * sends.length
  }

  /** What is answered when the peer asks who we are, as it does on each new connection. */
  async identify(chance: Chance): Promise<number> {
    for (let answer = 0; answer < SENDS; answer += 1) {
      this.#identifying = framed(chance, mutated(chance, IDENTIFY_MESSAGES))
      await this.#stranger?.hangUp(peerIdFromString(this.#subject.peer.peerId)).catch(() => {})
      await this.#connected()
      await pause(SETTLE_MS)
    }
    return SENDS
  }

  async stop(): Promise<void> {
    await this.#member?.stop()
    await this.#stranger?.stop()
  }

  /** A stranger that is let in no more has nothing to say; the peer is looked at all the same. */
  async #connected(): Promise<readonly [Stranger, Connection | undefined]> {
    const libp2p = (this.#stranger ??= await this.#makeStranger())
    const connection = await dial(libp2p, this.#subject.peer.address).catch(() => undefined)
    return [libp2p, connection]
  }

  async #makeStranger(): Promise<Stranger> {
    const libp2p = await stranger(SOURCE)
    await identifyAs(libp2p, () => this.#identifying)
    return libp2p
  }

  async #joinAgain(): Promise<void> {
    await this.#member?.stop()
    this.#member = undefined
    const { peer, secretPath } = this.#subject
    this.#member = await joinAsMember({ root: this.#root, networkId: peer.networkId, secretPath, address: peer.address }).catch(
      () => undefined,
    )
  }
}

/** With the right length before it, mostly. */
function framed(chance: Chance, message: Uint8Array): Uint8Array {
  return chance.happens(0.8) ? delimited(message) : Buffer.concat([varint(chance.below(5_000_000)), message])
}

async function sendOnce(connection: Connection | undefined, protocol: string, bytes: Uint8Array): Promise<void> {
  const stream = connection?.status === 'open' ? await openStream(connection, protocol) : undefined
  if (stream === undefined) return
  await sendAll(stream, bytes, CUT_MS)
  void stream.close().catch(() => {})
}
