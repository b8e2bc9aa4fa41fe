/** Whether every peer holds everything that was acknowledged. */
import type { History } from '../../test/chaos/history.ts'
import type { ListedPage } from '../../test/process/client.ts'
import { holdTheSame, until } from '../../test/process/network.ts'
import type { PeerProcess } from '../../test/process/network.ts'

const SETTLED_MS = 60_000
const PAGE = 1_000

/**
 * Waits until all peers say that they hold the same, and reads every peer's own copy into the
 * history.
 *
 * @param acknowledged etags by key
 * @returns what is lost, or differs, a line each
 */
export async function checkHeld(
  peers: readonly PeerProcess[],
  acknowledged: ReadonlyMap<string, string>,
  history: History,
): Promise<string[]> {
  // What is missing is told below, key by key.
  await until('all peers hold the same', () => holdTheSame(peers), SETTLED_MS).catch(() => undefined)
  const lost: string[] = []
  for (const peer of peers) {
    const held = await readCopy(peer, history)
    for (const [key, etag] of acknowledged) {
      if (held.get(key) !== etag) lost.push(`${key} at ${peer.name}: ${held.get(key) ?? 'absent'}, not ${etag}`)
    }
  }
  return lost
}

/** @returns etags by key */
async function readCopy(peer: PeerProcess, history: History): Promise<Map<string, string>> {
  const held = new Map<string, string>()
  let after: string | undefined = ''
  while (after !== undefined) {
    const beganMs = performance.now()
    const page: ListedPage = await peer.client.json(`/store?limit=${PAGE}&after=${encodeURIComponent(after)}`)
    for (const { key, etag } of page.keys) {
      held.set(key, etag)
      const times = { beganMs, endedMs: performance.now(), told: 'listed' }
      history.add({ key, peer: peer.name, call: { kind: 'get', consistency: 'local' }, ...times, answer: { kind: 'found', etag } })
    }
    after = page.next
  }
  return held
}
