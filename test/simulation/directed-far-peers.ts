/** Scenarios of far links in who is there: silence, doubts, and what counts as heard lately. */
import type { ClusterId, PeerId } from '../../protocols/base/identity.ts'
import { Heartbeats } from '../../protocols/membership/heartbeats.ts'
import { Reachability } from '../../protocols/membership/reachability.ts'
import { Readiness } from '../../protocols/membership/readiness.ts'
import { check } from './checkers/violation.ts'
import { CLUSTER, FAR_MS, HEALTH, Watching, voter } from './far-bench.ts'
import type { Scenario } from './stage.ts'

const OTHER_CLUSTER = 'd' as ClusterId

export const FAR_PEERS: readonly Scenario[] = [
  { name: 'far-silence', play: farSilence },
  { name: 'far-word-of-doubt', play: farWordOfDoubt },
  { name: 'far-representatives', play: farRepresentatives },
  { name: 'far-health', play: farHealth },
  { name: 'far-answers', play: farAnswers },
  { name: 'far-watchers', play: farWatchers },
]

/**
 * A far peer is silent for longer before it is doubted, suspected and given up; one of unknown
 * distance is not given up before it can answer.
 */
function farSilence(): string[] {
  const bench = new Watching()
  const far = bench.meet('F', FAR_MS)
  const isDoubted = (): boolean => bench.roster.doubted().includes('F' as PeerId)
  bench.see('a far peer is doubted', bench.look(isDoubted), 1_000 + 2 * FAR_MS)
  bench.see(
    'and suspected',
    bench.look(() => far.state === 'suspect'),
    1_500 + 4 * FAR_MS,
  )
  bench.see(
    'and given up',
    bench.look(() => bench.isGivenUp('F')),
    1_500 + 6 * FAR_MS,
  )
  const unmeasured = new Watching()
  unmeasured.meet('U', undefined)
  bench.see(
    'a peer of unknown distance is given up',
    unmeasured.look(() => unmeasured.isGivenUp('U')),
    7 * FAR_MS,
  )
  return bench.lines
}

/**
 * A far peer that somebody doubts is watched until it could have answered, and so one word of it is
 * enough.
 */
function farWordOfDoubt(): string[] {
  const bench = new Watching()
  bench.meet('R', FAR_MS / 2, OTHER_CLUSTER)
  const far = bench.meet('F', FAR_MS, OTHER_CLUSTER)
  bench.moment.nowMs = 8_000
  bench.roster.onDoubted([far.peerId])
  const atMs = bench.look(() => far.state === 'suspect', ['R'])
  bench.lines.push(`a far peer that was doubted once after 8000 ms is suspect after ${atMs} ms`)
  check(atMs < 8_000 + 5 * FAR_MS, 'L5', () => `one word of doubt of a silent peer comes to nothing within ${atMs} ms`)
  bench.see('since the doubt it had time to answer: it is suspect', atMs - 8_000, FAR_MS)
  return bench.lines
}

/**
 * Whom nobody watched before their representative fell silent: each can answer before it is suspect
 * itself.
 */
function farRepresentatives(): string[] {
  const bench = new Watching()
  bench.meet('R', FAR_MS, OTHER_CLUSTER)
  bench.roster.representatives(OTHER_CLUSTER)
  const other = bench.meet('N', FAR_MS * 0.55, OTHER_CLUSTER)
  const askedAtMs = bench.look(() => other.watchedFromMs !== undefined)
  bench.lines.push(`a representative is silent for ${askedAtMs} ms, and the others of its cluster are asked`)
  const silentMs = bench.look(() => other.state === 'suspect') - askedAtMs
  bench.see('one that does not answer is suspect', silentMs, FAR_MS)
  return bench.lines
}

/** What a far peer said of itself counts until more of it can have come. */
function farHealth(): string[] {
  const bench = new Watching()
  const far = bench.meet('F', FAR_MS)
  bench.roster.onHeartbeat(far, HEALTH)
  bench.see(
    'what a far peer said is old',
    bench.look(() => bench.roster.freshHealth(far) === undefined),
    2 * FAR_MS,
  )
  return bench.lines
}

/** A far voter counts as answering until its next answer can have come. */
function farAnswers(): string[] {
  const bench = new Watching()
  bench.meet('F', FAR_MS)
  const { self, roster } = bench
  const chain = { current: undefined, epoch: 0, networkId: undefined, isVoter: () => false, voterOf: () => undefined }
  const readiness = new Readiness({ self, clusterId: CLUSTER, minPeers: 1, chain, roster, isCaughtUp: () => true, apart: () => [] })
  bench.see(
    'a far voter counts as silent',
    bench.look(() => !readiness.hasAnswered(voter('F'))),
    2 * FAR_MS,
  )
  return bench.lines
}

/**
 * Who asked some time ago and is far is still told at once that a peer of this cluster fell silent.
 */
function farWatchers(): string[] {
  const bench = new Watching()
  const { self, moment, outbox, roster } = bench
  const reachability = new Reachability(self.peerId, moment, outbox, roster, () => false)
  const heartbeats = new Heartbeats(moment, outbox, roster, reachability, () => HEALTH)
  bench.meet('R', 1, OTHER_CLUSTER)
  const watcher = bench.meet('W', FAR_MS, OTHER_CLUSTER)
  heartbeats.met(watcher)
  const question = { kind: 'heartbeat', sentAtMs: 0, echoMs: undefined, wantsAnswer: true, health: HEALTH, doubted: [], reached: undefined }
  heartbeats.onHeartbeat(watcher, { ...question, kind: 'heartbeat' })
  bench.meet('S', 1)
  const doubtedAtMs = bench.look(() => roster.doubted().length > 0, ['R'])
  // So old is the question of W by then.
  moment.nowMs = 2 * FAR_MS
  bench.sent()
  heartbeats.tick()
  const isTold = bench.sent().some(({ to, message }) => to === 'W' && message.kind === 'heartbeat' && message.doubted.length > 0)
  bench.lines.push(`a peer is doubted after ${doubtedAtMs} ms; who asked ${moment.nowMs} ms ago ${isTold ? 'is' : 'is not'} told`)
  check(isTold, 'L5', () => `a far watcher that asked ${moment.nowMs} ms ago is not told of a silent peer`)
  return bench.lines
}
