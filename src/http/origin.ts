/**
 * Who may change the configuration: programs on this machine, unless a flag opens it. Judged by what nobody far away can
 * make up, the address of the socket. Pages in a browser were refused before (`src/security/site.ts`).
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { ChangesFrom } from '../config/config.ts'
import { isLoopback } from '../security/loopback.ts'

/**
 * Why a request may not change the configuration; undefined when it may.
 * A request that a proxy on this machine passes on is not one of this machine.
 *
 * @param remoteAddress of the socket
 */
export function refusedOrigin(from: ChangesFrom, remoteAddress: string | undefined, headers: IncomingHttpHeaders): string | undefined {
  if (from === 'anywhere') return undefined
  const how = 'ask on the machine of the peer, or start the peer with -changes-from anywhere'
  if (!isLoopback(remoteAddress))
    return `Only programs on this peer's machine may ask for that, and this came from ${remoteAddress}: ${how}.`
  if (headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined) {
    return `Only programs on this peer's machine may ask for that, and this was passed on by a proxy: ${how}.`
  }
  return undefined
}
