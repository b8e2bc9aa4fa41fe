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
  return rows.flatMap((command, index) => {
    const next = rows[index + 1]
    return command.startsWith('# ') ? [] : [{ command, printed: next?.startsWith('# ') === true ? next.slice(2) : undefined }]
  })
}

/** Runs a line to its end. @returns what it printed, with what it complained of where it failed */
export function runLine(command: string, environment: NodeJS.ProcessEnv = {}, cwd: string = ROOT): { code: number | null; text: string } {
  const env = { ...cleanEnvironment(), ...environment }
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd, env, encoding: 'utf8', timeout: LINE_MS })
  return { code: status, text: stdout + (status === 0 ? '' : stderr) }
}
