/**
 * `npm run upkeep [-- WORD …]`: what an operator does to a network that is in use, one thing after
 * another, to three clusters of three real peers on this machine, while eight clients write and
 * read. Says of each step how long it took, the longest time in which no client stored anything,
 * how long the disk alone took, and how many requests were tried again or failed; then checks that
 * nothing acknowledged is lost at any peer, and the history of all answers twice.
 *
 * With words, only the steps whose names have one of them are done.
 *
 * Ends with 1 when something is lost or wrong; the directory with the logs is kept then.
 */
import { History } from '../test/chaos/history.ts'
import { judge } from '../test/chaos/verdict.ts'
import { Network } from '../test/process/network.ts'
import { Clients } from './upkeep/clients.ts'
import { DiskWatch } from './upkeep/disk-watch.ts'
import { checkHeld } from './upkeep/held.ts'
import { Operator, STEPS } from './upkeep/operator.ts'
import { stepLine, TABLE_HEAD } from './upkeep/report.ts'

const EXIT_FAILED = 1
const CLIENTS = 8
/** Names a variable of the network's: it then keeps its directory. */
const KEEP = 'REPLICATOR_TEST_KEEP'
const SHOWN_MAX = 5

/** @returns what went wrong, a line each */
async function upkeep(network: Network, words: readonly string[]): Promise<string[]> {
  const operator = new Operator(network)
  console.log('starting three clusters of three peers')
  await operator.begin()
  const history = new History()
  const clients = new Clients(operator, history, CLIENTS)
  const disk = await DiskWatch.start(network.directory)
  console.log(TABLE_HEAD)
  try {
    for (const [name, step] of STEPS) {
      if (words.length > 0 && !words.some((word) => name.includes(word))) continue
      const startedMs = performance.now()
      await step(operator)
      const endedMs = performance.now()
      console.log(stepLine(name, clients.between(startedMs, endedMs), disk.longestMs(startedMs, endedMs)))
    }
  } finally {
    await clients.stop()
    await disk.stop()
  }
  const lost = await checkHeld(operator.members, clients.acknowledged, history)
  const { violations, searched, undecided, keys } = judge(history)
  console.log(`\n${clients.acknowledged.size} keys acknowledged, ${lost.length} lost; ${operator.members.length} peers hold them`)
  console.log(`${history.size} answers on ${keys} keys by the write-once rules: ${violations.length} violations`)
  console.log(`${searched} of the keys searched for a linear order, ${undecided} undecided`)
  return [...lost, ...violations, ...clients.faults]
}

async function main(): Promise<number> {
  const network = await Network.create()
  process.once('SIGINT', () => process.exit(EXIT_FAILED))
  let wrong: string[] = []
  try {
    wrong = await upkeep(network, process.argv.slice(2))
  } catch (error) {
    wrong = [error instanceof Error ? error.message : String(error)]
  }
  for (const line of wrong.slice(0, SHOWN_MAX)) console.error(`VIOLATION ${line}`)
  if (wrong.length > SHOWN_MAX) console.error(`and ${wrong.length - SHOWN_MAX} more`)
  if (wrong.length > 0) process.env[KEEP] ??= '1'
  await network.close()
  if (wrong.length > 0) console.error(`logs and stores are in ${network.directory}`)

  return wrong.length === 0 ? 0 : EXIT_FAILED
}

process.exit(await main())
