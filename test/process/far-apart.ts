/**
 * Peers as processes whose clusters lie far from one another: each at a host of its own, and told
 * how far the others are.
 */
import { HOST_VARIABLE, RTTS_VARIABLE } from './distance.ts'
import type { RttsByHost } from './distance.ts'

const DISTANCE = new URL('./distance.ts', import.meta.url).href

/** What puts a peer, at its host, so far from others. */
export interface Place {
  readonly host: string
  readonly nodeFlags: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

/**
 * @param rtts round trips in milliseconds, by the host of the other; none to a host that is not
 * named
 */
export function placedAt(host: string, rtts: RttsByHost): Place {
  return { host, nodeFlags: ['--import', DISTANCE], environment: { [HOST_VARIABLE]: host, [RTTS_VARIABLE]: JSON.stringify(rtts) } }
}
