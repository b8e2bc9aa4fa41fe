/**
 * Tells when the process that started this one is gone. npm and npx end themselves and the shell
 * below them when they get a signal, and tell nobody else: what they started would go on with
 * nobody to end it.
 */
import { readFileSync } from 'node:fs'

/** Between looks. */
const LOOK_MS = 200
/** Whoever has lost its parent belongs to this one. */
const INIT = 1

/** True where npx started this program, by this name, and itself. */
export function isRunByNpx(environment: Readonly<Record<string, string | undefined>>): boolean {
  return environment['npm_lifecycle_event'] === 'npx' && /\breplicator\b/.test(environment['npm_lifecycle_script'] ?? '')
}

/**
 * Calls back once, when the parent is gone, or the parent of the parent: npm starts a shell, which
 * stays when npm is killed.
 */
export function whenOrphaned(gone: () => void): void {
  if (process.ppid === INIT) return
  const before = lineage()
  const timer = setInterval(() => {
    if (lineage() === before) return
    clearInterval(timer)
    gone()
  }, LOOK_MS)
  timer.unref()
}

function lineage(): string {
  const parent = process.ppid
  return `${parent} ${parentOf(parent)}`
}

/** Undefined where the system does not tell. */
function parentOf(processId: number): string | undefined {
  try {
    // The name of the program stands in parentheses and may hold anything; its state and its parent
    // follow.
    return /.*\) \S (\d+)/s.exec(readFileSync(`/proc/${processId}/stat`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}
