/**
 * Scenarios of offers: what an acceptor takes, what a quorum makes of what it finds, and what
 * becomes of an offer that is cut short.
 */
import { dataKey } from '../../protocols/base/register.ts'
import type { RegisterKey } from '../../protocols/base/register.ts'
import type { Config } from '../../protocols/base/config.ts'
import type { ClusterId, Identity, IdentityId, NetworkId } from '../../protocols/base/identity.ts'
import type { Accepted } from '../../protocols/base/record.ts'
import { unitsOf } from '../../protocols/base/units.ts'
import type { Home } from '../../protocols/base/units.ts'
import { toFinish } from '../../protocols/agreement/offers.ts'
import type { AcceptorReply } from '../../protocols/wire/agreement-messages.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { AcceptorBench, ballot, expectReply, voter } from './acceptor-bench.ts'
import { Chance } from './chance.ts'
import { foundBy } from './checkers/offers.ts'
import { holdsData } from './checkers/quorums.ts'
import { check } from './checkers/violation.ts'
import { describeAccepted, describeConfig, describeReply } from './describe.ts'
import { KeyStage, text } from './types/keys/stage.ts'
import type { Names, Scenario } from './stage.ts'

const KEY = dataKey('k')
const OFFERS = { offersBy: 'all' } as const
const ONE: Names = { c: ['A', 'B', 'C'] }
const THREE: Names = { a: ['A', 'A2', 'A3'], b: ['B', 'B2', 'B3'], c: ['C', 'C2', 'C3'] }
const LONG_MS = 10_000
const SHORT_MS = 500
/** Far beyond any wait for an answer. */
const SLOW = 1_000
/** A way there and back, and two syncs one after the other. */
const NOT_WAITED_MS = 5
/** Home is given at least so long to answer. */
const HOME_ASKED_MS = 100
/** Quorums that are drawn, and what they show. */
const DRAWN = 4_000

export const OFFER_SCENARIOS: readonly Scenario[] = [
  { name: 'offers-at-an-acceptor', play: atAcceptor },
  { name: 'offers-by-the-rule', play: byTheRule },
  { name: 'offers-come-through', play: comeThrough },
  { name: 'offers-on-slow-disks', play: onSlowDisks },
  { name: 'offers-beside-a-slow-voter', play: slowVoter },
  { name: 'offers-in-doubt', play: inDoubt },
  { name: 'offers-read', play: readBeforeLast },
  { name: 'offers-late', play: late },
  { name: 'offers-stop', play: stopForSilence },
  { name: 'offers-stop-for-home', play: stopForHome },
  { name: 'offers-passed-without-a-vote', play: passedWithoutVote },
  { name: 'offers-and-rivals', play: rivals },
  { name: 'offers-of-a-home-that-holds', play: homeHolds },
  { name: 'offers-of-half-a-cluster', play: halfACluster },
  { name: 'offers-and-fresh-promises', play: freshPromises },
  { name: 'offers-after-the-answer', play: afterTheAnswer },
  { name: 'offers-that-are-dead', play: deadFirst },
  { name: 'offers-have-units-of-old', play: unitsOfOld },
]

/** An acceptor takes an offer when it holds nothing, and shows it as one. */
function atAcceptor(): string[] {
  const bench = new AcceptorBench(voter('A'), { epoch: 0, round: 5 })
  const [p, q] = [voter('P'), voter('Q')]
  const record = text('x')
  const home: Home = { kind: 'voter', voter: p }
  const offer = (round: number, by: Identity): AcceptorReply =>
    bench.ask({ kind: 'offer', key: KEY, ballot: ballot(0, round, by), record: by === p ? record : text('y'), home })
  expectReply(offer(5, q), 'rejected')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 7, p) }), 'promised')
  expectReply(offer(6, q), 'rejected')
  expectReply(offer(8, p), 'taken')
  expectReply(offer(8, p), 'taken')
  expectReply(offer(9, q), 'rejected')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 7, p), record }), 'rejected')
  const shown = bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 8, p) })
  check(shown.kind === 'promised' && shown.accepted?.home !== undefined, 'offer', () => `${describeReply(shown)} hides an offer`)
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 8, p), record }), 'committed')
  const plain = bench.ask({ kind: 'read', key: KEY, epoch: 0 })
  const isPlain = plain.kind === 'seen' && plain.accepted !== undefined && plain.accepted.home === undefined
  check(isPlain, 'offer', () => `${describeReply(plain)} after home has accepted plainly`)
  expectReply(offer(8, p), 'taken')
  expectReply(bench.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 10, q) }), 'promised')
  expectReply(bench.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 8, p), record }), 'rejected')
  const other = new AcceptorBench(voter('B'), { epoch: 0, round: 5 })
  expectReply(other.ask({ kind: 'offer', key: KEY, ballot: ballot(0, 8, p), record, home }), 'taken')
  expectReply(other.ask({ kind: 'reserve', key: KEY, ballot: ballot(0, 9, q) }), 'promised')
  expectReply(other.ask({ kind: 'commit', key: KEY, ballot: ballot(0, 8, p), record }), 'rejected')
  return [...bench.lines, ...other.lines]
}

