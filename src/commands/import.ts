/**
 * `replicator import`: a key a line. Every put is named by what it holds, so a line that is put
 * twice is the same write, and an import that was interrupted goes on without doubling anything.
 * Beside a file, how far it is is kept in `FILE.progress`: all lines before that are done.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import type { Client } from '../client/client.ts'
import type { ClientCommand } from '../settings/client-commands.ts'
import { EXITS } from './exits.ts'
import { CommandFailed } from './failed.ts'
import { parseLine } from './jsonl.ts'
import type { KeyLine } from './jsonl.ts'
import { KeyStorer } from './key-storer.ts'
import { linesFrom } from './lines.ts'
import type { Line } from './lines.ts'
import { Progress } from './progress.ts'
import { complain, say } from './said.ts'

type Import = Extract<ClientCommand, { readonly name: 'import' }>

/** Conflicts that are told one by one. */
const TOLD_MAX = 20
const SHOW_MS = 1_000
const SECOND_MS = 1_000

/** All lines before this place are done. */
interface Place {
  readonly lines: number
  readonly bytes: number
}

const START: Place = { lines: 0, bytes: 0 }

/** @returns the exit code */
export async function importKeys(command: Import, client: Client): Promise<number> {
  const from = command.file === undefined ? START : await placeOf(command.file)
  const running = new Importing(command, client, from)
  const stop = (): void => running.stop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await running.run()
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

class Importing {
  readonly #command: Import
  readonly #storer: KeyStorer
  readonly #startedMs = performance.now()
  readonly #counts = { stored: 0, same: 0, conflicts: 0 }
  /** Where lines end that are done, while one before them is not. */
  readonly #ahead = new Map<number, Place>()
  readonly #from: Place
  #done: Place
  #why: { readonly message: string; readonly code: number } | undefined

  constructor(command: Import, client: Client, from: Place) {
    this.#command = command
    this.#storer = new KeyStorer(client, command.timeoutMs)
    this.#from = from
    this.#done = from
  }

  stop(): void {
    this.#why ??= { message: 'interrupted', code: EXITS.failed }
  }

  async run(): Promise<number> {
    const { file, inFlight } = this.#command
    if (this.#from.lines > 0) complain('import', `goes on after line ${this.#from.lines}`)
    const progress = new Progress()
    const timer = setInterval(() => this.#show(progress), SHOW_MS)
    const input = file === undefined ? undefined : await openFile(file)
    try {
      const lines = linesFrom(
        input?.createReadStream({ start: this.#from.bytes, autoClose: false }) ?? process.stdin,
        this.#from.lines,
        this.#from.bytes,
      )
      await Promise.all(Array.from({ length: inFlight }, () => this.#work(lines)))
    } finally {
      clearInterval(timer)
      progress.end()
      await input?.close()
    }
    return this.#end()
  }

  /** One of those that take lines, each the next one. */
  async #work(lines: AsyncIterator<Line>): Promise<void> {
    while (this.#why === undefined) {
      const { value: line, done } = await lines.next()
      if (done === true) return
      try {
        await this.#put(line)
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error
        this.#why ??= { message: error.message, code: EXITS.failed }
        return
      }
    }
  }

  async #put({ text, number, endBytes }: Line): Promise<void> {
    if (text.trim() !== '') {
      const line = parseLine(text, number)
      const kind = await this.#storer.store(line, number)
      if (kind === 'stored') this.#counts.stored += 1
      else if (kind === 'same') this.#counts.same += 1
      else this.#tellConflict(number, line)
    }
    this.#ahead.set(number, { lines: number, bytes: endBytes })
    for (let next = this.#ahead.get(this.#done.lines + 1); next !== undefined; next = this.#ahead.get(next.lines + 1)) {
      this.#ahead.delete(next.lines)
      this.#done = next
    }
  }

  #tellConflict(number: number, { key }: KeyLine): void {
    this.#counts.conflicts += 1
    if (this.#counts.conflicts <= TOLD_MAX) complain('import', `line ${number}: ${key} has another value already`)
  }

  #show(progress: Progress): void {
    const seconds = (performance.now() - this.#startedMs) / SECOND_MS
    const rate = Math.round((this.#done.lines - this.#from.lines) / seconds)
    const { file } = this.#command
    if (process.stderr.isTTY) progress.show(`${this.#done.lines} lines, ${rate} a second`, seconds)
    if (file !== undefined) void keepPlace(file, this.#done)
  }

  async #end(): Promise<number> {
    const { file, output = 'table' } = this.#command
    const { stored, same, conflicts } = this.#counts
    const seconds = (performance.now() - this.#startedMs) / SECOND_MS
    const said = `${this.#done.lines} lines: ${stored} stored, ${same} there already, ${conflicts} with another value, in ${seconds.toFixed(1)} s`
    say([
      output === 'json' ? JSON.stringify({ lines: this.#done.lines, stored, same, conflicts, seconds: Number(seconds.toFixed(3)) }) : said,
    ])
    if (this.#why !== undefined) {
      const where = file === undefined ? 'give it the same lines again' : 'the same command goes on from there'
      if (file !== undefined) await keepPlace(file, this.#done)
      complain('import', `${this.#why.message}; all lines to ${this.#done.lines} are done: ${where}`)
      return this.#why.code
    }
    if (file !== undefined) await rm(progressOf(file), { force: true })
    return conflicts > 0 ? EXITS.conflict : EXITS.done
  }
}

function progressOf(file: string): string {
  return `${file}.progress`
}

async function openFile(file: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(file, 'r')
  } catch (error) {
    throw new CommandFailed(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** Where an earlier import of this file stopped. */
async function placeOf(file: string): Promise<Place> {
  try {
    const { lines, bytes } = JSON.parse(await readFile(progressOf(file), 'utf8')) as Place
    return Number.isSafeInteger(lines) && Number.isSafeInteger(bytes) ? { lines, bytes } : START
  } catch {
    // There was none, or it left nothing that can be read: all lines are put again, which changes
    // nothing.
    return START
  }
}

/**
 * In one step, so that a crash leaves the place before or this one. Where it cannot be written, the
 * next import begins at the start.
 */
async function keepPlace(file: string, place: Place): Promise<void> {
  const path = progressOf(file)
  await writeFile(`${path}.new`, JSON.stringify(place))
    .then(
      () => rename(`${path}.new`, path),
      () => undefined,
    )
    .catch(() => undefined)
}
