/** What of `/metrics` the page shows: requests of clients at the asked peer. Pure. */

/** How many requests took at most so many seconds, by that bound, since the peer started. */
export type Histogram = ReadonlyMap<number, number>

export interface Readings {
  /** Writes of keys, registers and sets that were answered with success, since the start. */
  readonly writes: number
  readonly puts: Histogram
  readonly gets: Histogram
}

const BUCKET = /^replicator_http_request_duration_seconds_bucket\{route="([^"]*)",method="([^"]*)",le="([^"]*)"\} (\S+)$/gm
const ANSWERED = /^replicator_http_requests_total\{route="([^"]*)",method="([^"]*)",status="2xx"\} (\S+)$/gm
/** Of keys and registers. */
const DATA_ROUTES: ReadonlySet<string | undefined> = new Set(['/store/{key}', '/kv/{key}'])
const SETS_ROUTE = '/sets/{name}/'
const SECOND_MS = 1_000

export function readMetrics(text: string): Readings {
  const puts = new Map<number, number>()
  const gets = new Map<number, number>()
  for (const [, route, method, bound, count] of text.matchAll(BUCKET)) {
    const histogram = method === 'PUT' ? puts : method === 'GET' ? gets : undefined
    if (histogram === undefined || !DATA_ROUTES.has(route)) continue
    const seconds = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    histogram.set(seconds, (histogram.get(seconds) ?? 0) + Number(count))
  }
  let writes = 0
  for (const [, route = '', method, count] of text.matchAll(ANSWERED)) {
    const isWrite = DATA_ROUTES.has(route) ? method !== 'GET' && method !== 'HEAD' : route.startsWith(SETS_ROUTE) && method === 'POST'
    if (isWrite) writes += Number(count)
  }
  return { writes, puts, gets }
}

/**
 * The time within which a part of the requests between two looks was answered, in ms; null where
 * there were none. Within a bucket all times are taken for equally likely.
 */
export function quantileMs(before: Histogram, after: Histogram, part: number): number | null {
  const bounds = [...after.keys()].toSorted((a, b) => a - b)
  const counts = bounds.map((bound) => Math.max(0, (after.get(bound) ?? 0) - (before.get(bound) ?? 0)))
  const total = counts.at(-1) ?? 0
  if (total === 0) return null
  const wanted = part * total
  const index = counts.findIndex((count) => count >= wanted)
  const [low, high] = [bounds[index - 1] ?? 0, bounds[index] ?? 0]
  const [under, upTo] = [counts[index - 1] ?? 0, counts[index] ?? 0]
  const seconds = Number.isFinite(high) ? low + ((high - low) * (wanted - under)) / Math.max(1, upTo - under) : low
  return seconds * SECOND_MS
}
