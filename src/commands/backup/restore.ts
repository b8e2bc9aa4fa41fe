/**
 * `replicator restore`: what a backup holds, by ordinary writes, into a network that is new or that
 * runs. The file is read twice: the first time to see that it is whole. Every write is named by
 * what it holds, so a restore that was interrupted is simply given again.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Client } from '../../client/client.ts'
import type { ClientCommand } from '../../settings/client-commands.ts'
import { EXITS } from '../exits.ts'
import { CommandFailed } from '../failed.ts'
import { linesFrom } from '../lines.ts'
import type { Line } from '../lines.ts'
import { KeyStorer } from '../key-storer.ts'
import { Progress } from '../progress.ts'
import { complain, say } from '../said.ts'
import { footOf, sectionOf, SECTIONS } from './format.ts'
import type { Section } from './format.ts'
import { restoreLine } from './restore-line.ts'
import type { Restorer } from './restore-line.ts'
import { verify } from './verify.ts'
import type { Verified } from './verify.ts'

type Restore = Extract<ClientCommand, { readonly name: 'restore' }>

const STANDARD_INPUT = '-'
/** What has other content and is told line by line. */
const TOLD_MAX = 20
const SHOW_MS = 1_000
const SECOND_MS = 1_000

/** @returns the exit code */
export async function restore(command: Restore, client: Client): Promise<number> {
  if (command.file !== STANDARD_INPUT) return restoreFile(command.file, command, client)
  // It is read twice, so it must lie somewhere.
  const directory = await mkdtemp(join(tmpdir(), 'replicator-restore-'))
  try {
    const path = join(directory, 'backup')
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }))
    return await restoreFile(path, command, client)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function restoreFile(path: string, command: Restore, client: Client): Promise<number> {
  const size = await sizeOf(path)
  const progress = new Progress()
  const startedMs = performance.now()
  const seconds = (): number => (performance.now() - startedMs) / SECOND_MS
  const of = { what: 'checked', endBytes: 0 }
  const timer = setInterval(() => {
    if (process.stderr.isTTY) progress.show(`${of.what} ${Math.floor((100 * of.endBytes) / size)} %`, seconds())
  }, SHOW_MS)
  const told = (endBytes: number): void => void (of.endBytes = endBytes)
  try {
    const verified = await verify(createReadStream(path), told)
    of.what = 'restored'
    const counts = await new Restoring(command, client, verified.lastLines, told).run(path)
    progress.end()
    return end(command, verified, counts, seconds())
  } finally {
    clearInterval(timer)
    progress.end()
  }
}

interface Outcomes {
  stored: number
  same: number
  other: number
  /** Lines of registers that a later line, or a deletion, has passed over. */
  passed: number
}

class Restoring {
  readonly #command: Restore
  readonly #restorer: Restorer
  readonly #told: (endBytes: number) => void
  readonly #counts: Outcomes = { stored: 0, same: 0, other: 0, passed: 0 }
  readonly #lastLines: ReadonlyMap<string, number>
  #section: Section = SECTIONS[0]
  #failure: Error | undefined

  constructor(command: Restore, client: Client, lastLines: ReadonlyMap<string, number>, told: (endBytes: number) => void) {
    this.#command = command
    const { timeoutMs } = command
    this.#restorer = { client, keys: new KeyStorer(client, timeoutMs), timeoutMs }
    this.#lastLines = lastLines
    this.#told = told
  }

  async run(path: string): Promise<Outcomes> {
    const stop = (): void => void (this.#failure ??= new CommandFailed('interrupted; the same command again leaves what is done as it is'))
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    try {
      const lines = linesFrom(createReadStream(path), 0, 0)
      // The first one was read, and told what the file is.
      await lines.next()
      await Promise.all(Array.from({ length: this.#command.inFlight }, () => this.#work(lines)))
    } finally {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    }
    if (this.#failure !== undefined) throw this.#failure
    return this.#counts
  }

  /** One of those that take lines, each the next one. */
  async #work(lines: AsyncIterator<Line>): Promise<void> {
    while (this.#failure === undefined) {
      const { value: line, done } = await lines.next()
      if (done === true || footOf(line.text) !== undefined) return
      const begun = sectionOf(line.text)
      this.#section = begun ?? this.#section
      this.#told(line.endBytes)
      if (begun === undefined) await this.#restore(line, this.#section)
    }
  }

  #isPassed(text: string, number: number, section: Section): boolean {
    if (section !== 'kv' || this.#lastLines.size === 0) return false
    return (this.#lastLines.get(parseKeyOf(text)) ?? number) > number
  }

  async #restore({ text, number }: Line, section: Section): Promise<void> {
    try {
      const restored = this.#isPassed(text, number, section)
        ? ({ kind: 'passed' } as const)
        : await restoreLine(this.#restorer, section, text, number)
      this.#counts[restored.kind] += 1
      if (restored.kind === 'other' && this.#counts.other <= TOLD_MAX) complain('restore', `not restored: ${restored.what}`)
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      this.#failure ??= error
    }
  }
}

/** @returns the exit code */
function end({ output = 'table' }: Restore, { head, counts }: Verified, { stored, same, other }: Outcomes, seconds: number): number {
  const facts = { ...counts, stored, same, other, seconds: Number(seconds.toFixed(3)), networkId: head.networkId }
  const lines = counts.keys + counts.kv + counts.sets
  const said = `${lines} lines of a backup of network ${head.networkId}: ${stored} stored, ${same} there already, ${other} with other content, in ${seconds.toFixed(1)} s`
  say([output === 'json' ? JSON.stringify(facts) : said])
  return other > 0 ? EXITS.conflict : EXITS.done
}

function parseKeyOf(text: string): string {
  return (JSON.parse(text) as { readonly key: string }).key
}

async function sizeOf(path: string): Promise<number> {
  try {
    return Math.max(1, (await stat(path)).size)
  } catch (error) {
    throw new CommandFailed(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
