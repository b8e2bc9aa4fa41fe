/** How far clusters lie from one another: as between real regions, the asking cluster first. */

export interface Topology {
  readonly name: string
  /** Round trips between clusters, in milliseconds: the first row is the asking cluster's. */
  readonly rttMs: readonly (readonly number[])[]
}

export const TOPOLOGIES: readonly Topology[] = [
  { name: 'one continent: 10, 20, 25 ms', rttMs: triangle(10, 20, 25) },
  { name: 'two near, one far: 30, 80, 90 ms', rttMs: triangle(30, 80, 90) },
  { name: 'two near, one very far: 30, 150, 160 ms', rttMs: triangle(30, 150, 160) },
  { name: 'the whole earth: 80, 150, 230 ms', rttMs: triangle(80, 150, 230) },
  { name: 'the far one asks: 250, 240, 10 ms', rttMs: triangle(250, 240, 10) },
  { name: 'by satellite: 700, 700, 1,400 ms', rttMs: triangle(700, 700, 1_400) },
  { name: 'full uplinks: 2, 2, 2 s', rttMs: triangle(2_000, 2_000, 2_000) },
  { name: 'five clusters: 20, 80, 150, 250 ms away', rttMs: star([20, 80, 150, 250]) },
]

/**
 * The round trip to the farthest of the nearest clusters that, with the own, are more than half: no
 * answer can come sooner.
 */
export function quorumRttMs({ rttMs }: Pick<Topology, 'rttMs'>): number {
  const fromHere = rttMs[0] ?? []
  return fromHere.toSorted((a, b) => a - b)[Math.floor(fromHere.length / 2)] ?? 0
}

/** Round trips between three clusters: first and second, first and third, second and third. */
export function triangle(ab: number, ac: number, bc: number): number[][] {
  return [
    [0, ab, ac],
    [ab, 0, bc],
    [ac, bc, 0],
  ]
}

/**
 * Clusters that lie in all directions around the first: between two others it is as far as by way
 * of it.
 */
function star(away: readonly number[]): number[][] {
  const fromFirst = [0, ...away]
  return fromFirst.map((a, row) => fromFirst.map((b, column) => (row === column ? 0 : a + b)))
}
