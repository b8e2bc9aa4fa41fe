/**
 * What `replicator doctor` makes of what peers say of themselves: pure, so that each finding can be
 * tried without a network.
 */
import type { PeerRow, Status } from '../client/client.ts'

/** What one peer said; or why it said nothing. */
export type Report =
  | { readonly url: string; readonly failure: string }
  | {
      readonly url: string
      readonly status: Status
      readonly peers: readonly PeerRow[]
      /**
       * How far its clock is ahead of this machine's, as exactly as the round trip allows, in ms.
       */
      readonly clockAheadMs: number
      readonly roundTripMs: number
    }

export interface Finding {
  readonly isGood: boolean
  readonly text: string
  /** What to do; undefined where there is nothing to do. */
  readonly mend?: string
}

type Answered = Extract<Report, { readonly status: Status }>

/** Beyond this, stamps of writes and expiry of tokens surprise people. */
const CLOCKS_APART_MAX_MS = 2_000
/** A peer that is behind for longer does not just take its time. */
const BEHIND_MAX_SECONDS = 60
const IN_DOUBT_MAX = 100
/** Characters of a peer id that tell it from others. */
const SHOWN = 12

export function diagnose(reports: readonly Report[]): Finding[] {
  const answered = reports.filter((report): report is Answered => 'status' in report)
  const silent = reports.flatMap((report) => ('failure' in report ? [bad(`${report.url} does not answer: ${report.failure}`, SILENT)] : []))
  return [...silent, ...answered.map(seen), ...together(answered), ...answered.flatMap(each), ...warned(answered), ...notAsked(answered)]
}

const SILENT = 'see that the peer runs, that -http names an address that this machine reaches, and which token it asks for'

function good(text: string): Finding {
  return { isGood: true, text }
}

function bad(text: string, mend: string): Finding {
  return { isGood: false, text, mend }
}

function seen({ url, status }: Answered): Finding {
  const { peerId, name, clusterId, role, version, keys } = status
  return good(
    `${url} is ${name === null ? peerId : `${name} (${peerId})`} of ${clusterId}, a ${role}, replicator ${version}, ${keys.count} keys`,
  )
}

/** What must be the same everywhere. */
function together(reports: readonly Answered[]): Finding[] {
  const networks = new Set(reports.map(({ status }) => status.networkId))
  const versions = new Set(reports.map(({ status }) => status.version))
  const clocks = reports.map(({ clockAheadMs }) => clockAheadMs)
  const apartMs = reports.length === 0 ? 0 : Math.max(0, ...clocks) - Math.min(0, ...clocks)
  return [
    ...(networks.size > 1
      ? [
          bad(
            `the peers are in ${networks.size} networks: ${[...networks].join(', ')}`,
            'start those of the wrong one with -peer of the other, and an empty -data',
          ),
        ]
      : []),
    ...(versions.size > 1
      ? [bad(`the peers run versions ${[...versions].join(', ')}`, 'bring them to one version, a peer at a time')]
      : []),
    ...(apartMs > CLOCKS_APART_MAX_MS
      ? [bad(`clocks are ${(apartMs / 1_000).toFixed(1)} s apart, this machine's among them`, 'have every machine set its clock by NTP')]
      : []),
  ]
}

function each({ url, status }: Answered): Finding[] {
  const { ready, inDoubt, keys, clusterId } = status
  const behind = keys.behind[clusterId]
  return [
    ...(ready ? [] : [bad(`${url} is not ready`, `see ${url}/readyz, which says what is missing`)]),
    ...(inDoubt > IN_DOUBT_MAX
      ? [bad(`${url} has ${inDoubt} keys in doubt`, 'see which voters are away: they are settled when a quorum answers')]
      : []),
    ...(behind !== undefined && behind.seconds > BEHIND_MAX_SECONDS
      ? [
          bad(
            `in ${clusterId} a peer is ${behind.keys} keys and ${behind.seconds} s behind, as ${url} sees it`,
            'see its log for "copied missing keys", its disk and its links',
          ),
        ]
      : []),
  ]
}

/** Each warning once, with those who give it. */
function warned(reports: readonly Answered[]): Finding[] {
  const urlsOf = new Map<string, string[]>()
  for (const { url, status } of reports) for (const warning of status.warnings) urlsOf.set(warning, [...(urlsOf.get(warning) ?? []), url])
  return [...urlsOf].map(([warning, urls]) => bad(warning, `as ${urls.length === reports.length ? 'all of them say' : urls.join(', ')}`))
}

/** Peers that nobody was sent to: their own view is not known. */
function notAsked(reports: readonly Answered[]): Finding[] {
  const asked = new Set(reports.map(({ status }) => status.peerId))
  const others = new Map(
    reports.flatMap(({ peers }) =>
      peers
        .filter(({ id, state }) => !asked.has(id) && state !== 'gone')
        .map(({ id, name, clusterId }) => [id, `${name ?? `…${id.slice(-SHOWN)}`} of ${clusterId}`]),
    ),
  )
  if (others.size === 0) return []
  return [good(`not asked, though they are there: ${[...others.values()].join(', ')}; name them too with -url`)]
}