/** What a quorum finds, held against the rule told anew: on drawn configs, quorums and records. */
function byTheRule(): string[] {
  const chance = new Chance(1)
  const found = new Map<string, number>()
  for (let drawn = 0; drawn < DRAWN; drawn += 1) {
    const config = drawConfig(chance)
    const voters = [...config.clusters.values(), ...(config.next?.values() ?? [])].flat()
    const shown = new Map<IdentityId, Accepted | undefined>()
    const homes = [...unitsOf(config.clusters).map((unit) => unit.home), { kind: 'cluster', cluster: 'gone' as ClusterId } as const]
    const rate = chance.span(0.3, 1)
    for (const { id } of voters) if (chance.happens(rate)) shown.set(id, drawAccepted(chance, homes))
    if (!holdsData(config, (id) => shown.has(id))) continue
    const told = toFinish(shown, unitsOf(config.clusters))
    const wanted = foundBy(config, shown)
    const same = told?.record.writeId === wanted?.record.writeId
    const kind = told === undefined ? 'nothing' : told.home === undefined ? 'what was accepted plainly' : 'an offer'
    found.set(kind, (found.get(kind) ?? 0) + 1)
    check(same, 'offer', () => {
      const all = [...shown].map(([id, accepted]) => `${id.slice(0, 4)} ${describeAccepted(accepted)}`)
      return `in ${describeConfig(config)} ${all.join('; ')} give ${describeAccepted(told)}, where the rule wants ${describeAccepted(wanted)}`
    })
  }
  check(found.size === 3, 'offer', () => `quorums find only ${[...found.keys()].join(' and ')}`)
  return [...found].map(([kind, count]) => `${count} quorums find ${kind}`)
}

function drawConfig(chance: Chance): Config {
  const count = chance.pick([1, 1, 2, 3, 4, 5])
  const sizes = Array.from({ length: count }, () => (count === 1 ? chance.between(2, 5) : chance.between(1, 3)))
  const clusters = new Map(
    sizes.map((size, place) => [`c${place}` as ClusterId, Array.from({ length: size }, (_, member) => voter(`p${place}${member}`))]),
  )
  const config: Config = { networkId: '' as NetworkId, epoch: 0, clusters, forming: false, protocolMin: 1 }
  const next = new Map([['n' as ClusterId, [voter('n0'), voter('n1'), voter('p00')]]])
  return chance.happens(0.2) ? { ...config, next } : config
}

/** One ballot is one record's, and of one home. */
function drawAccepted(chance: Chance, homes: readonly Home[]): Accepted | undefined {
  const round = chance.pick([0, 1, 1, 2, 2, 3])
  if (round === 0) return undefined
  const accepted = { ballot: ballot(0, round, voter('P')), record: text(String(round)) }
  const home = homes[round % homes.length]
  return home === undefined || chance.happens(0.3) ? accepted : { ...accepted, home }
}

/** A put that nobody contends takes one long round trip, in one cluster and in three. */
function comeThrough(): string[] {
  return [ONE, THREE].flatMap((names) => {
    const stage = new KeyStage(names, names, OFFERS)
    const asked = new Set<string>()
    stage.start()
    stage.fate = (from, to, message) => {
      const kind = kindIn(message, KEY)
      if (kind !== undefined) asked.add(from.startsWith(to.slice(0, 1)) ? `${kind} inside` : `${kind} across`)
      return 'arrives'
    }
    const outcome = stage.put('A', KEY, text('x'))
    check(outcome === 'created', 'L5', () => `an offer ended ${outcome}`)
    check(asked.has('offer across') && !asked.has('reserve across'), 'offer', () => `a put asked for ${[...asked].join(' and ')}`)
    stage.losePower()
    stage.probe()
    const shown = stage.getEverywhere(KEY)
    check(shown.join() === 'x', 'S5', () => `x was created, and ${shown.join(' and ')} is read`)
    return [`-- asked: ${[...asked].toSorted().join(', ')}`, ...stage.lines]
  })
}

