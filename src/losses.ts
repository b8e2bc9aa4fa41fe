/**
 * What one more loss would do, said beforehand: afterwards no command can mend it. Arithmetic over
 * voters alone, for whoever shows a network and for whoever is about to change one.
 */

/** The voters of one cluster. */
export interface Standing {
  readonly voters: number
  /** Of them, those that answer. */
  readonly up: number
  /** Of them, those that must. */
  readonly needed: number
}

/**
 * @param clusters by their ids
 * @returns a sentence for each cluster that can lose no voter more, and for a network that can lose
 * no cluster more; none while there is no quorum, because then the loss is there already
 */
export function lossesThatHurt(clusters: Readonly<Record<string, Standing>>): string[] {
  const all = Object.entries(clusters)
  const standing = all.filter(([, { up, needed }]) => up >= needed)
  const neededClusters = Math.floor(all.length / 2) + 1
  if (all.length === 0 || standing.length < neededClusters) return []
  const isEachNeeded = standing.length === neededClusters
  const told = standing.flatMap(([clusterId, { voters, up, needed }]) => {
    const isAlone = voters === 1 && (all.length === 1 || !isEachNeeded)
    if (up > needed || isAlone) return []
    const after = isEachNeeded ? 'no new key is taken anywhere' : `the other clusters go on without ${clusterId}`
    return [`${clusterId} stands no loss: ${up} of its ${voters} voters are up and ${needed} are needed; after one more ${after}`]
  })
  if (all.length < 3 || !isEachNeeded) return told
  return [...told, `the network stands no loss of a cluster: ${standing.length} of ${all.length} have a majority, and that many are needed`]
}

/** What is taken from a config, and put in. */
export interface Exchange {
  readonly add: readonly string[]
  readonly remove: readonly string[]
  readonly removeCluster: string | undefined
}

/** A peer and whether it answers. */
export interface Member {
  readonly id: string
  readonly isUp: boolean
}

/**
 * How a config would stand after a change.
 *
 * @param clusters voters and learners by cluster, as they are now
 */
export function standingAfter(
  clusters: Readonly<Record<string, { readonly voters: readonly Member[]; readonly learners: readonly Member[] }>>,
  { add, remove, removeCluster }: Exchange,
): Record<string, Standing> {
  const after: Record<string, Standing> = {}
  for (const [clusterId, { voters, learners }] of Object.entries(clusters)) {
    const staying = voters.filter(({ id }) => !remove.includes(id))
    const coming = learners.filter(({ id }) => add.includes(id))
    const members = [...staying, ...coming]
    if (clusterId === removeCluster || members.length === 0) continue
    const up = members.filter(({ isUp }) => isUp).length
    after[clusterId] = { voters: members.length, up, needed: Math.floor(members.length / 2) + 1 }
  }
  return after
}
