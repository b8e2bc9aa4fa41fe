/**
 * A command that one make of database cannot apply, for it is longer than its server takes at once:
 * its replica stalls, says so, and goes on once a verdict has settled it. Those that had applied it
 * halt, and are filled from a dump of before. At last the topic loses its beginning, and a database
 * that needed it halts.
 */
import { join } from 'node:path'
import { reach } from '../../src/orderers/kafka/connection.ts'
import { parseOrder } from '../../src/settings/order-url.ts'
import { standing, told } from './away.ts'
import { transferAll } from './fire.ts'
import { LOG, nameOf, say } from './stage.ts'
import type { Kept, Stage } from './stage.ts'

/** What a MariaDB takes at once, and what is longer. */
const PACKET_BYTES = 131_072
const BODY_CHARACTERS = 300_000
const TRANSFERS = 200

export async function settlePoison(stage: Stage): Promise<void> {
  const picky = stage.kept.find(({ kind }) => kind === 'mysql')
  const others = stage.kept.filter((kept) => kept !== picky)
  if (picky?.server === undefined) throw new Error('the poison needs a database of the kind mysql, and one of another')
  const dumps = new Map<Kept, string>()
  for (const kept of others) {
    const file = join(stage.directory, `${nameOf(kept)}.dump`)
    await told(stage, ['kluster', 'backup', LOG, file, '-store', kept.url])
    dumps.set(kept, file)
  }
  picky.server.ask(`set global max_allowed_packet = ${PACKET_BYTES}`)
  await stage.end(picky)
  stage.start(picky)
  const outcome = await stage.clients[0].exec(`insert into notes values (1, '${'x'.repeat(BODY_CHARACTERS)}')`)
  if (outcome.kind !== 'done') throw new Error(`the poison is ${JSON.stringify(outcome)}`)
  const offset = String(outcome.position)
  await stage.until(
    () => standing(stage, picky),
    (shown) => shown?.state === 'stalled',
  )
  say(await told(stage, ['kluster', 'lag', LOG, '-order', stage.order]))
  const refused = await stage.replicator('kluster', 'verdict', LOG, offset, 'rejected', '-order', stage.order)
  say(`a verdict is refused: ${refused.output.trim()}`)
  if (refused.code === 0) throw new Error('a verdict over what was applied is taken')
  say(await told(stage, ['kluster', 'verdict', LOG, offset, 'rejected', '-order', stage.order, '-force']))
  await stage.until(
    async () => [
      (await standing(stage, picky))?.state,
      ...(await Promise.all(others.map(async (kept) => (await standing(stage, kept))?.state))),
    ],
    ([own, ...rest]) => own === 'ready' && rest.every((state) => state === 'halted'),
  )
  say(await told(stage, ['kluster', 'lag', LOG, '-order', stage.order]))
  for (const [kept, file] of dumps) {
    await stage.drop(kept)
    const again = await stage.add(kept.kind, `${kept.name.split(' ')[1] ?? ''}again`, kept.server)
    await told(stage, ['kluster', 'restore', LOG, file, '-store', again.url])
    stage.start(again)
  }
  await transferAll(stage, TRANSFERS)
  await stage.equal('select count(*) from notes', '0')
  await stage.equal('select id, balance from accounts order by id')
  await loseBeginning(stage, picky)
}

/** While one replica is away. */
async function loseBeginning(stage: Stage, away: Kept): Promise<void> {
  await stage.end(away)
  await transferAll(stage, TRANSFERS)
  const { brokers, all } = parseOrder(stage.order, LOG)
  const admin = (await reach(brokers)).admin('poison')
  // Up to the end, as it is.
  await admin.deleteRecords({ topics: [{ name: all, partitions: [{ partition: 0, offset: -1n }] }] })
  await admin.close()
  stage.start(away)
  const shown = await stage.until(
    () => standing(stage, away),
    (each) => each?.state === 'halted',
  )
  say(`the beginning of the topic is deleted: ${JSON.stringify(shown)}`)
}
