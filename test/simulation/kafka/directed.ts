/** Facts of a log that Kafka orders, each played by itself upon one broker. */
import assert from 'node:assert/strict'
import { KAFKA_LIMITS } from '../../../protocols/log/kafka/limits.ts'
import type { KafkaLimits } from '../../../protocols/log/kafka/limits.ts'
import { utf8 } from '../../../src/bytes.ts'
import { Agenda } from '../agenda.ts'
import { Chance } from '../chance.ts'
import { SimulatedBroker } from './broker.ts'
import { SimulatedKafkaReplica } from './replica.ts'
import type { Surroundings } from './replica.ts'
import { JournalStore } from './store.ts'

const SETTLED_MS = 20_000

export class Stage implements Surroundings {
  readonly agenda: Agenda = new Agenda()
  readonly limits: KafkaLimits
  readonly broker: SimulatedBroker = new SimulatedBroker(new Chance(1), 1, 0)
  readonly answers: string[] = []

  constructor(limits: Partial<KafkaLimits> = {}) {
    this.limits = { ...KAFKA_LIMITS, recentMax: 20, stretchLength: 16, ...limits }
  }

  replica(name: string, isPicky = false, isOdd = false): SimulatedKafkaReplica {
    const replica = new SimulatedKafkaReplica(name, new JournalStore(isPicky, isOdd), this, new Chance(name.length + 7))
    replica.start()
    return replica
  }

  responded(_: SimulatedKafkaReplica, { response }: Parameters<Surroundings['responded']>[1]): void {
    this.answers.push(response.value)
  }

  /** @returns its offset */
  order(id: string, message: object): number {
    return this.broker.append(utf8.encode(id), utf8.encode(JSON.stringify({ replicator: 1, ...message })), this.agenda.nowMs)
  }

  add(...items: readonly string[]): number {
    return items.map((item) => this.order(item, { command: item })).at(-1) ?? 0
  }

  ask(id: string, message: object): void {
    this.broker.request(0, utf8.encode(id), utf8.encode(JSON.stringify({ replicator: 1, ...message })), this.agenda.nowMs)
  }

  settle(milliseconds: number = SETTLED_MS): void {
    this.agenda.runUntil(this.agenda.nowMs + milliseconds)
  }
}

export interface KafkaScenario {
  readonly name: string
  play(): void
}

