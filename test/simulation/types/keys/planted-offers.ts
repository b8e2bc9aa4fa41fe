/** Bugs of offers, to be planted one at a time: those of the page that the rules were made on. */
import { bug } from '../../planted/bug.ts'
import type { PlantedBug } from '../../planted/bug.ts'

const RUN = 'protocols/agreement/run.ts'
const ACCEPTOR = 'protocols/agreement/acceptor.ts'
const AGREEMENT = 'protocols/agreement/agreement.ts'
const ATTEMPT = 'protocols/agreement/offer-attempt.ts'
const OFFERS = 'protocols/agreement/offers.ts'
const READ_COUNT = 'protocols/agreement/read-count.ts'
const CHAIN = 'protocols/config/chain.ts'

const REPLY = "this.context.outbox.send(to.peerId, { kind: 'reply', id, vote: { sender: this.context.self, body } }, slotOf(key))"
/** Answers that are marked wait for no sync. */
const REPLY_AT_ONCE = {
  file: AGREEMENT,
  find: REPLY,
  replace: REPLY.replace(', slotOf(key))', ", body.isAtOnce ? 'nothing' : slotOf(key))"),
}
const TAKEN_AGAIN = "assertOneRecord(key, ballot, accepted.record, record)\n      return { kind: 'taken', ballot }"

/** What is made of offers that others left. */
const JUDGED: readonly PlantedBug[] = [
  {
    name: 'offer-shown-as-plain',
    what: 'an offer shown as plain',
    patches: [
      {
        file: ACCEPTOR,
        find: "return { kind: 'promised', ballot, accepted: state?.accepted }",
        replace: "return { kind: 'promised', ballot, accepted: state?.accepted && { ...state.accepted, home: undefined } }",
      },
    ],
  },
  bug(
    'offers-ignored',
    'offers ignored',
    OFFERS,
    'if (accepted.home !== undefined) offers.push(accepted)',
    'if (accepted.home !== undefined) void offers',
  ),
  bug(
    'offers-of-one-epoch',
    'only offers of the installed epoch counted',
    RUN,
    'const found = toFinish(this.shown,',
    'const found = toFinish(new Map([...this.shown].map(([id, one]) => [id, one?.home !== undefined && one.ballot.epoch !== ballot.epoch ? undefined : one])),',
  ),
  bug(
    'dead-by-one',
    'dead though only one of the voters of home is covered, not a majority',
    OFFERS,
    'hasMajority(unit, ({ id }) => shown.has(id))',
    'unit.voters.some(({ id }) => shown.has(id))',
  ),
  bug(
    'dead-by-all',
    'dead only when all of home is covered',
    OFFERS,
    'hasMajority(unit, ({ id }) => shown.has(id))',
    'unit.voters.every(({ id }) => shown.has(id))',
  ),
  bug(
    'offers-not-counted',
    'counting left out',
    OFFERS,
    'return whole.length >= unitsNeeded(units.length) - 1',
    'return whole.length >= 0',
  ),
  bug('lower-alive', 'the lower of two alive', OFFERS, 'compareBallots(b.ballot, a.ballot)', 'compareBallots(a.ballot, b.ballot)'),
  bug(
    'plain-beats-alive',
    'plain beats a higher alive offer',
    OFFERS,
    'compareBallots(alive.ballot, plain.ballot) > 0',
    'compareBallots(alive.ballot, plain.ballot) > 9e15',
  ),
  bug(
    'alive-beats-plain',
    'an alive offer beats a higher plain',
    OFFERS,
    'compareBallots(alive.ballot, plain.ballot) > 0',
    'compareBallots(alive.ballot, plain.ballot) > -9e15',
  ),
  bug(
    'half-of-five',
    'half in place of m - 1 of five',
    'protocols/base/units.ts',
    'return units <= HALVED_UNITS_MAX ?',
    'return units > 0 ?',
  ),
  {
    name: 'own-before-dead',
    what: "one's own record before a dead offer",
    patches: [
      { file: RUN, find: "import { toFinish } from './offers.ts'", replace: "import { isAlive, toFinish } from './offers.ts'" },
      {
        file: RUN,
        find: 'this.settlement.choose(found, this.claims)',
        replace:
          'this.settlement.choose(found?.home !== undefined && !isAlive(found, this.shown, asked.units) && this.claims.some((one) => one.record !== undefined) ? undefined : found, this.claims)',
      },
    ],
  },
  bug('dead-is-dropped', 'a finish that drops a dead offer and answers absent', OFFERS, 'return plain ?? offers[0]', 'return plain'),
  bug('units-of-next', 'units of a joint config from `next`', CHAIN, 'unitsOf(config.clusters)', 'unitsOf(config.next ?? config.clusters)'),
  bug('offers-read-as-votes', 'a reader counts offers as votes', READ_COUNT, ' && this.isHomeAgreed(group))', ')'),
]

