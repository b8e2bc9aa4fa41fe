/**
 * Runs the programs that the scripts need, from the repository's root, whatever directory the
 * caller stands in.
 */
import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { whenOrphaned as whenParentGone } from '../src/orphaned.ts'

/**
 * The repository's root, with the installed programs' folder put first on PATH so that `node` is
 * the pinned one.
 */
export const ROOT: string = join(import.meta.dirname, '..')

const BIN = join(ROOT, 'node_modules', '.bin')

/**
 * How a program ended, and all it wrote, standard output and standard error interleaved, without
 * colours.
 */
export interface Finished {
  readonly code: number
  readonly output: string
  readonly seconds: number
}

/** The environment that programs run in. */
export function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}` }
}

/**
 * These without those whose names begin so: a setting left in a variable of whoever runs a script
 * would change what it starts.
 */
export function withoutVariables(variables: NodeJS.ProcessEnv, start: string): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith(start)))
}

/**
 * Runs a program to its end.
 *
 * @param command its name and arguments
 * @returns its exit code (1 when a signal ended it or it could not be started), its output, and the
 * seconds it took
 */
export function run(command: readonly [string, ...string[]]): Promise<Finished> {
  const [name, ...parameters] = command
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const child = spawn(name, parameters, { cwd: ROOT, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const finish = (code: number): void =>
      resolve({ code, output: stripVTControlCharacters(output), seconds: (performance.now() - startedMs) / 1_000 })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.on('error', (error) => {
      output += `${error.message}\n`
      finish(1)
    })
    child.on('close', (code) => finish(code ?? 1))
  })
}

/**
 * Tells when the process above us is gone: a signal to npm ends npm and the shell below it, and
 * neither tells us.
 *
 * @param isCalledByOther true where another process than npm started us
 */
export function whenOrphaned(gone: () => void, isCalledByOther: boolean = false): void {
  if (isCalledByOther || process.env['npm_lifecycle_event'] !== undefined) whenParentGone(gone)
}

/** Seconds with one decimal, for people. */
export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`
}
