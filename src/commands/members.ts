/** `replicator members`: a table for people. */
import type { ConfigView, MemberView, PeerView } from '../ports/replicator.ts'
import type { Asked } from './asking.ts'
import { describeChange } from './change.ts'

const HEAD = ['PEER', 'CLUSTER', 'ROLE', 'STATE', 'RTT', 'LAST SEEN']
const GAP = '  '

/** @returns the table and what else is to be known, line by line */
export async function describeMembers(asked: Asked): Promise<string[]> {
  const [view, peers] = await Promise.all([asked.get<ConfigView>('/config'), asked.get<readonly PeerView[]>('/peers')])
  const rows: string[][] = []
  for (const [clusterId, { voters, learners }] of Object.entries(view.clusters).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const member of voters) rows.push(row(member, clusterId, 'voter', peers))
    for (const member of learners) rows.push(row(member, clusterId, 'learner', peers))
  }
  const { removed, change, networkId, epoch } = view
  const lines = [...table([HEAD, ...rows]), '', networkId === null ? 'in no network yet' : `epoch ${epoch} of network ${networkId}`]
  const gone = [...removed.peers, ...removed.clusters.map((clusterId) => `all of ${clusterId}`)]
  if (gone.length > 0) lines.push(`removed: ${gone.join(', ')}`)
  if (change !== null) lines.push(`${describeChange(change)}, for ${Math.round(change.startedSecondsAgo)} s`)
  return lines
}

function row({ id, state }: MemberView, clusterId: string, role: string, peers: readonly PeerView[]): string[] {
  const peer = peers.find((known) => known.id === id)
  const { rttMs = null, lastSeenAt = null } = peer ?? {}
  const isThere = state === 'alive' || state === 'suspect'
  return [id, clusterId, role, state, isThere && rttMs !== null ? `${rttMs.toFixed(1)} ms` : '-', seen(state, lastSeenAt)]
}

function seen(state: string, lastSeenAt: string | null): string {
  if (state === 'self') return 'now'
  if (lastSeenAt === null) return '-'
  // Clocks differ between machines, and nobody was seen in the future.
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(lastSeenAt)) / 1_000))
  return seconds === 0 ? 'now' : `${seconds} s ago`
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}
