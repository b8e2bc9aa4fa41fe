/** `replicator members`: a table for people. */
import type { ConfigView, MemberView, PeerView } from '../ports/replicator.ts'
import type { Asked } from './asking.ts'
import { callingOf, membersOf } from './called.ts'
import { describeChange } from './change.ts'
import { table } from './format.ts'
import { NOTHING, lossesAfter } from './losses-after.ts'
import { seenText } from './status.ts'

const HEAD = ['PEER', 'CLUSTER', 'ROLE', 'STATE', 'RTT', 'LAST SEEN']

/** What is asked for it. */
export interface Members {
  readonly view: ConfigView
  readonly peers: readonly PeerView[]
}

export async function readMembers(asked: Asked): Promise<Members> {
  const [view, peers] = await Promise.all([asked.get<ConfigView>('/config'), asked.get<readonly PeerView[]>('/peers')])
  return { view, peers }
}

/** @returns the table and what else is to be known, line by line */
export function describeMembers({ view, peers }: Members): string[] {
  const rows: string[][] = []
  const calling = callingOf(membersOf(view))
  for (const [clusterId, { voters, learners }] of Object.entries(view.clusters).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const member of voters) rows.push(row(member, clusterId, 'voter', peers, calling))
    for (const member of learners) rows.push(row(member, clusterId, 'learner', peers, calling))
  }
  const { removed, change, networkId, epoch } = view
  const lines = [...table([HEAD, ...rows]), '', networkId === null ? 'in no network yet' : `epoch ${epoch} of network ${networkId}`]
  const gone = [...removed.peers, ...removed.clusters.map((clusterId) => `all of ${clusterId}`)]
  if (gone.length > 0) lines.push(`removed: ${gone.join(', ')}`)
  lines.push(...lossesAfter(view, NOTHING))
  if (change !== null) lines.push(`${describeChange(change, calling)}, for ${Math.round(change.startedSecondsAgo)} s`)
  return lines
}

function row(
  { id, state }: MemberView,
  clusterId: string,
  role: string,
  peers: readonly PeerView[],
  calling: (id: string) => string,
): string[] {
  const peer = peers.find((known) => known.id === id)
  const { rttMs = null, lastSeenAt = null } = peer ?? {}
  const isThere = state === 'alive' || state === 'suspect'
  return [
    calling(id),
    clusterId,
    role,
    state,
    isThere && rttMs !== null ? `${rttMs.toFixed(1)} ms` : '-',
    seenText(state, lastSeenAt, Date.now()),
  ]
}
