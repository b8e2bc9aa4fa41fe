/** Work on a store that may be damaged, in a process that may end for it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { extname, join } from 'node:path'

/**
 * How lmdb ends a process over a page that is not as it wrote it; any other signal came from
 * somebody else.
 */
const FAULTS: ReadonlySet<NodeJS.Signals | null> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

export interface ChildEnding {
  /** Undefined when a fault ended it. */
  readonly code: number | undefined
  readonly fault: NodeJS.Signals | undefined
  /** What it said on standard output. */
  readonly said: string
}

/** What a child says last: its exit code, and what it found, in one line. */
const VERDICT = /^(\d+) (.*)\n$/

/**
 * Ends a child that `runChild` waits for. It says its verdict and is gone at once: the orderly end
 * of a process waits for its threads, and on a busy machine one of them was seen to sleep for ever.
 */
export function endChild(code: number, said: string): never {
  const standardOutput = 1
  writeSync(standardOutput, `${code} ${said.split('\n')[0]}\n`)
  process.kill(process.pid, 'SIGKILL')
  throw new Error('a process goes on after its end')
}

/**
 * Runs a program of this folder and waits for its end.
 *
 * @param name of its file, without the ending
 * @throws Error when somebody ended it with a signal
 */
export async function runChild(name: string, argv: readonly string[]): Promise<ChildEnding> {
  const program = join(import.meta.dirname, name + extname(import.meta.filename))
  // What lmdb says on standard error before it faults is for its authors.
  const child = spawn(process.execPath, ['--disable-sigusr1', program, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  const verdict = VERDICT.exec(said)
  if (verdict !== null) return { code: Number(verdict[1]), fault: undefined, said: verdict[2] ?? '' }
  if (signal === null) return { code: code ?? 1, fault: undefined, said }
  if (!FAULTS.has(signal)) throw new Error(`looking through ${argv[0]} was ended by ${signal}`)
  return { code: undefined, fault: signal, said }
}
