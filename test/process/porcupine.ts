/**
 * Porcupine, a checker of linearizability in Go that is not ours, upon histories of lists: fetched by
 * Go when it is wanted, and built for the occasion.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appendsOf, isRead, mayTakeEffect } from '../chaos/logs/history.ts'
import type { ListOperation } from '../chaos/logs/history.ts'
import { longestRead } from '../chaos/logs/rules.ts'
import { goModule } from '../contract/go-module.ts'

const MODULE = 'github.com/anishathalye/porcupine'
const VERSION = 'v1.3.1'
const PROGRAM = new URL('porcupine/main.go', import.meta.url)
/** Building takes some seconds, and a search is short. */
const RUN_MAX_MS = 240_000
const MICROSECONDS = 1_000

/** Why it cannot be had; false when it can. */
export function whyNoPorcupine(): string | false {
  const module = goModule(`${MODULE}@${VERSION}`)
  return 'why' in module && module.why
}

/** @param lists the operations of each list @returns for each list whether it is linearizable */
export function askPorcupine(lists: readonly (readonly ListOperation[])[]): boolean[] {
  const module = goModule(`${MODULE}@${VERSION}`)
  if ('why' in module) throw new Error(module.why)
  const directory = mkdtempSync(join(tmpdir(), 'replicator-porcupine-'))
  try {
    const modules = `module checker\n\ngo 1.21\n\nrequire ${MODULE} ${VERSION}\n\nreplace ${MODULE} => ${module.folder}\n`
    writeFileSync(join(directory, 'go.mod'), modules)
    copyFileSync(PROGRAM, join(directory, 'main.go'))
    writeFileSync(join(directory, 'history.json'), JSON.stringify(lists.map(operationsOf)))
    const environment = { ...process.env, GOFLAGS: '-mod=mod' }
    const run = { cwd: directory, encoding: 'utf8', timeout: RUN_MAX_MS, env: environment } as const
    return execFileSync('go', ['run', '.', 'history.json'], run)
      .trim()
      .split('\n')
      .map((line) => line === 'linearizable')
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** All tries of one append are one operation; one in doubt that nobody was shown is none. */
function operationsOf(operations: readonly ListOperation[]): object[] {
  const shown = new Set(longestRead(operations))
  const us = (ms: number): number => Math.round(ms * MICROSECONDS)
  const appends = appendsOf(operations).flatMap((tries) => {
    const telling = tries.filter(mayTakeEffect)
    const ends = telling.flatMap(({ answer, endedMs }) => (answer.kind === 'done' ? [us(endedMs)] : []))
    const [first] = telling
    if (first === undefined || (ends.length === 0 && !shown.has(first.call.item))) return []
    return [
      { began: us(first.beganMs), ended: ends.length === 0 ? null : Math.min(...ends), item: first.call.item, shown: [], isRead: false },
    ]
  })
  const reads = operations
    .filter(isRead)
    .flatMap(({ call, answer, beganMs, endedMs }) =>
      call.consistency === 'linearizable' && answer.kind === 'found'
        ? [{ began: us(beganMs), ended: us(endedMs), item: '', shown: answer.items, isRead: true }]
        : [],
    )
  return [...appends, ...reads].map((operation, client) => ({ client, ...operation }))
}
