/**
 * Scenarios of the papers and of our own, scripted message by message: what random schedules meet
 * too rarely.
 */
import assert from 'node:assert/strict'
import { committedIndex } from '../../../protocols/log/commit.ts'
import type { EntryBody } from '../../../protocols/log/entry.ts'
import { firstMembers } from '../../../protocols/log/membership.ts'
import { identityOf, LogStage, T_MS } from './stage.ts'
import { ModelStore } from './store.ts'

export interface LogScenario {
  readonly name: string
  readonly play: () => void
}

const BEGAN: EntryBody = { kind: 'began' }
const NONE = { kind: 'append', before: { term: 0, index: 0 }, commit: 0, entries: [] } as const

function entry(term: number, index: number, body: EntryBody = BEGAN): { term: number; index: number; atMs: number; body: EntryBody } {
  return { term, index, atMs: 0, body }
}

export const LOG_SCENARIOS: readonly LogScenario[] = [
  {
    name: 'an entry of an earlier term is not committed by count (figure 8 of the Raft paper)',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 2, { ...NONE, entries: [entry(1, 1), entry(2, 2)] })
      stage.state('a').leader = stage.id('b')
      stage.tell('b', 'a', 2, { kind: 'transfer' })
      stage.tell('c', 'a', 3, { kind: 'voted', isTest: false, isGranted: true, wallMs: 0 })
      // The own vote and the own entries come by messages to oneself.
      stage.cutOff('abc')
      stage.deliver()
      stage.tell('c', 'a', 3, { kind: 'appended', index: 2 })
      assert.equal(stage.state('a').commit, 0, 'the entry of term 2 is on two disks, and may still be replaced')
      stage.tell('c', 'a', 3, { kind: 'appended', index: 3 })
      assert.equal(stage.state('a').commit, 3)
    },
  },
  {
    name: 'a voter votes once in a term, also across a restart',
    play() {
      const stage = new LogStage('abc')
      const vote = { kind: 'vote', last: { term: 0, index: 0 }, isTest: false, isHanded: false } as const
      stage.tell('b', 'a', 1, vote)
      assert.deepEqual(granted(stage), [true])
      stage.restart('a')
      stage.tell('c', 'a', 1, vote)
      assert.deepEqual(granted(stage), [true, false])
      stage.tell('b', 'a', 1, vote)
      assert.deepEqual(granted(stage), [true, false, true])
    },
  },
  {
    name: 'a voter that hears its leader grants nobody a vote, and its term stays',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 1, { kind: 'heartbeat', commit: 0, round: 0 })
      for (const isTest of [true, false]) stage.tell('c', 'a', 9, { kind: 'vote', last: { term: 8, index: 9 }, isTest, isHanded: false })
      assert.deepEqual(granted(stage), [])
      assert.equal(stage.state('a').term, 1)
      stage.nowMs += T_MS
      stage.tell('c', 'a', 9, { kind: 'vote', last: { term: 8, index: 9 }, isTest: false, isHanded: false })
      assert.deepEqual(granted(stage), [true])
    },
  },
  {
    name: 'a closed connection to the leader ends that after 100 ms, and votes are asked for within 300',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 1, { kind: 'heartbeat', commit: 0, round: 0 })
      stage.step('a', { kind: 'disconnected', peer: stage.id('b') })
      stage.nowMs += 99
      stage.tell('c', 'a', 2, { kind: 'vote', last: { term: 0, index: 0 }, isTest: true, isHanded: false })
      assert.deepEqual(granted(stage), [])
      stage.nowMs += 1
      stage.tell('c', 'a', 2, { kind: 'vote', last: { term: 0, index: 0 }, isTest: true, isHanded: false })
      assert.deepEqual(granted(stage), [true])
      stage.pass(200, false)
      assert.equal(stage.state('a').role, 'testing')
    },
  },
  {
    name: 'two that miss one leader at a time and vote for themselves try again within half an election time',
    play() {
      const stage = new LogStage('abc')
      for (const name of 'ab') stage.tell('c', name, 1, { kind: 'heartbeat', commit: 0, round: 0 })
      stage.cutOff('c')
      for (const name of 'ab') stage.step(name, { kind: 'disconnected', peer: stage.id('c') })
      stage.pass(150, false)
      stage.deliver()
      assert.deepEqual([stage.state('a').role, stage.state('b').role], ['candidate', 'candidate'])
      stage.pass(T_MS / 2)
      assert.equal(stage.state('a').role, 'leader')
    },
  },
  {
    name: 'a follower commits no further than what was found equal',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 1, { ...NONE, entries: [entry(1, 1), entry(1, 2), entry(1, 3)] })
      stage.tell('c', 'a', 2, { kind: 'append', before: { term: 1, index: 1 }, commit: 3, entries: [] })
      assert.equal(stage.state('a').commit, 1)
    },
  },
  {
    name: 'a refusal names the last place where the logs can agree, a whole term at once',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 2, { ...NONE, entries: [entry(1, 1), entry(2, 2), entry(2, 3), entry(2, 4)] })
      stage.tell('c', 'a', 5, { kind: 'append', before: { term: 1, index: 4 }, commit: 0, entries: [] })
      const refused = stage.waiting.findLast(({ kind }) => kind === 'refused')
      assert(refused?.kind === 'refused')
      assert.deepEqual(refused.hint, { term: 1, index: 1 })
    },
  },
  {
    name: 'a leader that is cut off answers no read',
    play() {
      const stage = led()
      stage.cutOff('a')
      stage.query('a', 1)
      stage.pass(5_500)
      assert.deepEqual(stage.reads, [])
      assert.equal(stage.answers.get(1)?.kind, 'unavailable')
    },
  },
  {
    name: 'a leader that hears no majority for an election time steps down',
    play() {
      const stage = led()
      stage.cutOff('a')
      stage.pass(2 * T_MS + 100)
      assert.equal(stage.state('a').role === 'leader', false)
    },
  },
  {
    name: 'a read is answered by a round that began after it',
    play() {
      const stage = led()
      stage.query('a', 1)
      const first = stage.waiting.splice(0)
      const round = first.find(({ kind }) => kind === 'heartbeat')
      assert(round?.kind === 'heartbeat')
      stage.query('a', 2)
      const heard = { kind: 'heard', wallMs: 0, applied: 0, isStalled: false, lacksStore: false } as const
      stage.tell('b', 'a', round.term, { ...heard, round: round.round })
      assert.deepEqual(clients(stage), [1])
      stage.tell('c', 'a', round.term, { ...heard, round: round.round })
      assert.deepEqual(clients(stage), [1])
      stage.tell('c', 'a', round.term, { ...heard, round: round.round + 1 })
      assert.deepEqual(clients(stage), [1, 2])
    },
  },
  {
    name: 'while members change both majorities are needed',
    play() {
      const joint = { ...firstMembers(['a', 'b', 'c'].map(identityOf)), outgoing: ['d', 'e', 'f'].map(identityOf) }
      const held = new Map('abcde'.split('').map((name) => [identityOf(name).id, 'abcd'.includes(name) ? 7 : 3]))
      assert.equal(
        committedIndex(joint, (id) => held.get(id) ?? 0),
        3,
      )
    },
  },
  {
    name: 'voters change by a joint step, and a leader that is not among them leads to its end and hands over',
    play() {
      const stage = led('abc', 'de')
      const changes = [
        { kind: 'voter', peer: stage.id('d') },
        { kind: 'remove', peer: stage.id('a') },
      ] as const
      stage.step('a', { kind: 'connected', peer: stage.id('d') })
      stage.step('a', { kind: 'change', client: 1, changes, wish: 'voters', isForced: false })
      stage.pass(2_000)
      assert.equal(stage.answers.get(1)?.kind, 'changed')
      const leader = ['b', 'c', 'd'].find((name) => stage.state(name).role === 'leader')
      assert(leader !== undefined && stage.state('a').role === 'follower')
      assert.deepEqual(
        stage.state(leader).members.voters.map(({ peerId }) => peerId),
        ['b', 'c', 'd'],
      )
      const named = stage.actor('d').applied.flatMap(({ body }) => (body.kind === 'members' ? [body.members] : []))
      assert.deepEqual(
        named.map(({ voters, outgoing, learners }) => [voters.length, outgoing.length, learners.length]),
        [
          [3, 0, 1],
          [3, 3, 0],
          [3, 0, 0],
        ],
      )
    },
  },
  {
    name: 'what an operator changes becomes the wish, and a wish said anew is one entry',
    play() {
      const stage = led('abc', 'd')
      stage.step('a', { kind: 'connected', peer: stage.id('d') })
      const changes = [{ kind: 'voter', peer: stage.id('d') }] as const
      stage.step('a', { kind: 'change', client: 1, changes, wish: 'voters', isForced: false })
      stage.pass(2_000)
      assert.deepEqual([stage.answers.get(1)?.kind, stage.state('b').members.place], ['changed', 'peers:a,b,c,d'])
      const { index } = stage.state('a').tail.last
      stage.step('a', { kind: 'change', client: 2, changes: [], wish: { place: 'spread:3' }, isForced: false })
      stage.pass(500)
      assert.deepEqual([stage.answers.get(2)?.kind, stage.state('c').members.place], ['changed', 'spread:3'])
      assert.deepEqual([stage.state('a').tail.last.index, stage.state('a').members.voters.length], [index + 1, 4])
      stage.step('a', { kind: 'change', client: 3, changes: [{ kind: 'remove', peer: stage.id('d') }], wish: 'kept', isForced: false })
      stage.pass(1_000)
      assert.deepEqual([stage.answers.get(3)?.kind, stage.state('b').members.place], ['changed', 'spread:3'])
    },
  },
  {
    name: 'a learner that hears no leader any more follows none',
    play() {
      const stage = led('abc', 'd')
      stage.step('a', { kind: 'change', client: 1, changes: [{ kind: 'learner', peer: stage.id('d') }], wish: 'kept', isForced: false })
      stage.pass(500)
      assert(stage.actor('d').core.isFollowing(stage.nowMs))
      stage.cutOff('d')
      stage.pass(3 * T_MS)
      assert(!stage.actor('d').core.isFollowing(stage.nowMs))
    },
  },
  {
    name: 'a new leader commits the joint step that it finds before it ends it',
    play() {
      const stage = new LogStage('abc')
      const joint = { ...firstMembers(['a', 'b'].map(identityOf)), outgoing: ['a', 'b', 'c'].map(identityOf) }
      stage.tell('b', 'a', 1, { ...NONE, entries: [entry(1, 1), entry(1, 2, { kind: 'members', members: joint })] })
      stage.waiting.length = 0
      stage.tell('b', 'a', 1, { kind: 'transfer' })
      stage.tell('c', 'a', 2, { kind: 'voted', isTest: false, isGranted: true, wallMs: 0 })
      stage.tell('b', 'a', 2, { kind: 'voted', isTest: false, isGranted: true, wallMs: 0 })
      stage.cutOff('abc')
      stage.deliver()
      assert.deepEqual([stage.state('a').role, stage.state('a').tail.last.index], ['leader', 3])
      stage.tell('b', 'a', 2, { kind: 'appended', index: 3 })
      stage.deliver()
      assert.equal(stage.state('a').tail.last.index, 4, 'the step is committed by both, and its end is appended')
      assert.deepEqual(stage.state('a').members, firstMembers(['a', 'b'].map(identityOf)))
    },
  },
  {
    name: 'a change whose majority cannot be reached is refused, unless it is forced',
    play() {
      const stage = led('a', 'bc')
      const changes = ['b', 'c'].map((name) => ({ kind: 'voter' as const, peer: stage.id(name) }))
      stage.step('a', { kind: 'change', client: 1, changes, wish: 'voters', isForced: false })
      assert.deepEqual(stage.answers.get(1), { kind: 'not-changed', why: 'unreachable' })
      stage.step('a', { kind: 'change', client: 2, changes, wish: 'voters', isForced: true })
      stage.pass(2_000)
      assert.equal(stage.answers.get(2)?.kind, 'changed')
    },
  },
  {
    name: 'a peer of another incarnation takes nothing, and its votes count for nobody',
    play() {
      const stage = new LogStage('abc')
      const wiped = { ...stage.id('a'), incarnation: 'f'.repeat(32), id: `a/${'f'.repeat(32)}` } as ReturnType<LogStage['id']>
      stage.tell('b', 'a', 1, { kind: 'vote', last: { term: 0, index: 0 }, isTest: false, isHanded: false }, { to: wiped })
      assert.deepEqual(granted(stage), [])
      stage.step('b', { kind: 'tick' })
      stage.nowMs += 2 * T_MS
      stage.step('b', { kind: 'tick' })
      stage.tell('a', 'b', 1, { kind: 'voted', isTest: true, isGranted: true, wallMs: 0 }, { from: wiped })
      assert.equal(stage.state('b').role, 'testing')
      stage.tell('a', 'b', 1, { kind: 'voted', isTest: true, isGranted: true, wallMs: 0 })
      assert.equal(stage.state('b').role, 'candidate')
    },
  },
  {
    name: 'of two generations the lower one stops',
    play() {
      const stage = new LogStage('abc')
      stage.tell('b', 'a', 5, { kind: 'heartbeat', commit: 0, round: 0 }, { generation: 1 })
      assert.equal(stage.state('a').term, 0)
      stage.tell('b', 'a', 5, { kind: 'ended' }, { generation: 1 })
      assert(stage.effects.some((effect) => effect.kind === 'note' && effect.note.kind === 'halted'))
      stage.pass(5_000)
      assert.equal(stage.state('a').role, 'follower')
    },
  },
  {
    name: 'an entry of an unknown kind stops the replica, and is not skipped',
    play() {
      const stage = new LogStage('abc')
      const unknown = { kind: 'unknown', code: 200, version: 0, bytes: new Uint8Array() } as const
      stage.tell('b', 'a', 1, { ...NONE, commit: 1, entries: [entry(1, 1, unknown)] })
      assert.deepEqual(stage.actor('a').applied, [])
      assert(!stage.waiting.some(({ kind }) => kind === 'appended'))
    },
  },
  {
    name: 'a leader is overloaded beyond so many commands that are not applied',
    play() {
      const stage = led('abc', '', { pendingEntriesMax: 3 })
      stage.cutOff('a')
      for (const client of [1, 2, 3, 4]) stage.submit('a', client, 'x')
      assert.deepEqual(stage.answers.get(4), { kind: 'not-ordered', why: 'overloaded' })
      assert.equal(stage.answers.size, 1)
    },
  },
  {
    name: 'a copy of a command that was refused is not taken later',
    play() {
      const stage = led('abc', '', { pendingEntriesMax: 1 })
      stage.cutOff('a')
      stage.submit('a', 1, 'x')
      const { term } = stage.state('a')
      const { index } = stage.state('a').tail.last
      const submits = [{ number: 7, submitId: 'f9' as never, since: 0, command: new Uint8Array([1]) }]
      stage.tell('b', 'a', term, { kind: 'submit', start: 1, submits })
      stage.tell('b', 'a', term, { kind: 'appended', index })
      stage.deliver()
      stage.tell('b', 'a', term, { kind: 'submit', start: 1, submits })
      assert.equal(stage.state('a').tail.last.index, index)
      stage.tell('b', 'a', term, { kind: 'submit', start: 1, submits: [{ ...submits[0], number: 8 } as never] })
      assert.equal(stage.state('a').tail.last.index, index + 1)
    },
  },
  {
    name: 'a command that comes late is not taken in a later term than it was sent in',
    play() {
      const stage = led()
      const { term, tail } = stage.state('a')
      const { index } = tail.last
      const submits = [{ number: 7, submitId: 'f9' as never, since: 0, command: new Uint8Array([1]) }]
      stage.tell('b', 'a', term - 1, { kind: 'submit', start: 1, submits })
      assert.equal(stage.state('a').tail.last.index, index)
      stage.tell('b', 'a', term, { kind: 'submit', start: 1, submits })
      assert.equal(stage.state('a').tail.last.index, index + 1)
    },
  },
  {
    name: 'a leader whose store was never opened takes no command, and hands the lead on',
    play() {
      const stage = led()
      stage.restartWithoutStore('b')
      stage.pass(200)
      stage.step('a', { kind: 'transfer', client: 1, to: stage.id('b') })
      stage.pass(300)
      assert.equal(stage.state('b').role, 'leader')
      stage.submit('a', 2, 'x')
      stage.pass(300)
      assert.deepEqual(stage.answers.get(2), { kind: 'not-ordered', why: 'stalled' })
      stage.pass(2_000)
      assert.notEqual(stage.state('b').role, 'leader')
      stage.submit('a', 3, 'y')
      stage.pass(300)
      assert.equal(stage.answers.get(3)?.kind, 'outcome')
    },
  },
  {
    name: 'a store that lost its end knows the names of what it still holds',
    play() {
      const store = new ModelStore(firstMembers([]))
      const command = new TextEncoder().encode(JSON.stringify({ list: 'a', item: 'x', isWrong: false }))
      const body = { kind: 'command', submitId: 'n1' as never, since: 0, command } as const
      store.apply([entry(1, 1, body)], new Map())
      store.cut(1)
      store.apply([entry(1, 2, body)], new Map())
      assert.deepEqual(store.list('a'), ['x'])
    },
  },
  {
    name: 'commands wait while the lead is handed over, and go on at the next leader',
    play() {
      const stage = led()
      stage.step('a', { kind: 'transfer', client: 1, to: stage.id('b') })
      stage.submit('a', 2, 'x')
      stage.pass(300)
      assert.equal(stage.state('b').role, 'leader')
      assert.equal(stage.answers.get(1)?.kind, 'changed')
      assert.deepEqual(stage.answers.get(2), { kind: 'not-ordered', why: 'leader-changed' })
      stage.submit('a', 3, 'y')
      stage.pass(300)
      assert.equal(stage.answers.get(3)?.kind, 'outcome')
    },
  },
  {
    name: 'a leader whose store refuses hands the lead on after 2 s',
    play() {
      const stage = led()
      stage.step('a', { kind: 'stalled', index: 2, code: 'down' })
      stage.pass(1_900)
      assert.equal(stage.state('a').role, 'leader')
      stage.pass(300)
      assert.equal(stage.state('a').role, 'follower')
    },
  },
  {
    name: 'a verdict is refused while a member has applied the entry, and otherwise reaches stores when it is committed',
    play() {
      const stage = led()
      stage.step('a', { kind: 'verdict', client: 1, index: 1, code: 'no', isForced: false })
      assert.deepEqual(stage.answers.get(1), { kind: 'not-changed', why: 'applied-somewhere' })
      for (const name of 'abc') stage.actor(name).isStoreHeld = true
      stage.submit('a', 2, 'x')
      stage.pass(300)
      const { index } = stage.state('a').tail.last
      stage.step('a', { kind: 'verdict', client: 3, index, code: 'no', isForced: false })
      assert.equal(stage.answers.get(3)?.kind, 'changed')
      assert(!stage.effects.some(({ kind }) => kind === 'verdict'))
      stage.pass(300)
      assert.equal(stage.effects.filter(({ kind }) => kind === 'verdict').length, 3)
    },
  },
  {
    name: 'a learner counts for nothing',
    play() {
      const members = firstMembers(['a', 'b', 'c'].map(identityOf), ['d', 'e'].map(identityOf))
      const held = new Set('ade'.split('').map((name) => identityOf(name).id))
      assert.equal(
        committedIndex(members, (id) => (held.has(id) ? 7 : 3)),
        3,
      )
    },
  },
  {
    name: 'nothing is said in a term that is not on disk',
    play() {
      const stage = new LogStage('abc')
      stage.actor('a').isDiskHeld = true
      stage.tell('b', 'a', 1, { kind: 'heartbeat', commit: 0, round: 0 })
      assert.deepEqual(stage.waiting, [])
      stage.sync('a')
      assert.deepEqual(
        stage.waiting.map(({ kind }) => kind),
        ['heard'],
      )
    },
  },
  {
    name: 'one voter leads when all stores refuse, and takes no command',
    play() {
      const stage = new LogStage('abc')
      for (const name of 'abc') stage.actor(name).isStoreHeld = true
      for (const name of 'abc') stage.step(name, { kind: 'stalled', index: 1, code: 'down' })
      stage.pass(2 * T_MS)
      assert('abc'.split('').every((name) => stage.state(name).role === 'follower'))
      stage.pass(3 * T_MS)
      const leader = 'abc'.split('').find((name) => stage.state(name).role === 'leader')
      assert(leader !== undefined)
      stage.submit(leader, 1, 'x')
      assert.deepEqual(stage.answers.get(1), { kind: 'not-ordered', why: 'stalled' })
    },
  },
  {
    name: 'an entry counts only once it is on disk, the own one too',
    play() {
      const stage = led('a')
      stage.actor('a').isDiskHeld = true
      stage.submit('a', 1, 'x')
      stage.deliver()
      assert.equal(stage.answers.size, 0)
      stage.sync('a')
      stage.deliver()
      assert.equal(stage.answers.get(1)?.kind, 'outcome')
    },
  },
]

/** A stage on which `a` leads and has begun. */
function led(voters: string = 'abc', others: string = '', limits: ConstructorParameters<typeof LogStage>[2] = {}): LogStage {
  const stage = new LogStage(voters, others, limits)
  stage.nowMs += 1_600
  stage.step('a', { kind: 'tick' })
  stage.deliver()
  assert.equal(stage.state('a').role, 'leader')
  assert.equal(stage.state('a').commit, 1)
  stage.reads.length = 0
  return stage
}

function granted(stage: LogStage): boolean[] {
  return stage.waiting.flatMap((message) => (message.kind === 'voted' ? [message.isGranted] : []))
}

function clients(stage: LogStage): number[] {
  return stage.reads.map(({ client }) => client)
}
