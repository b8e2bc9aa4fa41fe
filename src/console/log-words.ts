/** How a log stands, in words. Pure. */
import type { LogStatus } from '../client/client.ts'
import { countText } from './words.ts'

/** A member of a log as it is shown. */
export interface ReplicaRow {
  readonly peer: string
  readonly role: string
  /** How its store is. */
  readonly store: string
  readonly kind: '' | 'warn' | 'bad'
  /** Entries that are committed and not in its store; undefined where it does not say. */
  readonly lag: number | undefined
}

const STORES: Readonly<Record<LogStatus['replicas'][number]['state'], readonly [words: string, kind: ReplicaRow['kind']]>> = {
  ready: ['ready', ''],
  stalled: ['stalled', 'bad'],
  'no-store': ['no store', 'warn'],
  halted: ['halted', 'bad'],
}
const SPACES = 2

/** @param calling what people read for a peer id */
export function logHeadline({ leader, term, commit, changing }: LogStatus, calling: (id: string) => string): string {
  const led = leader === null ? 'Nobody leads: commands are not taken' : `${calling(leader)} leads, in term ${term}`
  return `${led}. ${countText(commit)} committed.${changing ? ' Its members are being changed.' : ''}`
}

/** All members, those that do not answer too. The leader comes first. */
export function replicaRows({ leader, members, replicas }: LogStatus): ReplicaRow[] {
  const told = replicas.map(({ peer, role, state, stalled, lag }): ReplicaRow => {
    const [words, kind] = STORES[state]
    return { peer, role, store: stalled === null ? words : `${words}: ${stalled}`, kind, lag }
  })
  const silent = members
    .filter(({ peer }) => !replicas.some((replica) => replica.peer === peer))
    .map(({ peer, role }): ReplicaRow => ({ peer, role, store: 'does not answer', kind: 'bad', lag: undefined }))
  return [...told, ...silent].toSorted((a, b) => Number(b.peer === leader) - Number(a.peer === leader))
}

/** JSON for people. */
export function resultText(result: unknown): string {
  return JSON.stringify(result, undefined, SPACES)
}
