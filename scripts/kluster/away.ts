/**
 * A replica that is away for many statements takes reads again only when it has caught up, and a
 * database that is restored from an old dump ends equal.
 */
import { join } from 'node:path'
import { transferAll } from './fire.ts'
import { LOG, nameOf, say } from './stage.ts'
import type { Kept, Stage } from './stage.ts'

/** Statements of one transfer. */
const STATEMENTS = 3

/** What it said before it was ended is older. */
const FRESH_SECONDS = 3

interface Shown {
  readonly replica: string
  readonly state: string
  readonly lag: number
  readonly silentSeconds: number
}

export async function comeBack(stage: Stage, statements: number): Promise<void> {
  const [away] = stage.kept
  if (away === undefined) return
  const dump = join(stage.directory, 'old.dump')
  await told(stage, ['kluster', 'backup', LOG, dump, '-store', away.url])
  say(`a dump of ${away.name} is made`)
  await stage.end(away)
  const transfers = Math.ceil(statements / STATEMENTS)
  await transferAll(stage, transfers)
  say(`${away.name} was away for ${transfers * STATEMENTS} statements`)
  const began = performance.now()
  stage.start(away)
  const seen = new Set<string>()
  await stage.until(
    () => standing(stage, away),
    (shown) => {
      if (shown !== undefined && shown.silentSeconds < FRESH_SECONDS) seen.add(`${shown.state}${shown.lag > 0 ? ' and behind' : ''}`)
      return shown?.state === 'ready' && shown.lag === 0 && shown.silentSeconds < FRESH_SECONDS
    },
  )
  say(`it is ready again after ${Math.round(performance.now() - began)} ms; it called itself ${[...seen].join(', ')}`)
  const restored = await stage.add(away.kind, 'restored', away.server)
  await told(stage, ['kluster', 'restore', LOG, dump, '-store', restored.url])
  stage.start(restored)
  await stage.equal('select count(*), min(id), max(id) from transfers')
  await stage.equal('select id, balance from accounts order by id')
  say(`${restored.name}, from the dump, is equal`)
}

/** How a replica says it stands. */
export async function standing(stage: Stage, kept: Kept): Promise<Shown | undefined> {
  const { output } = await stage.replicator('kluster', 'lag', LOG, '-order', stage.order, '-o', 'json')
  const rows = output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Shown)
  return rows.find(({ replica }) => replica === nameOf(kept))
}

export async function told(stage: Stage, words: readonly string[]): Promise<string> {
  const { code, output } = await stage.replicator(...words)
  if (code !== 0) throw new Error(`replicator ${words.join(' ')}: ${output}`)
  return output.trim()
}
