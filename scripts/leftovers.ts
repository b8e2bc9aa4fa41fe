/**
 * Finds what tests left behind: processes, temporary files, and changes to the working tree. Tests
 * are told apart from everything else on the machine by a variable and a temporary directory that
 * only they have.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { run } from './run.ts'

/** Others may pass through a directory, and not list it. */
const PASSED_THROUGH_MODE = 0o711
/** Inherited by every process a test starts. */
const MARKER_NAME = 'TEST_RUN_OF_REPLICATOR'
/**
 * Where every process of Node keeps what it compiled, for the next that runs the same sources: a
 * peer then starts with three fifths of the work, and hundreds are started.
 */
const COMPILED = 'compiled'
/** A process that was told to end gets this long before it counts as left behind. */
const ENDING_MS = 3_000
const POLL_MS = 50
const PROCESSES = '/proc'

/** What the world looked like before the tests. */
export interface Before {
  readonly marker: string
  readonly temporary: string
  readonly changes: ReadonlySet<string> | undefined
}

/**
 * Marks this process, so that all it starts from now on can be found again, and gives it a
 * temporary directory of its own, with what is compiled in it.
 */
export async function prepare(): Promise<Before> {
  const marker = randomUUID()
  const temporary = await mkdtemp(join(tmpdir(), 'replicator-tests-'))
  // A server that does not run as root finds its files in here.
  await chmod(temporary, PASSED_THROUGH_MODE)
  process.env[MARKER_NAME] = marker
  process.env['TMPDIR'] = temporary
  process.env['NODE_COMPILE_CACHE'] = join(temporary, COMPILED)
  return { marker, temporary, changes: await workingTree() }
}

/**
 * Waits a moment for what is ending, then ends and removes what is left.
 *
 * @returns one line for each thing found
 */
export async function collectLeftovers(before: Before): Promise<string[]> {
  const processes = await collectProcesses(before.marker)
  const files = (await readdir(before.temporary)).filter((name) => name !== COMPILED)
  await rm(before.temporary, { recursive: true, force: true })
  const changes = before.changes === undefined ? [] : [...((await workingTree()) ?? [])].filter((line) => !before.changes?.has(line))
  return [
    ...processes.map((found) => `process ${found}`),
    ...files.map((name) => `temporary file ${join(before.temporary, name)}`),
    ...changes.map((line) => `change in the working tree ${line}`),
  ]
}

/** The lines of git's short status, or undefined when this is no git checkout. */
async function workingTree(): Promise<Set<string> | undefined> {
  const status = await run(['git', 'status', '--porcelain', '--untracked-files=all'])
  return status.code === 0 ? new Set(status.output.split('\n').filter((line) => line !== '')) : undefined
}

/** Ends every marked process that does not end by itself; each as its id and command. */
async function collectProcesses(marker: string): Promise<string[]> {
  const deadlineMs = performance.now() + ENDING_MS
  let found = await markedProcesses(marker)
  while (found.size > 0 && performance.now() < deadlineMs) {
    await delay(POLL_MS)
    found = await markedProcesses(marker)
  }
  for (const processId of found.keys()) endProcess(processId)
  return [...found].map(([processId, command]) => `${processId} ${command}`)
}

/**
 * Processes whose environment holds the marker, apart from this one; none where the system has no
 * such list.
 */
async function markedProcesses(marker: string): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  if (!existsSync(PROCESSES)) return found
  for (const name of await readdir(PROCESSES)) {
    const processId = Number(name)
    if (!Number.isInteger(processId) || processId === process.pid) continue
    const variables = await readProcessFile(processId, 'environ')
    if (!variables.includes(`${MARKER_NAME}=${marker}`)) continue
    found.set(processId, (await readProcessFile(processId, 'cmdline')).replaceAll('\0', ' ').trim())
  }
  return found
}

/** Empty when the process has ended, or is another user's. */
async function readProcessFile(processId: number, name: string): Promise<string> {
  try {
    return await readFile(join(PROCESSES, String(processId), name), 'utf8')
  } catch {
    return ''
  }
}

function endProcess(processId: number): void {
  try {
    process.kill(processId, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
