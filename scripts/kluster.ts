/**
 * `npm run kluster`: databases in one order through a real Kafka: how fast that is, what becomes of it
 * under fire, of a replica that was away, and of a command that one database cannot apply.
 *
 * `npm run kluster -- [--parts speed,fire,away,poison] [--transfers N] [--kills N] [--statements N] [--brokers 1|3]
 * [--stores postgres,postgres,mysql]`
 */
import { parseArgs } from 'node:util'
import { comeBack } from './kluster/away.ts'
import { transferUnderFire } from './kluster/fire.ts'
import { settlePoison } from './kluster/poison.ts'
import { measureSpeed } from './kluster/speed.ts'
import { Stage } from './kluster/stage.ts'
import { whyNoKafka } from './kafka-home.ts'

const { values: flags } = parseArgs({
  options: {
    parts: { type: 'string', default: 'speed,fire,away,poison' },
    transfers: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '6' },
    statements: { type: 'string', default: '10000' },
    brokers: { type: 'string', default: '1' },
    stores: { type: 'string', default: 'postgres,postgres,mysql' },
  },
})

const PARTS: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  speed: measureSpeed,
  fire: (stage) => transferUnderFire(stage, Number(flags.transfers), Number(flags.kills)),
  away: (stage) => comeBack(stage, Number(flags.statements)),
  poison: settlePoison,
}

async function main(): Promise<number> {
  const whyNot = whyNoKafka()
  if (whyNot !== false) {
    console.error(whyNot)
    return 1
  }
  const stage = await Stage.open(Number(flags.brokers), flags.stores.split(','))
  // Whoever ends this leaves no server behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stage.close().then(() => process.exit(1)))
  try {
    for (const part of flags.parts.split(',')) await PARTS[part]?.(stage)
    return 0
  } catch (error) {
    console.error(error)
    return 1
  } finally {
    await stage.close()
  }
}

process.exit(await main())
