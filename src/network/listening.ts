/**
 * Where to listen, and what to do when a port is taken. A port that nobody named is chosen freely,
 * remembered under the line that left the choice, and used again: then a whole network that is
 * started anew finds itself where it was.
 */
import { freePort } from './free-ports.ts'
import type { Libp2pPeer } from './libp2p-peer.ts'

/**
 * An address named on the command line cannot be listened on. Its message is one line for the
 * person who named it.
 */
export class ListenError extends Error {
  static override readonly name = 'ListenError'
  override readonly name = 'ListenError'
}

/**
 * Ports chosen freely, by the line of `listen` that left the choice; under `EVERYWHERE` when there
 * was no line.
 */
export type ListenPorts = Readonly<Record<string, number>>

export interface ListeningInit {
  /** Multiaddrs named by the person who starts the peer; empty: all interfaces. */
  readonly listen: readonly string[]
  /** The ports chosen the last time. */
  readonly ports: ListenPorts
  readonly create: (listen: readonly string[]) => Promise<Libp2pPeer>
  readonly warn: (text: string) => void
}

export interface Listening {
  readonly libp2p: Libp2pPeer
  /** The ports chosen freely, old and new. */
  readonly ports: ListenPorts
}

/** Stands for a command line without `-listen`. */
export const EVERYWHERE = '*'
/** All interfaces of each family. */
const ALL_HOSTS = ['0.0.0.0', '::'] as const
/** How often others are chosen when somebody takes one between the choice and its use. */
const CHOICES_MAX = 3
/** A line that leaves the choice of the port. */
const FREE = /^\/ip[46]\/([^/]+)\/tcp\/0$/
/** A line of IPv6, and its address. */
const IP6_HOST = /^\/ip6\/([^/]+)\//
const IN_USE = 'the port is in use'
const NOT_HERE = 'this machine has no such address'

/**
 * Makes a libp2p peer and has it listen.
 *
 * @throws ListenError when a named address cannot be listened on.
 */
export async function listen(init: ListeningInit): Promise<Listening> {
  let before = init.ports
  for (let choices = 1; ; choices += 1) {
    const { addresses, ports } = await chosen(init, before)
    try {
      return { libp2p: await startAt(init, addresses), ports: { ...init.ports, ...ports } }
    } catch (error) {
      const isTaken = error instanceof ListenError && Object.keys(ports).length > 0
      if (!isTaken || choices === CHOICES_MAX) throw error
      before = {}
    }
  }
}

interface Chosen {
  /** To listen on, with the ports chosen. */
  readonly addresses: readonly string[]
  readonly ports: ListenPorts
}

async function chosen(init: ListeningInit, before: ListenPorts): Promise<Chosen> {
  if (init.listen.length === 0) return everywhere(init, before)
  const addresses: string[] = []
  const ports: Record<string, number> = {}
  for (const line of init.listen) {
    const host = FREE.exec(line)?.[1]
    const port = host === undefined ? undefined : await portFor(init, [host], before[line] ?? before[EVERYWHERE])
    if (port !== undefined) ports[line] = port
    addresses.push(port === undefined ? line : line.replace(/0$/, String(port)))
  }
  return { addresses, ports }
}

/** Both families at one port; one alone where the machine has no other. */
async function everywhere(init: ListeningInit, before: ListenPorts): Promise<Chosen> {
  const hosts: string[] = []
  for (const host of ALL_HOSTS) if ((await freePort([host])) !== undefined) hosts.push(host)
  const port = await portFor(init, hosts, before[EVERYWHERE] ?? Object.values(before)[0])
  if (port === undefined) return { addresses: [`/ip4/${ALL_HOSTS[0]}/tcp/0`], ports: {} }
  const addresses = hosts.map((host) => `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`)
  return { addresses, ports: { [EVERYWHERE]: port } }
}

async function portFor({ warn }: ListeningInit, hosts: readonly string[], before: number | undefined): Promise<number | undefined> {
  const port = await freePort(hosts, before)
  if (port !== undefined && before !== undefined && port !== before) {
    warn(`port ${before}, used before, is taken; another is used from now on`)
  }
  return port
}

async function startAt(init: ListeningInit, addresses: readonly string[]): Promise<Libp2pPeer> {
  const libp2p = await init.create(addresses)
  let listeningCount = 0
  libp2p.addEventListener('transport:listening', () => (listeningCount += 1))
  try {
    await libp2p.start()
    // libp2p takes it for a machine without IPv6 when each address of that family fails, taken ones
    // too, and says nothing.
    if (listeningCount < addresses.length) throw new ListenError(await describeSilent(addresses.filter((line) => IP6_HOST.test(line))))
    return libp2p
  } catch (error) {
    await libp2p.stop()
    if (error instanceof Error && error.name === 'UnsupportedListenAddressesError') {
      throw new ListenError(`cannot listen on ${addresses.join(', ')}: ${causeOf(error)}`)
    }
    throw error
  }
}

/** @param lines of IPv6, on none of which could be listened */
async function describeSilent(lines: readonly string[]): Promise<string> {
  const host = IP6_HOST.exec(lines[0] ?? '')?.[1]
  const isHere = host !== undefined && (await freePort([host])) !== undefined
  return `cannot listen on ${lines.join(', ')}: ${isHere ? IN_USE : NOT_HERE}`
}

function causeOf(error: Error): string {
  if (error.message.includes('EADDRINUSE')) return IN_USE
  if (error.message.includes('EACCES')) return 'not permitted'
  if (error.message.includes('EADDRNOTAVAIL')) return NOT_HERE
  return error.message.split('\n').at(-1)?.trim() || 'no transport for it'
}
