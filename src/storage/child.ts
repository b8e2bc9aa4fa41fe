/** Work on a store that may be damaged, in a process that may end for it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'

/** How lmdb ends a process over a page that is not as it wrote it; any other signal came from somebody else. */
const FAULTS: ReadonlySet<NodeJS.Signals | null> = new Set(['SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

export interface ChildEnding {
  /** Undefined when a fault ended it. */
  readonly code: number | undefined
  readonly fault: NodeJS.Signals | undefined
  /** What it said on standard output. */
  readonly said: string
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
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (signal === null) return { code: code ?? 0, fault: undefined, said }
  if (!FAULTS.has(signal)) throw new Error(`looking through ${argv[0]} was ended by ${signal}`)
  return { code: undefined, fault: signal, said }
}
