/**
 * libp2p's identify, which tells each who the other is: where it listens, and all that it speaks.
 * Whoever has yet to prove itself is told nothing of that but libp2p's own protocols, and is not
 * asked either: once it has proved itself, `network.ts` has it asked.
 *
 * It answers a stream without ever reading from it, so that whatever the other end sends besides
 * would wait in memory, 4 MB of it, for as long as the stream is left open.
 */
import { identify } from '@libp2p/identify'
import type { Identify } from '@libp2p/identify'
import { withParts } from '../parts.ts'

/** Bytes that may wait unread. Nobody has to send any. */
const UNREAD_BYTES_MAX = 1_024
/** What every libp2p speaks: identify itself, and ping. */
const LIBP2P_PROTOCOL = '/ipfs/'

type Components = Parameters<ReturnType<typeof identify>>[0]
type Registrar = Components['registrar']
type Handler = Parameters<Registrar['handle']>[1]

/** What is used of identify beyond its port. */
interface Answering {
  readonly handleProtocol: Handler
}

/** For `services.identify` of libp2p. @param isTold false: a stranger to whom nothing is told */
export function guardedIdentify(isTold: (peerId: string) => boolean): (components: Components) => Identify {
  const create = identify({ runOnConnectionOpen: false })
  return (components) => {
    const { registrar, events } = components
    const { handleProtocol: answerStranger } = create(saysNothing(components)) as unknown as Answering
    const handle: Registrar['handle'] = (protocol, answer, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          stream.maxReadBufferLength = UNREAD_BYTES_MAX
          return (isTold(connection.remotePeer.toString()) ? answer : answerStranger)(stream, connection)
        },
        options,
      )
    const service = create(withParts(components, { registrar: withParts(registrar, { handle }) }))
    events.addEventListener('connection:open', ({ detail: connection }) => {
      // It fails when the connection ends first, and then there is nobody to ask.
      if (isTold(connection.remotePeer.toString())) service.identify(connection).catch(() => {})
    })
    return service
  }
}

/** The parts from which identify answers, without what is nobody's business. */
function saysNothing(components: Components): Components {
  const { addressManager, peerStore } = components
  return withParts(components, {
    addressManager: withParts(addressManager, { getAddresses: () => [] }),
    peerStore: withParts(peerStore, {
      get: async (peerId, options) => {
        const { peerRecordEnvelope: _, ...peer } = await peerStore.get(peerId, options)
        return { ...peer, addresses: [], protocols: peer.protocols.filter((name) => name.startsWith(LIBP2P_PROTOCOL)) }
      },
    }),
  })
}
