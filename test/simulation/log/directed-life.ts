/** Scenarios of what comes late in the life of a log: checks, leases, and stores that leave. */
import assert from 'node:assert/strict'
import type { Entry, SubmitId } from '../../../protocols/log/entry.ts'
import type { LogEffect } from '../../../protocols/log/events.ts'
import { firstMembers } from '../../../protocols/log/membership.ts'
import type { LogScenario } from './directed.ts'
import { LogLedger } from './ledger.ts'
import { identityOf, LogStage, T_MS } from './stage.ts'
import type { Actor } from './stage.ts'
import { ModelStore } from './store.ts'

/** Checks of one slice each time, so that a pass is one entry. */
const ONE_SLICE = { checkSlices: 1 }
const CHECKED = 2
const HEARD = { kind: 'heard', wallMs: 0, applied: 1, isStalled: false, lacksStore: false } as const

export const LIFE_SCENARIOS: readonly LogScenario[] = [
  {
    name: 'a store that is not like most others stops, stays so across a restart, and goes on once it is filled anew',
    play() {
      const stage = led({ limits: ONE_SLICE })
      stage.actor('c').content = 'f'
      check(stage)
      assert.equal(stage.state('c').differingIndex, CHECKED)
      assert.deepEqual([stage.state('a').differingIndex, stage.state('b').differingIndex], [undefined, undefined])
      stage.submit('a', 2, 'x')
      stage.deliver()
      assert.equal(stage.actor('c').applied.at(-1)?.index, CHECKED, 'nothing more is applied to it')
      stage.query('c', 3)
      assert.equal(stage.answers.get(3)?.kind, 'unavailable')
      stage.restart('c')
      assert.equal(stage.state('c').differingIndex, CHECKED)
      stage.actor('c').applied.length = 0
      stage.actor('c').content = '0'
      stage.openStore(stage.actor('c'))
      stage.pass(T_MS)
      assert.equal(stage.state('c').differingIndex, undefined)
      assert.equal(stage.actor('c').applied.at(-1)?.index, CHECKED + 1)
    },
  },
  {
    name: 'a leader whose store is the odd one stops it, hands the lead on, and votes',
    play() {
      const stage = led({ limits: ONE_SLICE })
      stage.actor('a').content = 'f'
      check(stage)
      assert.equal(stage.state('a').differingIndex, CHECKED)
      stage.pass(4 * T_MS)
      assert.notEqual(stage.state('a').role, 'leader')
      assert('bc'.split('').some((name) => stage.state(name).role === 'leader'))
    },
  },
  {
    name: 'of stores that all differ none stops: nobody knows which is right',
    play() {
      const stage = led({ limits: ONE_SLICE })
      for (const [place, name] of 'abc'.split('').entries()) stage.actor(name).content = `${place}`
      check(stage)
      for (const name of 'abc') assert.equal(stage.state(name).differingIndex, undefined)
      const alarms = stage.effects.filter((effect) => effect.kind === 'note' && effect.note.kind === 'differs')
      assert.equal(alarms.length, 1)
    },
  },
  {
    name: 'contents are compared once in a while, slice by slice',
    play() {
      const stage = led({ limits: { checkEveryMs: 5_000, checkSlices: 3 } })
      stage.pass(7_000)
      const slices = stage.actor('b').applied.flatMap(({ body }) => (body.kind === 'check' ? [body.slice] : []))
      assert.deepEqual(slices, [0, 1, 2])
    },
  },
  {
    name: 'contents are compared though commands never cease',
    play() {
      const stage = led({ limits: { checkEveryMs: 1_000, checkSlices: 3 } })
      for (let client = 1; client < 300; client += 1) {
        stage.submit('a', client, 'x')
        stage.pass(10)
        assert(stage.state('a').commit > client, 'commands are committed')
      }
      const slices = stage.actor('b').applied.flatMap(({ body }) => (body.kind === 'check' ? [body.slice] : []))
      assert.deepEqual(slices.slice(0, 3), [0, 1, 2])
    },
  },
  {
    name: 'who leads an earlier term, because its votes came late, lacks what a later one committed, and commits nothing',
    play() {
      const ledger = new LogLedger(firstMembers('abcde'.split('').map(identityOf)))
      const stage = new LogStage('abcde', '', {}, { stepped: (actor, effects) => watch(ledger, actor, effects) })
      stage.nowMs += 1_600
      stage.step('a', { kind: 'tick' })
      while (stage.state('a').role !== 'candidate') stage.deliver(1)
      const asked = stage.waiting.splice(0).filter(({ kind, to }) => kind === 'voted' || 'bc'.includes(to.peerId))
      for (const message of asked) if (message.kind === 'vote') stage.step(message.to.peerId, { kind: 'message', message })
      const late = [...asked.filter(({ kind }) => kind === 'voted'), ...stage.waiting.splice(0)]
      stage.cutOff('a')
      stage.nowMs += 2 * T_MS
      stage.step('b', { kind: 'tick' })
      stage.deliver()
      assert.deepEqual([stage.state('b').role, stage.state('b').term, stage.state('b').commit], ['leader', 2, 1])
      for (const message of late) stage.step('a', { kind: 'message', message })
      assert.deepEqual([stage.state('a').role, stage.state('a').term], ['leader', 1])
      stage.submit('a', 1, 'x')
      stage.heal()
      stage.pass(3 * T_MS)
      assert.equal(stage.answers.get(1)?.kind, 'not-ordered')
    },
  },
  {
    name: 'a snapshot that is not ahead of the store is not taken',
    play() {
      const stage = led({})
      stage.submit('a', 1, 'x')
      stage.pass(200)
      const taken = (): number => stage.effects.filter(({ kind }) => kind === 'take-snapshot').length
      stage.step('b', { kind: 'snapshot-staged', position: { term: 1, index: 2 } })
      assert.equal(taken(), 0)
      stage.step('b', { kind: 'snapshot-staged', position: { term: 1, index: 3 } })
      assert.equal(taken(), 1)
    },
  },
  {
    name: 'a command whose name is forgotten takes no effect when it is sent again',
    play() {
      const store = new ModelStore(firstMembers([]))
      const command = new TextEncoder().encode(JSON.stringify({ list: 'a', item: '1', isWrong: false }))
      const named = (index: number, submitId: string, since: number): Entry => {
        const body = { kind: 'command', submitId: submitId as SubmitId, since, command } as const
        return { term: 1, index, atMs: 0, body }
      }
      store.apply([named(1, 'n1', 1)], new Map())
      for (let index = 2; index < 40; index += 1) store.apply([{ term: 1, index, atMs: 0, body: { kind: 'began' } }], new Map())
      const [again] = store.apply([named(40, 'n1', 1)], new Map())
      assert.equal(again?.outcome.kind, 'forgotten')
      assert.deepEqual(store.list('a'), ['1'])
    },
  },
  {
    name: 'the last store that serves does not leave with its member',
    play() {
      const stage = led({})
      stage.actor('a').isStoreHeld = true
      stage.actor('b').isStoreHeld = true
      for (const name of 'ab') stage.step(name, { kind: 'stalled', index: 2, code: 'down' })
      stage.pass(200)
      const remove = { kind: 'change', changes: [{ kind: 'remove', peer: stage.id('c') }], wish: 'voters' } as const
      stage.step('a', { ...remove, client: 1, isForced: false })
      assert.deepEqual(stage.answers.get(1), { kind: 'not-changed', why: 'no-store-left' })
      stage.step('a', { ...remove, client: 2, isForced: true })
      stage.deliver()
      assert.equal(stage.answers.get(2)?.kind, 'changed')
    },
  },
  {
    name: 'whoever was removed from the network leaves, though it has the last store that serves',
    play() {
      const stage = led({})
      stage.actor('a').isStoreHeld = true
      stage.actor('b').isStoreHeld = true
      for (const name of 'ab') stage.step(name, { kind: 'stalled', index: 2, code: 'down' })
      stage.pass(200)
      const changes = [{ kind: 'remove', peer: stage.id('c') }] as const
      stage.step('a', { kind: 'change', client: 1, changes, wish: 'kept', isForced: false, isOfLost: true })
      stage.deliver()
      assert.deepEqual(stage.answers.get(1), { kind: 'changed' })
      assert.deepEqual(
        stage.state('a').members.voters.map(({ peerId }) => peerId),
        ['a', 'b'],
      )
    },
  },
  {
    name: 'a follower whose store nobody fills for long asks others to do it, and so does a leader at once',
    play() {
      const stage = led({ limits: { keptEntriesMin: 1 } })
      for (let client = 1; client < 20; client += 1) {
        stage.submit('a', client, 'x')
        stage.pass(20)
      }
      const { index } = stage.state('a').tail.base
      assert(index > 0, 'entries were dropped')
      for (const name of 'bc') {
        stage.actor(name).applied.length = 0
        stage.restart(name)
      }
      const wants = (name: string): boolean => stage.actor(name).core.wantsFill
      stage.pass(1_500)
      assert.deepEqual('bc'.split('').map(wants), [false, false])
      stage.pass(1_000)
      assert.deepEqual('bc'.split('').map(wants), [true, true])
      stage.step('a', { kind: 'transfer', client: 90, to: stage.id('b') })
      stage.deliver()
      assert.equal(stage.state('b').role, 'leader')
      assert.equal(wants('b'), false, 'the store of a is in touch')
      stage.cutOff('a')
      stage.pass(T_MS + 200)
      assert.deepEqual('bc'.split('').map(wants), [true, true])
    },
  },
  {
    name: 'who stopped voting by an entry that only it holds leads again until that is committed',
    play() {
      const stage = new LogStage('ab', 'cd')
      stage.nowMs += 1_600
      stage.step('a', { kind: 'tick' })
      stage.deliver()
      for (const name of 'bcd') stage.step('a', { kind: 'connected', peer: stage.id(name) })
      const come = 'cd'.split('').map((name) => ({ kind: 'voter' as const, peer: stage.id(name) }))
      const leave = 'ab'.split('').map((name) => ({ kind: 'remove' as const, peer: stage.id(name) }))
      stage.step('a', { kind: 'change', client: 1, changes: [...come, ...leave], wish: 'voters', isForced: false })
      for (let step = 0; stage.state('a').isVoter && step < 1_000; step += 1) {
        if (stage.waiting.length === 0) stage.pass(10, false)
        stage.deliver(1)
      }
      assert(!stage.state('a').isVoter && stage.state('a').tail.membersIndex > stage.state('a').commit)
      stage.waiting.length = 0
      stage.restart('a')
      stage.pass(8 * T_MS)
      const leader = 'abcd'.split('').find((name) => stage.state(name).role === 'leader')
      assert(leader === 'c' || leader === 'd', `${leader} leads`)
      assert.deepEqual(stage.state(leader).members.outgoing, [])
    },
  },
  {
    name: 'a leader with a lease answers at once, and asks a majority again when the lease is over',
    play() {
      const stage = leased()
      stage.query('a', 1, 'lease')
      assert.deepEqual(clients(stage), [1])
      stage.query('a', 2)
      assert.deepEqual(clients(stage), [1], 'who asks for no lease waits for a round')
      stage.deliver()
      assert.deepEqual(clients(stage), [1, 2])
      stage.cutOff('a')
      stage.pass(0.95 * T_MS)
      stage.query('a', 3, 'lease')
      assert.deepEqual(clients(stage), [1, 2])
    },
  },
  {
    name: 'a lease runs from when its round was sent, not from the answers',
    play() {
      const stage = leased()
      stage.pass(100, false)
      const round = stage.waiting.findLast(({ kind }) => kind === 'heartbeat')
      assert(round?.kind === 'heartbeat')
      stage.waiting.length = 0
      stage.nowMs += 800
      stage.tell('b', 'a', round.term, { ...HEARD, round: round.round })
      stage.nowMs += 150
      stage.query('a', 1, 'lease')
      assert.deepEqual(clients(stage), [], 'b may vote for another by now')
    },
  },
  {
    name: 'no lease holds once another was asked to campaign',
    play() {
      const stage = leased()
      stage.step('a', { kind: 'transfer', client: 1, to: stage.id('b') })
      assert(stage.waiting.some(({ kind }) => kind === 'transfer'))
      stage.query('a', 2, 'lease')
      assert.deepEqual(clients(stage), [])
    },
  },
  {
    name: 'a lease does not outlive a clock that stood still',
    play() {
      const stage = leased()
      stage.actor('a').wallAheadMs = 5_000
      stage.query('a', 1, 'lease')
      assert.deepEqual(clients(stage), [])
    },
  },
  {
    name: 'a voter of a log with leases votes for nobody when it has just started, nor because a connection closed',
    play() {
      const stage = leased()
      const term = stage.state('a').term
      const vote = { kind: 'vote', last: { term: 99, index: 99 }, isTest: false, isHanded: false } as const
      stage.step('b', { kind: 'disconnected', peer: stage.id('a') })
      stage.nowMs += 0.5 * T_MS
      stage.tell('c', 'b', term + 1, vote)
      stage.restart('b')
      stage.nowMs += 1.5 * T_MS
      stage.tell('c', 'b', term + 1, vote)
      assert.equal(stage.state('b').term, term)
      stage.nowMs += T_MS
      stage.tell('c', 'b', term + 1, vote)
      assert.equal(stage.state('b').term, term + 1)
    },
  },
  {
    name: 'a read after a position of a later term waits, though the store has as many entries',
    play() {
      const stage = led({})
      stage.step('a', {
        kind: 'query',
        questions: [{ client: 1, consistency: { after: { term: 9, index: 1 } }, deadlineMs: stage.nowMs + 500 }],
      })
      assert.deepEqual(clients(stage), [])
      stage.pass(600)
      assert.equal(stage.answers.get(1)?.kind, 'unavailable')
    },
  },
]