/**
 * One disk takes a second for what the others do in a millisecond. So the offer is repeated there,
 * before what was taken first is on disk, and at home also before what was accepted last is.
 */
function onSlowDisks(): string[] {
  return ['A', 'B', 'C'].flatMap((name) => {
    const stage = new KeyStage(ONE, ONE, OFFERS)
    stage.start()
    stage.slow(name, SLOW)
    const client = stage.beginPut('A', KEY, text('x'), LONG_MS)
    stage.pass(LONG_MS)
    check(stage.outcome(client) === 'created', 'L5', () => `with a slow disk at ${name} a put ended ${stage.outcome(client)}`)
    stage.losePower()
    stage.probe()
    return stage.lines
  })
}

/** Where one voter is slower than the others, one put waits for it, and those that follow do not. */
function slowVoter(): string[] {
  const stage = new KeyStage(ONE, ONE, OFFERS)
  stage.start()
  stage.slow('C', SLOW)
  const waited = Array.from({ length: 10 }, (_, index) => endedIn(stage, stage.beginPut('A', dataKey(`k${index}`), text('x'), LONG_MS)))
  const waiting = waited.filter((ms) => ms > NOT_WAITED_MS)
  check(waiting.length <= 1, 'offer', () => `puts beside a slow voter took ${waited.join(', ')} ms`)
  stage.probe()
  return [`-- puts took ${waited.join(', ')} ms`, ...stage.lines]
}

/** Whoever offered dies before the last step; those who took it settle it, after a restart too. */
function inDoubt(): string[] {
  const stage = new KeyStage(ONE, ONE, OFFERS)
  stage.start()
  cutShort(stage)
  stage.restart('B')
  stage.restart('C')
  stage.pass(LONG_MS)
  check(stage.chosenByQuorum(KEY) === 'x', 'L1', () => 'nobody settles what two of three have taken')
  return stage.lines
}

/** A reader that finds an offer alone finishes it first: nobody has said that it is chosen. */
function readBeforeLast(): string[] {
  const stage = new KeyStage({ a: ['A'], b: ['B'], c: ['C'] }, undefined, OFFERS)
  stage.start()
  cutShort(stage)
  const shown = stage.get('B', KEY, LONG_MS)
  check(shown === 'x' && stage.chosenByQuorum(KEY) === 'x', 'S7', () => `a get shows ${shown}, and ${stage.chosenByQuorum(KEY)} is chosen`)
  stage.probe()
  return stage.lines
}

/** A's offer is taken by all others, who cannot tell it so. Then A is gone. */
function cutShort(stage: KeyStage): void {
  stage.fate = (_, to, message) => (to === 'A' && isTaken(message) ? 'is lost' : 'arrives')
  stage.beginPut('A', KEY, text('x'), LONG_MS)
  stage.pass(50)
  stage.crash('A')
}

/** An offer that left may be taken any time: its put is in doubt at the deadline. */
function late(): string[] {
  const stage = new KeyStage(ONE, ONE, OFFERS)
  stage.start()
  stage.fate = (_from, _to, message) => (kindIn(message, KEY) === undefined ? 'arrives' : 'waits')
  const outcome = stage.put('A', KEY, text('x'), SHORT_MS)
  check(outcome === 'in-doubt', 'S4', () => `a put whose offers are under way ended ${outcome}`)
  stage.letGo()
  stage.fate = () => 'arrives'
  const shown = stage.get('B', KEY, LONG_MS)
  stage.lines.push(`after the offers came, k is ${shown}`)
  stage.probe()
  return stage.lines
}

/** Where one voter is away in every other cluster no offer can be whole: puts begin with reserve. */
function stopForSilence(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  stage.start()
  let offers = 0
  stage.fate = (_from, _to, message) => {
    if (kindIn(message, KEY) === 'offer' || kindIn(message, dataKey('j')) === 'offer') offers += 1
    return 'arrives'
  }
  for (const name of ['B3', 'C3']) stage.crash(name)
  stage.pass(LONG_MS)
  check(stage.put('A', KEY, text('x')) === 'created' && offers === 0, 'offer', () => `${offers} offers without whole clusters`)
  for (const name of ['B3', 'C3']) stage.comeBack(name)
  stage.pass(LONG_MS)
  check(stage.put('A', dataKey('j'), text('x')) === 'created' && offers > 0, 'offer', () => 'no offers though all are back')
  return stage.lines
}