/** How an offer is made. */
const MADE: readonly PlantedBug[] = [
  bug(
    'offers-while-joint',
    'offers while joint',
    'protocols/agreement/offering.ts',
    'if (config.next !== undefined || config.forming',
    'if (config.forming',
  ),
  bug(
    'home-not-asked',
    'home not asked first',
    ATTEMPT,
    "this.toHome = polls.ask({ kind: 'reserve', key, ballot }, plan.homeVoters, this)\n    this.giveTime(this.toHome)",
    'void [key, ballot, plan, polls]\n    this.offer()',
  ),
  bug(
    'slow-voter-awaited',
    'each put waits for a voter that is slower than the others',
    'protocols/agreement/offering.ts',
    'this.slowUntilMs = this.context.moment.nowMs + SLOW_VOTER_MS',
    'void SLOW_VOTER_MS',
  ),
  bug(
    'home-not-heard',
    'an offer begins, and waits, though most of home is silent',
    'protocols/agreement/offering.ts',
    'return hasMajority(home, this.context.isHeard)',
    'return home.voters.length > 0',
  ),
  bug('home-not-looked-at', "home's accepted not looked at", ATTEMPT, "if (body.accepted !== undefined) return this.fail('refused')", ''),
  bug(
    'majority-is-whole',
    'a majority of a unit taken for the whole',
    ATTEMPT,
    'return voters.every(({ id }) => this.taken.has(id))',
    'return 2 * voters.filter(({ id }) => this.taken.has(id)).length > voters.length',
  ),
  bug('no-last-step', 'without the last step', ATTEMPT, 'if (!isTakenAtHome) this.askLast()', 'if (this.taken.size > 0) this.succeed()'),
  bug(
    'last-told-early',
    'the last step told as chosen before',
    ATTEMPT,
    "this.step = 'last'\n",
    "this.step = 'last'\n    if (plan.needed > 0) return this.succeed()\n",
  ),
  {
    name: 'promises-of-home-counted',
    what: "home's promises counted in a reserve quorum",
    patches: [
      {
        file: RUN,
        find: "this.attempt = undefined\n    if (why === 'unanswered')",
        replace: "this.promisers = this.attempt?.['home']['counted']\n    this.attempt = undefined\n    if (why === 'unanswered')",
      },
      {
        file: RUN,
        find: "this.tally = new Tally(quorum)\n    this.ask({ kind: 'reserve'",
        replace:
          "this.tally = new Tally(quorum)\n    for (const id of this.promisers ?? []) this.tally.yes(id)\n    this.ask({ kind: 'reserve'",
      },
    ],
  },
  bug('offer-is-not-sent', '*not stored* after an offer left', RUN, 'claim.commitSent = true\n    return true', 'return true'),
  bug(
    'offer-after-the-answer',
    'an offer leaves for a put that was told *not stored*',
    RUN,
    'if (!this.claims.includes(claim)) return false',
    'if (this.isOver) return false',
  ),
]

/** How an offer is taken. */
const TAKEN: readonly PlantedBug[] = [
  bug(
    'taken-over-accepted',
    'taken over something accepted',
    ACCEPTOR,
    'if (accepted !== undefined) {',
    'if (accepted !== undefined && compareBallots(accepted.ballot, ballot) >= 0) {',
  ),
  {
    name: 'taken-again-unsynced',
    what: 'repeated `taken` before its sync',
    patches: [{ file: ACCEPTOR, find: TAKEN_AGAIN, replace: TAKEN_AGAIN.replace('ballot }', 'ballot, isAtOnce: true }') }, REPLY_AT_ONCE],
  },
  {
    name: 'taken-again-before-plain',
    what: 'repeated `taken` while the plain record of the last step is not on disk',
    patches: [
      { file: ACCEPTOR, find: TAKEN_AGAIN, replace: TAKEN_AGAIN.replace('ballot }', 'ballot, isAtOnce: accepted.home === undefined }') },
      REPLY_AT_ONCE,
    ],
  },
  bug(
    'taken-unsynced',
    '`taken` before its sync',
    AGREEMENT,
    REPLY,
    REPLY.replace(', slotOf(key))', ", body.kind === 'taken' ? 'nothing' : slotOf(key))"),
  ),
  {
    name: 'last-unsynced',
    what: 'the last step before its sync',
    patches: [
      {
        file: ACCEPTOR,
        find: "this.outbox.persist(acceptedWrite(key, { ballot, record }))\n    return { kind: 'committed', ballot }",
        replace:
          "this.outbox.persist(acceptedWrite(key, { ballot, record }))\n    return { kind: 'committed', ballot, isAtOnce: accepted?.home !== undefined }",
      },
      REPLY_AT_ONCE,
    ],
  },
  bug(
    'last-below-promise',
    'the last step below a promise',
    ACCEPTOR,
    'const accepted = state?.accepted\n    const higher = this.promises.above(key, ballot, accepted?.ballot)',
    'const accepted = state?.accepted\n    const higher = accepted === undefined || accepted.home !== undefined ? undefined : this.promises.above(key, ballot, accepted.ballot)',
  ),
  bug(
    'offer-below-promise',
    'offer taken below a promise',
    ACCEPTOR,
    'const higher = this.promises.above(key, ballot, undefined)',
    'const higher = this.promises.has(key) ? undefined : this.promises.above(key, ballot, undefined)',
  ),
  bug(
    'offer-below-floor',
    'offer taken below the floor',
    ACCEPTOR,
    'const higher = this.promises.above(key, ballot, undefined)',
    'const higher = this.promises.has(key) ? this.promises.above(key, ballot, undefined) : undefined',
  ),
  bug(
    'last-not-written',
    'a commit over an offer of equal ballot that is not written',
    ACCEPTOR,
    "if (accepted.home === undefined) return { kind: 'committed', ballot }",
    "return { kind: 'committed', ballot }",
  ),
  bug(
    'stale-plain-kept',
    'a stale plain record of a voter that was out of the config beats an offer that all took',
    CHAIN,
    'if (this.installed !== undefined) passing()',
    'void passing',
  ),
  bug(
    'taken-not-in-doubt',
    'what was taken is not in doubt after a restart',
    AGREEMENT,
    'for (const key of context.inDoubt) this.doubts.accepted(key)',
    'for (const key of context.inDoubt) if (registers.read(key)?.accepted?.home === undefined) this.doubts.accepted(key)',
  ),
]

export const KEY_OFFERS: readonly PlantedBug[] = [...JUDGED, ...MADE, ...TAKEN]
