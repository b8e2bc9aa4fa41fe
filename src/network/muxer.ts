/**
 * The stream multiplexer: Yamux, kept from ending the process. The only place that names its
 * package.
 */
import { yamux } from '@chainsafe/libp2p-yamux'
import type { StreamMuxerFactory } from '@libp2p/interface'

/** Of Yamux's states of a stream: both ends know of it, and it is not paused. */
const ESTABLISHED = 3
/**
 * Between Yamux's own pings. They keep the connection from being taken for dead, and nothing else
 * here.
 */
const KEEP_ALIVE_MS = 120_000

/** What is used of Yamux's muxer beyond its port. */
interface Muxer {
  sendFrame(header: unknown, data?: unknown): boolean
  _newStream(...parameters: unknown[]): MuxedStream
}

interface MuxedStream {
  readonly state: number
  /** Bytes that the other end may still send, and those that it may send after the next update. */
  readonly recvWindowCapacity: number
  readonly recvWindow: number
  sendWindowUpdate(): void
}

/**
 * Yamux sends the first frame of a new stream from a bare microtask. When the other end closes the
 * connection in that very turn, the send throws where nobody can catch it, and any remote could end
 * this process so. A frame that can no longer be sent is dropped instead: the connection's own end,
 * which follows, closes every stream on it.
 *
 * And it answers each frame of data with one that opens the window again, which doubles the packets
 * of small messages. Here the window is opened again when half of it is used, as other
 * implementations do.
 */
export function steadyYamux(): () => StreamMuxerFactory {
  const create = yamux({ keepAliveInterval: KEEP_ALIVE_MS })
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection)
      dropUnsendable(muxer as unknown as Muxer)
      gatherWindowUpdates(muxer as unknown as Muxer)
      return muxer
    }
    return factory
  }
}

function dropUnsendable(muxer: Muxer): void {
  const sendFrame = muxer.sendFrame.bind(muxer)
  muxer.sendFrame = (header, data) => {
    try {
      return sendFrame(header, data)
    } catch (error) {
      if ((error as Error).name !== 'StreamStateError') throw error
      return false
    }
  }
}

function gatherWindowUpdates(muxer: Muxer): void {
  const newStream = muxer._newStream.bind(muxer)
  muxer._newStream = (...parameters) => {
    const stream = newStream(...parameters)
    const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
    stream.sendWindowUpdate = () => {
      if (stream.state !== ESTABLISHED || stream.recvWindowCapacity * 2 <= stream.recvWindow) sendWindowUpdate()
    }
    return stream
  }
}
