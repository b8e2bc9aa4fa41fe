/**
 * Ports that nobody listens on, found before libp2p listens: so it is known which line was given
 * which port.
 */
import { createServer } from 'node:net'

/** New ports tried that must be free on more than one address. */
const TRIES_MAX = 16

/**
 * A port that is free on each of these hosts of the machine.
 *
 * @param preferred taken when it is free; 0 for none
 * @returns undefined when a host has none, or is none of this machine's
 */
export async function freePort(hosts: readonly string[], preferred = 0): Promise<number | undefined> {
  if (preferred > 0 && (await isFree(hosts, preferred))) return preferred
  const [first, ...others] = hosts
  if (first === undefined) return undefined
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = await bound(first, 0)
    if (port === undefined) return undefined
    if (await isFree(others, port)) return port
  }
  return undefined
}

async function isFree(hosts: readonly string[], port: number): Promise<boolean> {
  for (const host of hosts) if ((await bound(host, port)) === undefined) return false
  return true
}

/** The port that was bound and left again; undefined when it could not be. */
async function bound(host: string, port: number): Promise<number | undefined> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  server.once('error', () => resolve(undefined))
  server.listen({ host, port, ipv6Only: host.includes(':'), exclusive: true }, () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
  })
  return promise
}
