/**
 * `npm run check`: all that can be judged without running the peer. Every check runs, though an
 * earlier one failed, and says how long it took. Exit 1 when any failed.
 */
import { formatSeconds, run } from './run.ts'
import type { Finished } from './run.ts'

interface Check {
  readonly name: string
  readonly command: readonly [string, ...string[]]
}

const FORMATTED = ['protocols', 'src', 'test', 'scripts'] as const

const CHECKS: readonly Check[] = [
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  // Again by itself, because only there do the clock, the process and the console not exist.
  { name: 'types of protocols', command: ['tsc', '-p', 'protocols/tsconfig.json'] },
  // Only there is a document, and nothing of Node.
  { name: 'types of the console', command: ['tsc', '-p', 'src/console/tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check', '--no-error-on-unmatched-pattern', ...FORMATTED] },
  { name: 'unused', command: ['knip', '--no-progress', '--no-config-hints'] },
]

/** Says how a check went, and all it said when it failed. */
function report(check: Check, finished: Finished): void {
  console.log(`${finished.code === 0 ? 'passed' : 'FAILED'}  ${check.name}  ${formatSeconds(finished.seconds)}`)
  if (finished.code !== 0) console.log(finished.output.trimEnd())
}

let failed = 0
for (const check of CHECKS) {
  const finished = await run(check.command)
  report(check, finished)
  if (finished.code !== 0) failed += 1
}
process.exitCode = failed === 0 ? 0 : 1
