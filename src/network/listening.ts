/** Where to listen, and what to do when a port is taken. */
import type { Libp2pPeer } from './libp2p-peer.ts'

/** An address named on the command line cannot be listened on. Its message is one line for the person who named it. */
export class ListenError extends Error {
  static override readonly name = 'ListenError'
  override readonly name = 'ListenError'
}

export interface ListeningInit {
  /** Multiaddrs named by the person who starts the peer; empty: all interfaces. */
  readonly listen: readonly string[]
  /** The port used the last time; only looked at when `listen` is empty. */
  readonly preferredPort: number | undefined
  readonly create: (listen: readonly string[]) => Promise<Libp2pPeer>
  readonly warn: (text: string) => void
}

/**
 * Makes a libp2p peer and has it listen.
 *
 * @throws ListenError when a named address cannot be listened on.
 */
export async function listen(init: ListeningInit): Promise<Libp2pPeer> {
  if (init.listen.length > 0) return await startAt(init, init.listen)
  if (init.preferredPort !== undefined) {
    try {
      return await startAt(init, [anyInterface(init.preferredPort)])
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
      init.warn(`port ${init.preferredPort}, used before, is taken; another is used from now on`)
    }
  }
  return await startAt(init, [anyInterface(0)])
}

async function startAt(init: ListeningInit, addresses: readonly string[]): Promise<Libp2pPeer> {
  const libp2p = await init.create(addresses)
  try {
    await libp2p.start()
    return libp2p
  } catch (error) {
    await libp2p.stop()
    if (error instanceof Error && error.name === 'UnsupportedListenAddressesError') {
      throw new ListenError(`cannot listen on ${addresses.join(', ')}: ${causeOf(error)}`)
    }
    throw error
  }
}

/** All IPv4 interfaces. IPv6 is listened on when it is named. */
function anyInterface(port: number): string {
  return `/ip4/0.0.0.0/tcp/${port}`
}

function causeOf(error: Error): string {
  if (error.message.includes('EADDRINUSE')) return 'the port is in use'
  if (error.message.includes('EACCES')) return 'not permitted'
  if (error.message.includes('EADDRNOTAVAIL')) return 'this machine has no such address'
  return error.message.split('\n').at(-1)?.trim() || 'no transport for it'
}