/**
 * Where most of home is silent no offer can be chosen: puts begin with reserve, and one under way
 * goes over to it.
 */
function stopForHome(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  stage.start()
  stage.fate = (_from, to, message) => (['A2', 'A3'].includes(to) && kindIn(message, KEY) !== undefined ? 'is lost' : 'arrives')
  const underWay = stage.beginPut('A', KEY, text('x'), LONG_MS)
  stage.pass(5)
  for (const name of ['A2', 'A3']) stage.crash(name)
  const first = endedIn(stage, underWay)
  stage.pass(LONG_MS)
  const second = endedIn(stage, stage.beginPut('A', dataKey('j'), text('x'), LONG_MS))
  for (const ms of [first, second]) check(ms < HOME_ASKED_MS, 'offer', () => `a put waited ${ms} ms, as for a home that is silent`)
  stage.probe()
  return stage.lines
}

/** How long it takes until a put is created, in milliseconds. */
function endedIn(stage: KeyStage, client: number): number {
  let waited = 0
  for (; stage.outcome(client) === 'nothing yet' && waited < LONG_MS; waited += 1) stage.pass(1)
  check(stage.outcome(client) === 'created', 'L5', () => `a put ended ${stage.outcome(client)}`)
  return waited
}

/** A voter that passes a finished config without a vote drops what it accepted, though it passes in one go. */
function passedWithoutVote(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D'] }, undefined, OFFERS)
  stage.accepted('D', KEY, 1, 'D', text('old'))
  stage.startWithout(['D'])
  stage.change({ c: ['A', 'B', 'C'] }, [])
  stage.pass(SHORT_MS)
  stage.beginChange({ c: ['A', 'B', 'C', 'D'] }, ['D'])
  for (let waited = 0; stage.onDisk('D').epoch < 3 && waited < LONG_MS; waited += 1) stage.pass(1)
  check(stage.onDisk('D').epoch >= 3, 'L4', () => 'D never came to the change that takes it back')
  const held = stage.heldAccepted('D', KEY)
  check(held === undefined, 'S14', () => `D still holds ${held} of a config before one that it had no vote in`)
  return stage.lines
}

/** Two offers of one key meet: one put creates it. */
function rivals(): string[] {
  return [ONE, { a: ['A'], b: ['B'], c: ['C'] }].flatMap((names: Names) => {
    const stage = new KeyStage(names, names, OFFERS)
    stage.start()
    const clients = ['A', 'B', 'C'].map((name) => stage.beginPut(name, KEY, text(name), LONG_MS))
    stage.pass(LONG_MS)
    const outcomes = clients.map((client) => stage.outcome(client))
    check(outcomes.toSorted().join() === 'conflict,conflict,created', 'L2', () => `three rivals ended ${outcomes.join(' ')}`)
    stage.probe()
    return [...stage.lines, `rivals ended ${outcomes.join(' ')}`]
  })
}

/**
 * X is chosen by voters of home and of one other cluster, the coordinator not among them. The third
 * cluster would take any offer, and what the second says is lost: home alone can tell.
 */
function homeHolds(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  for (const holder of ['A2', 'A3', 'B', 'B2']) stage.accepted(holder, KEY, 1, 'B', text('x'))
  stage.start()
  stage.fate = (from, to, _message) => (from.startsWith('B') && to === 'A' ? 'is lost' : 'arrives')
  const outcome = stage.put('A', KEY, text('y'))
  check(outcome === 'conflict', 'S1', () => `a put of a key that is chosen ended ${outcome}`)
  stage.probe()
  return stage.lines
}

/** Only majorities of the other clusters hear of an offer: it is not whole, and the two phases follow. */
function halfACluster(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  stage.start()
  stage.fate = (_, to, message) => (['B3', 'C3'].includes(to) && kindIn(message, KEY) === 'offer' ? 'is lost' : 'arrives')
  const outcome = stage.put('A', KEY, text('x'))
  check(
    outcome === 'created' && stage.chosenByQuorum(KEY) === 'x',
    'S10',
    () => `x is ${outcome}, and ${stage.chosenByQuorum(KEY)} is chosen`,
  )
  stage.probe()
  return stage.lines
}

/**
 * Home has promised an offer that then is lost. Before the two phases begin, X is chosen at a ballot
 * between the two: only promises of the second ballot tell of it.
 */
