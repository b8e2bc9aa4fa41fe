/**
 * What a starting peer says on standard output, for people and for scripts that wait for it.
 * Nothing else goes there: the log has its own place. The order is the caller's: addresses, HTTP,
 * perhaps a new network, then who is found, then ready.
 */

/**
 * Set once a reader that goes away can no longer take the peer with it: a broken pipe is an error,
 * and nobody else would catch it.
 */
let isGuarded = false

/** Who the peer is and where it is reached: multiaddrs in text form, with the peer id. */
export function addressLines(peerId: string, addresses: readonly string[]): string[] {
  return [`Host ID: ${peerId}`, 'Connect to me on:', ...addresses.map((address) => ` - ${address}`)]
}

/** Where HTTP is reached, as `http://127.0.0.1:8000`. */
export function httpLine(url: string): string {
  return `HTTP listening on ${url}`
}

/** Said by a founder alone. */
export function newNetworkLine(networkId: string): string {
  return `New network ${networkId}`
}

/** How many peers of the own cluster, itself included, are waited for. */
export function waitingLine(peerCount: number): string {
  return `Waiting until ${peerCount} peers are discovered`
}

/** How many peers of the own cluster, itself included, are known. */
export function discoveredLine(peerCount: number): string {
  return `Discovered ${peerCount} peers`
}

/** Said before `/readyz` first answers 200. */
export const READY_LINE = 'Replicator ready'

/** Prints lines on standard output, in one write. */
export function printLines(lines: readonly string[]): void {
  if (!isGuarded) process.stdout.on('error', () => {})
  isGuarded = true
  process.stdout.write(`${lines.join('\n')}\n`)
}
