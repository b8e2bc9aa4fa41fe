/**
 * libp2p's identify, which tells each who the other is. It answers a stream without ever reading from it, so that whatever the other
 * end sends besides would wait in memory, 4 MB of it, for as long as the stream is left open.
 */
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import { withParts } from '../parts.ts'

/** Bytes that may wait unread. Nobody has to send any. */
const UNREAD_BYTES_MAX = 1_024

type Components = Parameters<ReturnType<typeof identify>>[0]
type Registrar = Components['registrar']

/** For `services.identify` of libp2p. */
export function boundedIdentify(): (components: Components) => Identify {
  const create = identify()
  return (components) => {
    const { registrar } = components
    const handle: Registrar['handle'] = (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          stream.maxReadBufferLength = UNREAD_BYTES_MAX
          return handler(stream, connection)
        },
        options,
      )
    return create(withParts(components, { registrar: withParts(registrar, { handle }) }))
  }
}
