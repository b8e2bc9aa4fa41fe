/** Bugs of patience: a wait that races an answer, and is as long on far links as on near ones. */
import { bug } from './bug.ts'
import type { PlantedBug } from './bug.ts'

const POLLS = 'protocols/agreement/polls.ts'
const DOUBTS = 'protocols/agreement/doubts.ts'
const LIVENESS = 'protocols/membership/liveness.ts'

export const BUGS_OF_WAITS: readonly PlantedBug[] = [
  bug(
    'question-races-answer',
    'a question is asked again while its answer is on its way',
    POLLS,
    'let usualMs = LATE_ROUND_TRIPS * this.roundTrips.toQuorumMs(quorum)',
    'let usualMs = 0 * this.roundTrips.toQuorumMs(quorum)',
  ),
  bug(
    'repetition-races-answer',
    'a question is repeated every second, however far those are that it asks',
    POLLS,
    'Math.min(Math.max(RESEND_MOST_MS, poll.usualMs), ',
    'Math.min(RESEND_MOST_MS, ',
  ),
  bug(
    'finish-races-put',
    'a voter finishes a put after 2 s, however far its coordinator is',
    DOUBTS,
    'Math.max(FINISH_AFTER_MS, FINISH_ROUND_TRIPS * this.roundTrips.toDecideMs(key))',
    'Math.max(FINISH_AFTER_MS, 0)',
  ),
  bug(
    'all-finish-at-once',
    'voters finish a key all at once, not in turn',
    DOUBTS,
    'return Math.min(TURNS_MAX, this.roundTrips.turnOf(key)) * ',
    'return 0 * ',
  ),
  bug(
    'rival-not-waited-for',
    'a voter finishes though it sees another at work on the key',
    DOUBTS,
    'if (dueAtMs > nowMs || this.finishing.has(key) || this.rivalUntilMs(key) > nowMs) continue',
    'if (dueAtMs > nowMs || this.finishing.has(key)) continue',
  ),
  bug(
    'pause-of-another-quorum',
    'the wait after a lost try grows from what quorums took before, not from the one that is needed now',
    'protocols/agreement/round-trips.ts',
    'return Math.max(this.latencies.roundTripMs, this.toDecideMs(key))',
    'return this.latencies.roundTripMs',
  ),
  bug(
    'other-store-is-near',
    'a voter that lost its disk counts as near because its peer is',
    'protocols/agreement/round-trips.ts',
    'if (!this.reach.isConnectedAs(voter)) return undefined',
    'if (!this.reach.isConnected(voter.peerId)) return undefined',
  ),
  bug(
    'relay-forgotten',
    'a representative forgets a relay after 10 s, however far its targets are',
    'protocols/agreement/representative.ts',
    'if (this.moment.nowMs >= relay.keptUntilMs) this.released.delete(id)',
    'this.released.delete(id)',
  ),
  bug(
    'far-is-doubted',
    'a far peer is doubted as soon as a near one',
    LIVENESS,
    'return DOUBT_AFTER_MS + patienceMs(peer)',
    'return DOUBT_AFTER_MS + 0 * patienceMs(peer)',
  ),
  bug(
    'far-is-suspect',
    'a far peer is suspect as soon as a near one',
    LIVENESS,
    'return SUSPECT_AFTER_MS + SUSPECT_PATIENCE * patienceMs(peer)',
    'return SUSPECT_AFTER_MS',
  ),
  bug(
    'unmeasured-is-near',
    'a peer of unknown distance is given up as soon as a near one',
    LIVENESS,
    'if (usualRoundTripMs(peer) === undefined) return UNMEASURED_DISCONNECT_AFTER_MS',
    'if (usualRoundTripMs(peer) === undefined) return DISCONNECT_AFTER_MS',
  ),
  bug(
    'pull-races-answer',
    'a pull repeats its question while the answer is on its way',
    'protocols/repair/pull.ts',
    'const lateMs = RETRY_ROUND_TRIPS * ',
    'const lateMs = 0 * ',
  ),
]
