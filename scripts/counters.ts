/** The counters that peers give at `/metrics`. */
import type { PeerProcess } from '../test/process/network.ts'

/** The samples of Prometheus text, by name and labels. */
export function parseCounters(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    const space = line.lastIndexOf(' ')
    if (space > 0 && !line.startsWith('#')) samples.set(line.slice(0, space), Number(line.slice(space + 1)))
  }
  return samples
}

/** Those of all these peers, added up, by name and labels. */
export async function sumCounters(peers: readonly PeerProcess[]): Promise<Map<string, number>> {
  const sums = new Map<string, number>()
  const texts = await Promise.all(peers.map((peer) => peer.client.ask('GET', '/metrics')))
  for (const { body } of texts) {
    for (const [name, value] of parseCounters(body.toString())) sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
}
