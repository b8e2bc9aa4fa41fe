/** The program run to its end, as a person would who mistyped something. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { cleanEnvironment } from './network.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
/** It is killed after this: it should have ended by itself. */
const END_MS = 120_000

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs the program to its end.
 *
 * @param directory the working directory, and the home of who runs it
 * @param environment variables beside those of the tests
 * @param input what is typed, and then no more
 */
export async function runToEnd(
  directory: string,
  flags: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...flags], {
    cwd: directory,
    env: { ...cleanEnvironment(), HOME: directory, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: END_MS,
    killSignal: 'SIGKILL',
  })
  // Most commands read nothing, and end without.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const finished = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (finished.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (finished.stderr += text))
  const [code] = await once(child, 'close')
  return { ...finished, code: code as number | null }
}

/** Runs tasks a few at a time. */
export async function inTurn<T>(items: readonly T[], width: number, task: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items]
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await task(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}
