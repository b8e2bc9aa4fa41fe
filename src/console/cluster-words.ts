/** How a cluster stands, in a few words: its voters, and whether its keys are those of others. Pure. */
import type { Status } from '../client/client.ts'
import { plural, secondsText } from './words.ts'

export interface Standing {
  readonly text: string
  /** `bad` where it has no majority, `warn` where it has none to lose. */
  readonly kind: 'good' | 'warn' | 'bad'
}

export function standingOf({ quorum }: Status, clusterId: string): Standing {
  const row = quorum[clusterId]
  if (row === undefined) return { text: 'no voters yet', kind: 'good' }
  const { voters, up, needed } = row
  const kind = up < needed ? 'bad' : up === needed && voters > 1 ? 'warn' : 'good'
  return { text: `${up} of ${voters} ${voters === 1 ? 'voter' : 'voters'} up`, kind }
}

/** Equal, or how far its peer that has least is behind. */
export function equalityOf({ keys }: Status, clusterId: string): string {
  const { keys: count, seconds } = keys.behind[clusterId] ?? { keys: 0, seconds: 0 }
  if (count > 0) return `${plural(count, 'key')} behind${seconds > 0 ? `, ${secondsText(seconds)}` : ''}`
  return keys.clusters[clusterId] ?? 'unknown'
}

/** The most that any cluster is behind; undefined where none is. */
export function mostBehind({ keys }: Status): { readonly keys: number; readonly seconds: number } | undefined {
  const most = Object.values(keys.behind).toSorted((a, b) => b.keys - a.keys)[0]
  return most === undefined || most.keys === 0 ? undefined : most
}
