/** `replicator status`: the network on one screen, as one peer sees it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Client, PeerRow, Status } from '../client/client.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { callingOf } from './called.ts'
import { EXITS } from './exits.ts'
import { formatBytes, table } from './format.ts'
import { say } from './said.ts'

const LOOK_MS = 2_000
const CLEARED = '\u001b[H\u001b[2J'
const CLUSTER_HEAD = ['CLUSTER', 'VOTERS', 'UP', 'NEEDED', 'KEYS']
const PEER_HEAD = ['PEER', 'CLUSTER', 'ROLE', 'STATE', 'RTT', 'LAST SEEN']

/** @returns the exit code: 0 when the peer is ready */
export async function showStatus(
  { watch, output = 'table', timeoutMs }: Extract<ClientCommand, { readonly name: 'status' }>,
  client: Client,
): Promise<number> {
  for (;;) {
    const signal = AbortSignal.timeout(timeoutMs)
    const [status, peers] = await Promise.all([client.status({ signal }), client.peers({ signal })])
    const lines = output === 'json' ? [JSON.stringify({ ...status, peers })] : statusScreen(status, peers, Date.now())
    if (watch && process.stdout.isTTY) process.stdout.write(CLEARED)
    say(lines)
    if (!watch) return status.ready ? EXITS.done : EXITS.failed
    await delay(LOOK_MS)
  }
}

/** @param nowMs by the wall clock */
export function statusScreen(status: Status, peers: readonly PeerRow[], nowMs: number): string[] {
  const { networkId, epoch, version, peerId, name, clusterId, role, ready, keys, inDoubt, warnings, changing } = status
  const clusters = Object.entries(status.quorum).map(([id, { voters, up, needed }]) => [
    id,
    String(voters),
    String(up),
    String(needed),
    keysText(status, id),
  ])
  const calling = callingOf(peers)
  return [
    networkId === null ? 'in no network yet' : `network ${networkId}, epoch ${epoch}${changing ? ', changing' : ''}`,
    `asked ${name === null ? peerId : `${name} (${peerId})`} of ${clusterId}, ${role}, ${ready ? 'ready' : 'NOT READY'}, replicator ${version}`,
    `${keys.count} keys, ${formatBytes(keys.bytes)}, ${inDoubt} in doubt`,
    '',
    ...table([CLUSTER_HEAD, ...clusters]),
    '',
    ...table([PEER_HEAD, ...peers.toSorted(byCluster).map((peer) => peerRow(peer, calling, nowMs))]),
    ...(warnings.length === 0 ? [] : ['', 'warnings:', ...warnings.map((warning) => ` - ${warning}`)]),
  ]
}

/** Equal, or how far its peer that has least is behind. */
function keysText({ keys }: Status, clusterId: string): string {
  const { keys: count, seconds } = keys.behind[clusterId] ?? { keys: 0, seconds: 0 }
  return count > 0 ? `${count} behind, ${seconds} s` : (keys.clusters[clusterId] ?? '-')
}

function byCluster(a: PeerRow, b: PeerRow): number {
  const [one, other] = [`${a.clusterId} ${a.role === 'voter' ? 0 : 1} ${a.id}`, `${b.clusterId} ${b.role === 'voter' ? 0 : 1} ${b.id}`]
  return one < other ? -1 : 1
}

function peerRow({ id, clusterId, role, state, rttMs, lastSeenAt }: PeerRow, calling: (id: string) => string, nowMs: number): string[] {
  const isThere = state === 'alive' || state === 'suspect'
  const rtt = isThere && rttMs !== null ? `${rttMs.toFixed(1)} ms` : '-'
  return [calling(id), clusterId, role, state, rtt, seenText(state, lastSeenAt, nowMs)]
}

/** How long ago a peer was seen, for people. */
export function seenText(state: string, lastSeenAt: string | null, nowMs: number): string {
  if (state === 'self') return 'now'
  if (lastSeenAt === null) return '-'
  // Clocks differ between machines, and nobody was seen in the future.
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(lastSeenAt)) / 1_000))
  return seconds === 0 ? 'now' : `${seconds} s ago`
}