export const KAFKA_SCENARIOS: readonly KafkaScenario[] = [
  {
    name: 'a replica that was away when an entry was judged never applies it',
    play: () => {
      const stage = new Stage()
      const away = stage.replica('away')
      const picky = stage.replica('picky', true)
      stage.add('one')
      stage.settle()
      away.crash()
      const offset = stage.add('poison')
      // More than one fetch takes.
      const others = Array.from({ length: 20 }, (_, place) => `item ${place}`)
      stage.add(...others)
      stage.settle()
      stage.order('verdict', { verdict: { offset } })
      stage.settle()
      away.start()
      stage.settle()
      assert.deepEqual([away.halted, away.store.items], [undefined, ['one', ...others]])
      assert.deepEqual(picky.store.items, ['one', ...others])
    },
  },
  {
    name: 'a verdict that is read long after it took effect needs no memory of the store',
    play: () => {
      // What is read ahead for verdicts is read once more to be applied.
      const stage = new Stage({ pendingEntriesMax: 10 })
      const picky = stage.replica('picky', true)
      const offset =
        stage.add('poison', ...Array.from({ length: 3 * stage.limits.recentMax }, (_, place) => `item ${place}`)) -
        3 * stage.limits.recentMax
      stage.settle()
      stage.order('verdict', { verdict: { offset } })
      stage.settle(60_000)
      assert.deepEqual([picky.halted, picky.recalls, picky.store.items.length], [undefined, 0, 3 * stage.limits.recentMax])
    },
  },
  {
    name: 'a replica that applied an entry halts when that is judged, in an earlier life too',
    play: () => {
      const stage = new Stage()
      const [up, down] = [stage.replica('up'), stage.replica('down')]
      const offset = stage.add('poison')
      stage.settle()
      down.crash()
      stage.order('verdict', { verdict: { offset } })
      stage.settle()
      assert.equal(up.halted, 'applied-before-verdict')
      down.start()
      stage.settle()
      assert.equal(down.halted, 'applied-before-verdict')
    },
  },
  {
    name: 'a replica that others replaced the end of halts, though the offsets go on',
    play: () => {
      const stage = new Stage()
      const replica = stage.replica('replica')
      stage.add('a', 'b', 'c', 'd')
      stage.settle()
      replica.crash()
      stage.broker.loseTail(2)
      stage.add('e', 'f', 'g', 'h')
      replica.start()
      stage.settle()
      assert.equal(replica.halted, 'record-replaced')
      assert.deepEqual(replica.store.items, ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'a topic that ends before the store does, begins after it or was made again halts the replica, which says so',
    play: () => {
      for (const [reason, happens] of [
        ['tail-lost', (broker: SimulatedBroker) => broker.loseTail(2)],
        ['topic-recreated', (broker: SimulatedBroker) => broker.recreate()],
        ['below-start', (broker: SimulatedBroker) => (broker.startOffset = broker.endOffset)],
      ] as const) {
        const stage = new Stage()
        const replica = stage.replica('replica')
        stage.add('a', 'b', 'c')
        stage.settle()
        replica.crash()
        stage.add('d')
        happens(stage.broker)
        if (reason === 'tail-lost') stage.broker.loseTail(1)
        replica.start()
        stage.settle()
        assert.equal(replica.halted, reason)
      }
    },
  },
  {
    name: 'a replica that reads on under a new leader is not halted by the old one, which knows less',
    play: () => {
      const stage = new Stage()
      const replica = stage.replica('replica')
      stage.add('a', 'b')
      stage.settle()
      for (let round = 0; round < 10; round += 1) {
        stage.broker.newLeader()
        stage.settle(2_000)
        stage.add(`c${round}`, `d${round}`)
        stage.settle(2_000)
        replica.crash()
        replica.start()
        stage.settle(2_000)
        assert.equal(replica.halted, undefined)
      }
      assert.equal(replica.store.items.length, 22)
    },
  },
  {
    name: 'a message of a later version is waited at, and settled by a verdict',
    play: () => {
      const stage = new Stage()
      const replica = stage.replica('replica')
      stage.add('a')
      const offset = stage.order('b', { replicator: 2, command: 'b' })
      stage.add('c')
      stage.settle()
      const { state, why, stalledIndex } = replica.status ?? {}
      assert.deepEqual([state, why, stalledIndex], ['stalled', 'later-version', offset + 1])
      assert.deepEqual(replica.store.items, ['a'])
      stage.order('verdict', { verdict: { offset } })
      stage.settle()
      assert.deepEqual(replica.store.items, ['a', 'c'])
    },
  },
  {
    name: 'a request that names the place of another command is told that its own was not ordered',
    play: () => {
      const stage = new Stage()
      stage.replica('replica')
      const ordered = stage.add('a')
      stage.ask('b', { ordered })
      stage.ask('a', { ordered })
      stage.settle()
      assert.deepEqual(stage.answers, [
        '{"replicator":1,"outcome":"not-ordered"}',
        '{"replicator":1,"position":{"offset":0},"outcome":"done","result":null}',
      ])
    },
  },
  {
    name: 'a replica that rejects what most take halts, and where nobody is outvoted all are told',
    play: () => {
      for (const others of [['b'], ['b', 'c']]) {
        const stage = new Stage()
        const odd = stage.replica('a', false, true)
        const usual = others.map((name) => stage.replica(name))
        stage.add('odd', ...Array.from({ length: 2 * stage.limits.stretchLength }, (_, place) => `item ${place}`))
        stage.settle()
        assert.equal(odd.halted, others.length === 1 ? undefined : 'outcomes-differ')
        for (const replica of [odd, ...usual]) assert.equal(replica.status?.isDifferent, true)
        assert.deepEqual(
          usual.map(({ halted }) => halted),
          others.map(() => undefined),
        )
      }
    },
  },
  {
    name: 'a replica that no broker answers does not call itself ready, and is again when one does',
    play: () => {
      const stage = new Stage()
      const replica = stage.replica('replica')
      stage.add('a')
      stage.settle()
      assert.equal(replica.status?.state, 'ready')
      replica.isCutOff = true
      stage.add('b')
      stage.settle()
      assert.equal(replica.status?.state, 'cut-off')
      replica.isCutOff = false
      stage.settle()
      assert.deepEqual([replica.status?.state, replica.status?.cutOffSinceMs, replica.store.items], ['ready', undefined, ['a', 'b']])
    },
  },
  {
    name: 'a replica that is behind answers nobody until it has caught up',
    play: () => {
      const stage = new Stage()
      const replica = stage.replica('replica')
      stage.add('a')
      stage.settle()
      replica.isStoreDown = true
      stage.add('b')
      stage.settle(5_000)
      const before = stage.broker.generation
      stage.ask('q', { query: 'all' })
      stage.settle(5_000)
      assert.deepEqual(stage.answers, [])
      replica.isStoreDown = false
      stage.settle()
      assert(stage.broker.generation > before)
      assert.deepEqual(stage.answers, ['{"replicator":1,"position":{"offset":1},"outcome":"answered","result":["a","b"]}'])
    },
  },
]
