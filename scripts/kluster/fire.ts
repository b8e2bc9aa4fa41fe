/**
 * Transfers between accounts while replicas, and with several brokers a broker, are killed; some are
 * sent twice, by two clients at once. In the end sums are right, databases equal, and each transfer
 * is there once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '../../src/kluster/kluster.ts'
import { ACCOUNTS, ANSWER_MS, AT_ONCE, BALANCE, say } from './stage.ts'
import type { Stage } from './stage.ts'

/** The share that is sent twice. */
const TWICE = 0.1
const LOOK_MS = 200
/** For one transfer, through whatever happens. */
const SETTLED_MS = 300_000
/** For how long a broker that was killed is away. */
const BROKER_AWAY_MS = 20_000

/** Numbers of transfers run on from call to call. */
let numbered = 0

export async function transferUnderFire(stage: Stage, transfers: number, kills: number): Promise<void> {
  const [first, last] = [numbered + 1, numbered + transfers]
  const began = performance.now()
  await Promise.all([strike(stage, first, last, kills), transferAll(stage, transfers)])
  const rate = Math.round((transfers * 1_000) / (performance.now() - began))
  say(`${transfers} transfers answered, ${rate} a second through ${kills} kills`)
  await stage.equal('select sum(balance) from accounts', String(ACCOUNTS * BALANCE))
  await stage.equal('select count(*), min(id), max(id) from transfers', `${last}|1|${last}`)
  await stage.equal('select id, balance from accounts order by id')
}

export async function transferAll({ clients }: Stage, transfers: number): Promise<void> {
  const last = numbered + transfers
  const worker = async (): Promise<void> => {
    while (numbered < last) await transfer(clients, (numbered += 1))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function strike(stage: Stage, first: number, last: number, kills: number): Promise<void> {
  for (let kill = 1; kill <= kills; kill += 1) {
    const isDue = (): boolean => numbered >= first + (kill * (last - first)) / (kills + 1)
    while (!isDue()) await delay(LOOK_MS)
    const kept = stage.kept[Math.floor(Math.random() * stage.kept.length)]
    if (kept === undefined) return
    await stage.end(kept)
    stage.start(kept)
    say(`${numbered - first} of ${last - first + 1}: replica of ${kept.name} killed -9 and started again`)
    if (stage.brokers === 1 || kill !== Math.ceil(kills / 2)) continue
    await stage.kafka.killBroker(0)
    say('a broker killed -9')
    setTimeout(() => stage.kafka.startBroker(0), BROKER_AWAY_MS)
  }
}

function statementsOf(number: number): { readonly command: string; readonly rows?: number }[] {
  const from = (number * 7) % ACCOUNTS
  const to = (from + 1 + (number % (ACCOUNTS - 1))) % ACCOUNTS
  return [
    { command: `update accounts set balance = balance - 1 where id = ${from}`, rows: 1 },
    { command: `update accounts set balance = balance + 1 where id = ${to}`, rows: 1 },
    { command: `insert into transfers values (${number})`, rows: 1 },
  ]
}

/** Until it is known what became of it. */
async function transfer([first, second]: readonly [Cluster, Cluster], number: number): Promise<void> {
  const options = { id: `transfer-${number}`, timeoutMs: ANSWER_MS }
  const sent = async (client: Cluster): Promise<void> => {
    const deadline = performance.now() + SETTLED_MS
    for (;;) {
      const { kind } = await client.transaction(statementsOf(number), options)
      if (kind === 'done') return
      if (kind !== 'in-doubt' || performance.now() > deadline) throw new Error(`transfer ${number} is ${kind}`)
    }
  }
  await Promise.all([sent(first), ...(Math.random() < TWICE ? [sent(second)] : [])])
}
