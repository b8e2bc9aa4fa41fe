/**
 * Facts at the edge, where production code that no simulated world runs meets streams and stores:
 * each is tried on a stand-in that behaves as badly as its contract allows. They are a tier of
 * their own for planted bugs.
 */
import type { Message } from '../../protocols/wire/messages.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { utf8 } from '../../src/bytes.ts'
import { isBulk } from '../../src/network/message-weight.ts'
import { ByteQueue, PIECE_BYTES } from '../../src/network/byte-queue.ts'
import { openForUse } from '../../src/peer/founding.ts'
import { MemoryStorage } from '../../src/storage/memory.ts'
import { messages } from '../unit/wire-examples.ts'
import { check } from './checkers/violation.ts'

export interface EdgeFact {
  readonly name: string
  /** @throws Violation when it is not so */
  readonly play: () => void | Promise<void>
}

/**
 * The answers of repair, a megabyte each, since a pull asks again, and what further types say is
 * like them: only they may wait behind one another.
 */
const ON_BULK: ReadonlySet<Message['kind']> = new Set(['doubts', 'hashes', 'leaves', 'records', 'rows-told', 'typed-bulk'] as const)

export const EDGE_FACTS: readonly EdgeFact[] = [
  { name: 'a drain that is told while a send is under way counts, also when that send says that the stream is full', play: drainedInSend },
  { name: 'a peer is not opened while the write of its raised ceiling is pending', play: openedOnceSynced },
  { name: 'only the answers of repair travel on the bulk stream', play: onlyAnswersAreBulk },
]

/**
 * A stream may drain before `send` returns, and say `drain` only then: whoever waits for another
 * one stands still for good.
 */
function drainedInSend(): void {
  let taken = 0
  const queue = new ByteQueue({
    send: (bytes) => {
      taken += bytes.length
      queue.drained()
      return false
    },
  })
  const bytes = PIECE_BYTES * 3 + 1
  queue.push([new Uint8Array(bytes)])
  check(taken === bytes, 'L6', () => `the stream took ${taken} of ${bytes} bytes, drained, and is given no more`)
  queue.push([new Uint8Array(1)])
  check(taken === bytes + 1, 'L6', () => 'what is pushed afterwards is not handed to a stream that has drained')
}

/** A store whose syncs end when they are told to. */
class PendingStorage extends MemoryStorage {
  sync: () => void = () => undefined

  override write(writes: Parameters<MemoryStorage['write']>[0]): Promise<void> {
    void super.write(writes)
    return new Promise((resolve) => (this.sync = resolve))
  }
}

async function openedOnceSynced(): Promise<void> {
  const storage = new PendingStorage()
  let isOpened = false
  const opening = openForUse(storage, new Codec(utf8), undefined).then((opened) => {
    isOpened = true
    return opened
  })
  // Whatever is due without the disk has happened by then.
  await new Promise((resolve) => setImmediate(resolve))
  check(!isOpened, 'S13', () => 'the peer is opened though its raised ceiling is not on disk')
  storage.sync()
  const { floor, ceiling } = await opening
  check(ceiling.round > floor.round, 'S8', () => `the ceiling is ${ceiling.round} after it was ${floor.round}`)
}

function onlyAnswersAreBulk(): void {
  for (const message of messages.values()) {
    const { kind } = message
    check(isBulk(message) === ON_BULK.has(kind), 'L6', () => `${kind} travels ${isBulk(message) ? '' : 'not '}on the bulk stream`)
  }
}
