/** The lines of docs/coming-from.md, as its reader would type them. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment } from './network.ts'

const PAGE = readFileSync(join(ROOT, 'docs/coming-from.md'), 'utf8')
const LINE_MS = 240_000

export interface Line {
  readonly command: string
  /** What it prints; undefined where the page does not say. */
  readonly printed: string | undefined
}

/** The lines of the first block below a heading. */
export function linesBelow(heading: string): Line[] {
  const block = PAGE.split(`## ${heading}\n`)[1]?.split('```')[1] ?? ''
  const rows = block
    .split('\n')
    .slice(1)
    .filter((row) => row !== '')
  const isPrinted = (row: string): boolean => row.startsWith('# ')
  return rows.flatMap((command, index) => {
    if (isPrinted(command)) return []
    const following = rows.slice(index + 1)
    const end = following.findIndex((row) => !isPrinted(row))
    const printed = following.slice(0, end < 0 ? undefined : end).map((row) => row.slice(2))
    return [{ command, printed: printed.length === 0 ? undefined : printed.join('\n') }]
  })
}

/** Runs a line to its end. @returns what it printed, with what it complained of where it failed */
export function runLine(command: string, environment: NodeJS.ProcessEnv = {}, cwd: string = ROOT): { code: number | null; text: string } {
  const env = { ...cleanEnvironment(), ...environment }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd, env, encoding: 'utf8', timeout: LINE_MS })
  return { code: status, text: stdout + (status === 0 ? '' : stderr) }
}
