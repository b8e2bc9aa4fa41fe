/** The stream multiplexer: Yamux, kept from ending the process. The only place that names its package. */
import { yamux } from '@chainsafe/libp2p-yamux'
import type { StreamMuxerFactory } from '@libp2p/interface'

/** What is used of Yamux's muxer beyond its port. */
interface FrameSender {
  sendFrame(header: unknown, data?: unknown): boolean
}

/**
 * Yamux sends the first frame of a new stream from a bare microtask. When the other end closes the connection in that very
 * turn, the send throws where nobody can catch it, and any remote could end this process so. A frame that can no longer be
 * sent is dropped instead: the connection's own end, which follows, closes every stream on it.
 */
export function steadyYamux(): () => StreamMuxerFactory {
  const create = yamux()
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    factory.createStreamMuxer = (connection) => {
      const muxer = createStreamMuxer(connection)
      dropUnsendable(muxer as unknown as FrameSender)
      return muxer
    }
    return factory
  }
}

function dropUnsendable(muxer: FrameSender): void {
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
