/**
 * What went from sets because a peer was away for longer than the history, and perhaps nobody else
 * has: written to files in the data directory, and warned of. Each file is a replica, as `/update`
 * takes it, for whoever wants it back.
 */
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SETS } from '../../protocols/sets/requests.ts'
import type { DroppedAnswer, DroppedLot, DroppedRequest } from '../../protocols/sets/requests.ts'
import type { TypePort } from '../ports/types.ts'
import { writePrivateFile } from '../security/private-file.ts'
import { replicaDocument } from '../transit/writing.ts'
import type { Warnings } from './warnings.ts'

const LOOK_MS = 60_000
const ASK_MS = 10_000

export interface DroppedInit {
  readonly types: TypePort
  /** Of the data. */
  readonly directory: string
  readonly logger: Logger
  readonly warnings: Warnings
}

/** Looks now, and each minute. @param closers get what ends it */
export function keepDropped(init: DroppedInit, closers: (() => Promise<void>)[]): void {
  let work = look(init)
  const timer = setInterval(() => {
    work = work.then(() => look(init))
  }, LOOK_MS)
  timer.unref()
  closers.push(async () => {
    clearInterval(timer)
    await work
  })
}

async function look(init: DroppedInit): Promise<void> {
  try {
    for (let lots = await ask(init); lots.length > 0; lots = await ask(init)) {
      for (const lot of lots) await keep(init, lot)
    }
  } catch (error) {
    const warning = `what was dropped from sets cannot be written to the data directory: ${(error as Error).message}`
    init.logger.warn(warning)
    init.warnings.set('dropped', warning)
  }
}

async function ask({ types }: DroppedInit): Promise<readonly DroppedLot[]> {
  const request: DroppedRequest = { kind: 'dropped' }
  const answer = (await types.ask(SETS, request, ASK_MS)) as DroppedAnswer | undefined
  return answer?.lots ?? []
}

async function keep({ types, directory, logger, warnings }: DroppedInit, lot: DroppedLot): Promise<void> {
  const { set, cut, entries } = lot
  const path = await writeNew(
    (suffix) => join(directory, `${set}-dropped-${cut}${suffix}.json`),
    [...replicaDocument(entries, 'json'), '\n'].join(''),
  )
  const warning = `${entries.length} elements of the set ${set} that perhaps only this peer had were dropped at cut ${cut}: they are in ${path}`
  logger.warn(warning)
  warnings.add(warning)
  const kept: DroppedRequest = { kind: 'dropped-kept', lot }
  await types.ask(SETS, kept, ASK_MS)
}

/** Writes a file that is not there yet. @returns its path */
async function writeNew(pathOf: (suffix: string) => string, text: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const path = pathOf(count === 1 ? '' : `-${count}`)
    try {
      await writePrivateFile(path, text)
      return path
    } catch (error) {
      if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST') throw error
    }
  }
}
