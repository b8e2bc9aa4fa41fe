/**
 * The demo as people run it: what it shows is true, and it leaves nothing behind, however it ends.
 * It runs what was built last.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { cleanEnvironment, until } from './network.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'demo.ts')
/** Six peers that start at once on few cores. */
const STORY_MS = 120_000
const END_MS = 60_000
/** Three peers, twenty seconds of monkeys, and a look at what became of it. */
const SETS_MS = 240_000
/** In the environment of every process that a demo starts. */
const MARKER_NAME = 'DEMO_UNDER_TEST'

interface Demo {
  readonly process: ChildProcess
  readonly marker: string
  /** Where it makes its temporary files. */
  readonly directory: string
  /** All it wrote, standard error included. */
  readonly output: () => string
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
}

function startDemo(context: TestContext, ...flags: readonly string[]): Demo {
  const directory = mkdtempSync(join(tmpdir(), 'replicator-demo-test-'))
  const marker = randomUUID()
  const child = spawn(process.execPath, [SCRIPT, ...flags], {
    // A variable that would change the peers, had the demo not taken it away.
    env: { ...cleanEnvironment(), TMPDIR: directory, [MARKER_NAME]: marker, REPLICATOR_MIN_PEERS: '5' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }))
  context.after(() => {
    for (const processId of processesOf(marker)) process.kill(processId, 'SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  })
  return { process: child, marker, directory, output: () => output, ended }
}

/** The ids of the processes that carry the marker. */
function processesOf(marker: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return readFileSync(`/proc/${name}/environ`, 'utf8').includes(`${MARKER_NAME}=${marker}`) ? [Number(name)] : []
    } catch {
      // It has ended, or is another user's.
      return []
    }
  })
}

/** Waits until the demo has written this. */
async function says(demo: Demo, pattern: RegExp): Promise<void> {
  await until(`the demo says ${pattern}`, () => pattern.test(demo.output()) || demo.process.exitCode !== null, STORY_MS)
  assert.match(demo.output(), pattern)
}

function assertNothingIsLeft(demo: Demo): void {
  assert.deepEqual(processesOf(demo.marker), [])
  assert.deepEqual(readdirSync(demo.directory), [])
}

/** Runs the first line that the demo printed and that contains the text. */
async function paste(demo: Demo, text: string): Promise<string> {
  const line = demo
    .output()
    .split('\n')
    .find((candidate) => candidate.startsWith('  curl') && candidate.includes(text))
  assert.ok(line !== undefined, `no line with ${text}`)
  const shell = spawn('sh', ['-c', `${line.trim()} --silent --max-time 20`], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  shell.stdout.setEncoding('utf8').on('data', (read: string) => (output += read))
  await once(shell, 'close')
  return output
}

suite('the demo', () => {
  test('told once, it exits with 0 when all held, and leaves nothing behind', { timeout: STORY_MS * 2 }, async (context) => {
    const demo = startDemo(context, '--once')
    assert.deepEqual(await demo.ended, { code: 0, signal: null }, demo.output())
    const outcomes = demo.output().match(/^ +(201 Created|200 OK|409 Conflict)/gm)
    assert.deepEqual(
      outcomes?.map((outcome) => outcome.trim()),
      ['201 Created', '200 OK', '409 Conflict', '200 OK'],
    )
    assertNothingIsLeft(demo)
  })

  test(
    'it stays until it is interrupted, takes the lines it printed, and survives the loss of a peer',
    { timeout: STORY_MS * 2 },
    async (context) => {
      const demo = startDemo(context)
      await says(demo, /Ctrl-C ends all of it/)
      assert.match(await paste(demo, '-X PUT'), /^HTTP\/1.1 201 /)
      const [, victim] = /kill -9 (\d+)/.exec(demo.output()) ?? []
      process.kill(Number(victim), 'SIGKILL')
      await says(demo, /cluster-1\/2 ended \(SIGKILL\); 5 of 6 peers run/)
      assert.match(await paste(demo, '-i http'), /^HTTP\/1.1 200 [^]*hello$/)
      // Just after the kill a busy machine may miss one more voter for a moment, and say so.
      await until('the key is refused to another value', async () => /^HTTP\/1.1 409 /.test(await paste(demo, 'something else')))
      demo.process.kill('SIGINT')
      assert.deepEqual(await demo.ended, { code: 0, signal: null }, demo.output())
      assertNothingIsLeft(demo)
    },
  )

  test('a peer that dies before all has held fails it, with the reason', { timeout: STORY_MS * 2 }, async (context) => {
    const demo = startDemo(context, '--once')
    await says(demo, /starting five more/)
    await until('a peer runs', () => processesOf(demo.marker).length > 1)
    const victim = processesOf(demo.marker).find((processId) => processId !== demo.process.pid)
    process.kill(victim ?? 0, 'SIGKILL')
    assert.deepEqual(await demo.ended, { code: 1, signal: null }, demo.output())
    assert.match(demo.output(), /The demo failed: cluster-\d\/\d ended \(SIGKILL\)/)
    assertNothingIsLeft(demo)
  })

  test('told to end while its peers start, it takes them along', { timeout: END_MS * 2 }, async (context) => {
    const demo = startDemo(context)
    await says(demo, /starting five more/)
    demo.process.kill('SIGTERM')
    assert.deepEqual(await demo.ended, { code: 143, signal: null }, demo.output())
    assertNothingIsLeft(demo)
  })

  test('when nobody reads it any more, it ends', { timeout: END_MS * 2 }, async (context) => {
    const demo = startDemo(context)
    await says(demo, /starting the first peer/)
    demo.process.stdout?.destroy()
    await until('the demo ends', () => demo.process.exitCode !== null, END_MS)
    assert.equal(demo.process.exitCode, 1)
    assertNothingIsLeft(demo)
  })

  test('of sets ends with all equal and nothing lost, though peers are killed meanwhile', { timeout: SETS_MS }, async (context) => {
    const demo = startDemo(context, 'sets', '--seconds', '20')
    assert.deepEqual(await demo.ended, { code: 0, signal: null }, demo.output())
    assert.match(demo.output(), /is killed with -9[^]*all peers are equal, and nothing that was answered is missing/)
    assertNothingIsLeft(demo)
  })

  test('an argument that it does not know is refused', { timeout: END_MS }, async (context) => {
    const demo = startDemo(context, '--twice')
    assert.deepEqual(await demo.ended, { code: 2, signal: null })
    assert.match(demo.output(), /usage: npm run demo/)
    assertNothingIsLeft(demo)
  })
})
