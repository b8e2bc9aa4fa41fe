/**
 * Whoever drives a change may die at any step: others finish the change, or take it back, within 10
 * s.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { configKey, isConfigKey } from '../../protocols/base/register.ts'
import type { Message } from '../../protocols/wire/messages.ts'
import { TestWorld, configOf, key } from './core-harness.ts'
import type { TestPeer } from './core-harness.ts'

const OVER_WITHIN_MS = 10_000

/** A message that carries a config, or asks for the next. */
function isOfConfig(message: Message): boolean {
  if (message.kind === 'request') return isConfigKey(message.body.key)
  return message.kind === 'configs' || message.kind === 'heartbeat' || (message.kind === 'learn' && isConfigKey(message.key))
}

/** Says when the driver dies, and what it still brings to the others before that. */
interface Step {
  readonly name: string
  readonly loses: (driver: string) => TestWorld['loses']
  readonly isDue: (driver: TestPeer, world: TestWorld) => boolean
}

function isRequest(message: Message, kind: 'reserve' | 'commit', epoch: number): boolean {
  return message.kind === 'request' && message.body.kind === kind && message.body.key === configKey(epoch)
}

function commits(world: TestWorld, driver: string, epoch: number): number {
  return world.seen.filter(({ from, to, message }) => from === driver && to !== driver && isRequest(message, 'commit', epoch)).length
}

const STEPS: readonly Step[] = [
  {
    name: 'before anybody has accepted the joint config',
    loses: () => (_, __, message) => isRequest(message, 'commit', 1),
    isDue: ({ core }) => core.load.runs > 0,
  },
  {
    name: 'when one voter has accepted the joint config',
    loses: () => (_, to, message) => isRequest(message, 'commit', 1) && to !== 'b',
    isDue: (driver, world) => commits(world, driver.name, 1) > 0,
  },
  {
    name: 'when the joint config is decided, and nobody else knows',
    loses: (driver) => (from, to, message) => from === driver && to !== driver && isOfConfig(message) && message.kind !== 'request',
    isDue: ({ core }) => core.chain.epoch === 1,
  },
  {
    name: 'during the transfer',
    loses: () => (_, __, message) => message.kind === 'covered',
    isDue: (_, world) => [...world.peers.values()].every(({ core }) => core.chain.epoch === 1),
  },
  {
    name: 'when the transfer is done, before anybody has accepted the finished config',
    loses: () => (_, __, message) => isRequest(message, 'commit', 2),
    isDue: (driver, world) => world.seen.some(({ from, message }) => from === driver.name && isRequest(message, 'reserve', 2)),
  },
  {
    name: 'when one voter has accepted the finished config',
    loses: () => (_, to, message) => isRequest(message, 'commit', 2) && to !== 'b',
    isDue: (driver, world) => commits(world, driver.name, 2) > 0,
  },
  {
    name: 'when the finished config is decided, and nobody else knows',
    loses: (driver) => {
      return (from, to, message) => from === driver && to !== driver && isOfConfig(message) && message.kind !== 'request' && isLate(message)
    },
    isDue: ({ core }) => core.chain.epoch === 2,
  },
]

/** What tells of epoch 2. */
function isLate(message: Message): boolean {
  if (message.kind === 'learn') return message.key === configKey(2)
  if (message.kind === 'configs') return message.configs.some(({ epoch }) => epoch === 2)
  return message.kind === 'heartbeat' && message.health.epoch === 2
}

/** Five voters, and learners that are complete. */
function worldWith(learners: readonly string[], cluster: string): TestWorld {
  const chain = [configOf(0, { c1: ['a', 'b', 'c', 'd', 'e'] })]
  const world = new TestWorld()
  for (const name of ['a', 'b', 'c', 'd', 'e']) world.add(name, 'c1', chain)
  for (const name of learners) world.add(name, cluster, chain, 9)
  world.connectAll()
  world.reach('all are ready', () => [...world.peers.values()].every(({ core }) => core.missing() === undefined))
  world.advance(600)
  world.seen.length = 0
  return world
}

const DEATHS: Readonly<Record<string, (world: TestWorld, names: readonly string[]) => void>> = {
  crashes: (world, names) => {
    for (const name of names) world.get(name).crash()
    world.loses = () => false
  },
  'falls silent': (world, names) => {
    world.loses = (from, to) => (names.includes(from) || names.includes(to)) && from !== to
  },
}

function assertOver(world: TestWorld, dead: readonly string[]): void {
  const living = [...world.peers.values()].filter(({ name }) => !dead.includes(name))
  const isOver = (): boolean => {
    const epochs = new Set(living.map(({ core }) => (core.config?.next === undefined ? core.chain.epoch : -1)))
    return epochs.size === 1 && !epochs.has(-1) && living.every(({ core }) => core.doubts.size === 0)
  }
  world.reach('the change is over', isOver, OVER_WITHIN_MS)
  const at = living[0] as TestPeer
  assert.equal(world.outcome(at, world.put(at, 'x', { key })).kind, 'created')
}

for (const [death, die] of Object.entries(DEATHS)) {
  suite(`a driver that ${death}`, () => {
    for (const step of STEPS) {
      // A voter, and a learner, which has no vote to finish anything by.
      for (const driver of ['a', 'f']) {
        test(`${step.name}: others finish the change of ${driver} or take it back`, () => {
          const world = worldWith(['f'], 'c1')
          world.loses = step.loses(driver)
          world.change(world.get(driver), { add: ['f'], remove: ['e'] })
          world.reach('it has come so far', () => step.isDue(world.get(driver), world), 5_000)
          die(world, [driver])
          assertOver(world, [driver])
        })
      }
    }

    test('with most of the new voters: the others take the change back', () => {
      const world = worldWith(['f', 'g', 'h'], 'c2')
      world.loses = (_, __, message) => message.kind === 'covered'
      world.change(world.get('a'), { add: ['f', 'g', 'h'] })
      world.reach('it is joint', () => [...world.peers.values()].every(({ core }) => core.chain.epoch === 1), 5_000)
      die(world, ['a', 'f', 'g'])
      assertOver(world, ['a', 'f', 'g'])
      assert.deepEqual([...(world.get('b').core.config?.clusters.keys() ?? [])], ['c1'])
    })

    test('with most of the new voters, when nobody else knows of the joint config: the others take the change back', () => {
      const world = worldWith(['f', 'g', 'h'], 'c2')
      world.loses = (from, to, message) => from === 'a' && to !== 'a' && isOfConfig(message) && message.kind !== 'request'
      world.change(world.get('a'), { add: ['f', 'g', 'h'] })
      world.reach('it is joint', () => world.get('a').core.chain.epoch === 1, 5_000)
      die(world, ['a', 'f', 'g'])
      // Nothing is known of it yet at the others, so that it has not begun to be over.
      world.reach('others know of it', () => world.get('b').core.chain.epoch === 1, 5_000)
      world.reach('it is taken back', () => world.get('b').core.chain.epoch === 2, 5_000)
      assertOver(world, ['a', 'f', 'g'])
    })
  })
}