function freshPromises(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  const rounds: number[] = []
  let isHomeSlow = false
  stage.start()
  stage.fate = (from, to, message) => {
    if (from === 'A' && kindIn(message, KEY) === 'offer' && 'body' in message && 'ballot' in message.body)
      rounds.push(message.body.ballot.round)
    // Nobody tells A of X but home, and that comes late.
    const isSlow = from.startsWith('C') || (isHomeSlow && from.startsWith('A'))
    const isLate = to === 'A' && (message.kind === 'learn' || isSlow)
    return kindIn(message, KEY) === 'offer' || isLate ? 'is lost' : 'arrives'
  }
  const client = stage.beginPut('A', KEY, text('y'), LONG_MS)
  for (let waited = 0; rounds.length === 0 && waited < SHORT_MS; waited += 1) stage.pass(1)
  for (const name of ['A2', 'A3', 'C', 'C2']) stage.commit('B', name, KEY, rounds[0] ?? 0, text('x'))
  isHomeSlow = true
  stage.pass(2 * SHORT_MS)
  isHomeSlow = false
  stage.pass(LONG_MS)
  check(stage.outcome(client) === 'conflict', 'S1', () => `x was chosen meanwhile, and a put of y ended ${stage.outcome(client)}`)
  stage.probe()
  return stage.lines
}

/** A put was told *not stored* while home was still asked: its record never leaves, though another put waits. */
function afterTheAnswer(): string[] {
  const stage = new KeyStage(THREE, THREE, OFFERS)
  stage.start()
  stage.fate = (from, to, message) => (to === 'A' && from.startsWith('A') && message.kind === 'reply' ? 'waits' : 'arrives')
  const first = stage.beginPut('A', KEY, text('x'), 100)
  const second = stage.beginPut('A', KEY, text('y'), LONG_MS)
  stage.pass(200)
  check(stage.outcome(first) === 'not-stored', 'S4', () => `a put that was never sent ended ${stage.outcome(first)}`)
  stage.letGo()
  stage.fate = () => 'arrives'
  stage.pass(LONG_MS)
  check(stage.chosenByQuorum(KEY) === 'y' && stage.outcome(second) === 'created', 'S4', () => `${stage.chosenByQuorum(KEY)} is chosen`)
  return stage.lines
}

/** Who finds nothing but an offer that is dead commits it before anything of its own. */
function deadFirst(): string[] {
  const stage = new KeyStage(ONE, ONE, OFFERS)
  stage.start()
  stage.fate = (_from, _to, message) => (kindIn(message, KEY) === 'offer' ? 'is lost' : 'arrives')
  const client = stage.beginPut('A', KEY, text('x'), 100)
  stage.pass(200)
  check(stage.outcome(client) === 'in-doubt', 'S4', () => `a put that A alone has taken ended ${stage.outcome(client)}`)
  stage.isolate('C')
  // Who has promised a key to somebody makes no offer of it.
  stage.reserve('A', 'B', KEY, 1)
  const outcome = stage.put('B', KEY, text('y'))
  check(outcome === 'conflict' && stage.chosenByQuorum(KEY) === 'x', 'offer', () => `y is ${outcome} before a dead offer`)
  stage.probe()
  return stage.lines
}

/** While a config is joint, its units are those of its old voters. */
function unitsOfOld(): string[] {
  const stage = new KeyStage({ c: ['A', 'B', 'C', 'D', 'E'] }, { c: ['A', 'B', 'C'] }, OFFERS)
  stage.startWithout(['D', 'E'])
  stage.propose({ c: ['D', 'E'] })
  for (let waited = 0; stage.onDisk('A').epoch < 1 && waited < SHORT_MS; waited += 1) stage.pass(1)
  const units = stage.unitsAt('A')
  check(units.join() === 'A,B,C', 'offer', () => `the units of a joint config are ${units.join(' ')}`)
  return [`the units of a joint config are ${units.join(' ')}`]
}

/** What a message asks of a key, directly or through a representative. */
function kindIn(message: Message, key: RegisterKey): string | undefined {
  if (message.kind !== 'request' && message.kind !== 'relay') return undefined
  return message.body.key === key ? message.body.kind : undefined
}

function isTaken(message: Message): boolean {
  const votes = message.kind === 'reply' ? [message.vote] : message.kind === 'relayed' ? message.votes : []
  return votes.some(({ body }) => body.kind === 'taken')
}