function watch(ledger: LogLedger, { core, identity }: Actor, effects: readonly LogEffect[]): void {
  for (const effect of effects) {
    if (effect.kind === 'apply') ledger.commits(identity.id, effect.entries, 0)
    if (effect.kind === 'note' && effect.note.kind === 'role' && effect.note.role === 'leader') ledger.leads(core.state)
  }
}

function check(stage: LogStage): void {
  stage.step('a', { kind: 'check', client: 1 })
  stage.pass(300)
}

/** A stage on which `a` leads and has begun. */
function led({ limits = {}, isLeased = false }: { limits?: ConstructorParameters<typeof LogStage>[2]; isLeased?: boolean }): LogStage {
  const stage = new LogStage('abc', '', limits, {}, isLeased)
  stage.nowMs += isLeased ? 2 * T_MS : 1_600
  stage.step('a', { kind: 'tick' })
  stage.deliver()
  assert.equal(stage.state('a').role, 'leader')
  assert.equal(stage.state('a').commit, 1)
  stage.reads.length = 0
  return stage
}

/** A stage on which `a` leads and holds a lease. */
function leased(): LogStage {
  const stage = led({ isLeased: true })
  stage.pass(200)
  return stage
}

function clients(stage: LogStage): number[] {
  return stage.reads.map(({ client }) => client)
}
