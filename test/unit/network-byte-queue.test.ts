import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteQueue, PIECE_BYTES } from '../../src/network/byte-queue.ts'

/** A stream that takes so many pieces and is then full. */
class Sink {
  readonly pieces: Uint8Array[] = []
  room: number

  constructor(room: number) {
    this.room = room
  }

  send(bytes: Uint8Array): boolean {
    this.pieces.push(bytes.slice())
    this.room -= 1
    return this.room > 0
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

function frame(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (first + index) % 251)
}

describe('a queue of bytes', () => {
  it('small frames that wait together leave as one piece', () => {
    const sink = new Sink(1)
    const queue = new ByteQueue(sink)
    queue.push([frame(10, 0)])
    queue.push([frame(20, 10)])
    queue.push([frame(30, 30), frame(5, 60)])
    assert.equal(queue.waitingBytes, 55)
    sink.room = 10
    queue.drained()
    assert.deepEqual(
      sink.pieces.map(({ length }) => length),
      [10, 55],
    )
    assert.equal(queue.waitingBytes, 0)
  })

  it('a large frame is cut into pieces of the best size', () => {
    const sink = new Sink(100)
    new ByteQueue(sink).push([frame(PIECE_BYTES * 2 + 7, 0)])
    assert.deepEqual(
      sink.pieces.map(({ length }) => length),
      [PIECE_BYTES, PIECE_BYTES, 7],
    )
  })

  it('a full stream gets nothing until it says drain', () => {
    const sink = new Sink(2)
    const queue = new ByteQueue(sink)
    queue.push([frame(PIECE_BYTES * 5, 0)])
    assert.equal(sink.pieces.length, 2)
    assert.equal(queue.waitingBytes, PIECE_BYTES * 3)
    queue.push([frame(1, 0)])
    assert.equal(sink.pieces.length, 2)
  })

  it('a stream that drains while it is written to is not written to twice at once', () => {
    const sink = new Sink(1_000)
    const queue = new ByteQueue({
      send: (bytes) => {
        queue.drained()
        return sink.send(bytes)
      },
    })
    queue.push([frame(PIECE_BYTES * 3 + 1, 3)])
    assert.deepEqual(sink.bytes, Buffer.from(frame(PIECE_BYTES * 3 + 1, 3)))
  })

  it('whatever the sizes and the pauses, the bytes arrive in order', () => {
    // A fixed sequence that looks random, so that a failure is the same the next time.
    let state = 12_345
    const below = (limit: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state % limit
    }
    const sink = new Sink(1)
    const queue = new ByteQueue(sink)
    const sent: Uint8Array[] = []
    for (let step = 0; step < 6_000; step += 1) {
      const bytes = frame(1 + below(step % 50 === 0 ? 200_000 : 300), below(251))
      sent.push(bytes)
      queue.push([bytes])
      sink.room = Math.max(sink.room, below(4))
      if (sink.room > 0) queue.drained()
    }
    while (queue.waitingBytes > 0) {
      sink.room = 3
      queue.drained()
    }
    assert.ok(sink.bytes.equals(Buffer.concat(sent)))
    assert.ok(sink.pieces.every(({ length }) => length <= PIECE_BYTES))
  })

  it('cleared, it holds nothing', () => {
    const queue = new ByteQueue(new Sink(1))
    queue.push([frame(PIECE_BYTES * 9, 0)])
    queue.clear()
    assert.equal(queue.waitingBytes, 0)
  })
})
