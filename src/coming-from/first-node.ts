/**
 * The first node of a cluster that is written down beforehand, each node started by the same line
 * ever after. It joins whoever has a network, and begins one only when it is sure that nobody does:
 * all others are silent, or have none themselves. A first node that lost its disk must not begin a
 * second network.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { startPeer } from '../peer/start-peer.ts'
import type { PeerInit, RunningPeer } from '../peer/start-peer.ts'

/** For so long nobody new must have come, and nobody told of a network, in milliseconds. */
const QUIET_MS = 5_000
/** Between looks. */
const LOOK_MS = 100
/** How long a connection may take, before the other end counts as silent. */
const CONNECT_MS = 1_000
/** Who takes connections and is no peer for so long is something else. */
const STRANGER_MS = 60_000

/** @throws Error of one line when it cannot start */
export async function startFirst(init: PeerInit): Promise<RunningPeer> {
  const said: (readonly string[])[] = []
  let print = (lines: readonly string[]): void => void said.push(lines)
  const peer = await startPeer({ ...init, print: (lines) => print(lines) })
  if (await hasNetwork(peer, init.config.peers)) {
    for (const lines of said) init.print(lines)
    ;({ print } = init)
    return peer
  }
  await peer.stop()
  return startPeer({ ...init, config: { ...init.config, peers: [] } })
}

/** @returns false when nobody has one. @throws Error when it cannot be told */
async function hasNetwork(peer: RunningPeer, others: readonly string[]): Promise<boolean> {
  const startedMs = performance.now()
  let known = 0
  let knownSinceMs = startedMs
  for (;;) {
    if (peer.networkId() !== null) return true
    const nowMs = performance.now()
    const { length } = peer.peers().filter(({ state }) => state === 'alive')
    if (length !== known) [known, knownSinceMs] = [length, nowMs]
    if (nowMs - knownSinceMs >= QUIET_MS) {
      const answers = await Promise.all(others.map(isAnswered))
      const answering = answers.filter(Boolean).length
      // Who takes a connection and has not said yet who it is may have a network.
      if (answering <= known) return peer.networkId() !== null
      if (nowMs - startedMs > STRANGER_MS)
        throw new Error(`${others.filter((_, place) => answers[place]).join(', ')} takes connections and does not tell of a network`)
    }
    await delay(LOOK_MS)
  }
}

/** @param address a multiaddr */
async function isAnswered(address: string): Promise<boolean> {
  const [host, tcp] = multiaddr(address).getComponents()
  const socket = connect({ host: host?.value ?? '', port: Number(tcp?.value) })
  socket.on('error', () => {})
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
