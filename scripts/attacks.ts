/**
 * `npm run attacks [-- --only NAME] [--root DIR]`: every attack of docs/security.md, tried on three
 * real peers on this machine that take a light load of puts. Prints what was seen of each; ends
 * with 0 only when all held. Some ten minutes; `--only` takes several names with commas between
 * them. `--root` names another checkout, whose peers are attacked instead.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Arena } from './attacks/arena.ts'
import type { Attack, Finding, Surroundings } from './attacks/attack.ts'
import { attackAlone, attackOn } from './attacks/bout.ts'
import { ATTACKS } from './attacks/table.ts'
import { ROOT, whenOrphaned } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** Shells tell an end by a signal so; to it the number of the signal is added. */
const EXIT_SIGNAL_BASE = 128
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
const NAME_WIDTH = 28

interface Bout {
  readonly attack: Attack
  readonly kind: Surroundings
}

/** @throws TypeError with what is wrong with the command line */
function parse(): { readonly bouts: readonly Bout[]; readonly root: string } {
  const { values } = parseArgs({ options: { only: { type: 'string' }, root: { type: 'string' } } })
  const names = values.only?.split(',')
  const unknown = names?.find((name) => !ATTACKS.some((attack) => attack.name === name))
  if (unknown !== undefined) throw new TypeError(`no such attack: ${unknown}; there are ${ATTACKS.map(({ name }) => name).join(', ')}`)
  const wanted = ATTACKS.filter(({ name }) => names?.includes(name) !== false)
  // Those of one network together: a network is only made anew when it was hurt.
  const kinds = ['alone', 'secret', 'open'] as const
  const bouts = kinds.flatMap((kind) => wanted.filter(({ against }) => against.includes(kind)).map((attack) => ({ attack, kind })))
  return { bouts, root: values.root === undefined ? ROOT : resolve(values.root) }
}

function print({ attack, kind }: Bout, findings: readonly Finding[]): boolean {
  const failed = findings.filter(({ held }) => !held)
  const title = `${String(attack.row).padStart(2)}  ${`${attack.name}${kind === 'open' ? ', no secret' : ''}`.padEnd(NAME_WIDTH)}`
  const seen = findings.map(({ held, seen: what }) => (held ? what : `!! ${what}`)).join('; ')
  console.log(`${title} ${failed.length === 0 ? 'pass' : 'FAIL'}  ${seen}`)
  return failed.length === 0
}

async function main(): Promise<number> {
  let asked: ReturnType<typeof parse>
  try {
    asked = parse()
  } catch (error) {
    console.error((error as Error).message)
    return EXIT_USAGE
  }
  let arena: Arena | undefined
  const end = (code: number): void => void (arena?.close() ?? Promise.resolve()).finally(() => process.exit(code))
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => end(EXIT_SIGNAL_BASE + number))
  whenOrphaned(() => end(EXIT_FAILED))
  let failures = 0
  try {
    for (const bout of asked.bouts) {
      if (bout.kind !== 'alone' && arena?.kind !== bout.kind) {
        await arena?.close()
        arena = await Arena.open(bout.kind, asked.root)
      }
      const findings = await (arena === undefined || bout.kind === 'alone'
        ? attackAlone(bout.attack, asked.root)
        : attackOn(bout.attack, arena))
      if (print(bout, findings)) continue
      failures += 1
      await arena?.close()
      arena = undefined
    }
  } finally {
    await arena?.close()
  }
  console.log(`attacks: ${asked.bouts.length - failures} held, ${failures} did not`)
  return failures === 0 ? 0 : EXIT_FAILED
}

process.exit(await main())
