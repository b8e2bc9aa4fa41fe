/**
 * The README and the pages beside it against the program. The shell blocks marked in them are run
 * as they stand, apart from ports and the way through npx, on what was built last. What they say of
 * flags, problems and metrics is compared with the tables that these come from.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { COMMANDS } from '../../src/settings/commands.ts'
import { PROBLEMS } from '../../src/http/problems.ts'
import { cleanEnvironment, freePort, until } from './network.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
/**
 * In the order in which their commands are run: each page goes on where the one before it ended.
 */
const PAGES = ['README.md', 'docs/http.md', 'docs/operating.md', 'docs/security.md']
const TEXT = PAGES.map((page) => readFileSync(join(ROOT, page), 'utf8')).join('\n')
/** What a stranger can read in ten minutes, figures and folder map included. */
const README_WORDS_MAX = 1_400
const PROGRAM = join('dist', 'src', 'main.js')
/** Ports of HTTP and of libp2p in the commands. */
const PORT = /(?<![\d.])(?:800[1-9]|4001)(?!\d)/g
/** A block with the words of its mark. */
const MARKED = /<!-- tested: (?<mark>[^>]+) -->\n```sh\n(?<text>[^]*?)```/g
const SHELL_BLOCK = /```sh\n([^]*?)```/g
const READY_MS = 60_000
const SECRET_BYTES = 32

interface Block {
  readonly mark: string
  readonly lines: readonly string[]
}

interface Ran {
  readonly code: number
  readonly output: string
  readonly errors: string
}

const blocks = [...TEXT.matchAll(MARKED)].map(({ groups }): Block => ({
  mark: groups?.['mark'] ?? '',
  lines: (groups?.['text'] ?? '').trimEnd().split('\n'),
}))
/** Every command of every shell block, marked or not. */
const commands = [...TEXT.matchAll(SHELL_BLOCK)].flatMap(([, text = '']) => text.trimEnd().split('\n'))

suite('the commands of the README and its pages', () => {
  const processes: ChildProcess[] = []
  const ports = new Map<string, string>()
  let directory: string

  before(async () => {
    assert.ok(existsSync(join(ROOT, PROGRAM)), 'nothing is built: npm run build')
    directory = mkdtempSync(join(tmpdir(), 'replicator-readme-'))
    // Where the commands are run looks as the root of a checkout does, as far as they can tell.
    for (const name of ['dist', 'node_modules']) symlinkSync(join(ROOT, name), join(directory, name))
    symlinkSync(join(ROOT, PROGRAM), join(directory, 'replicator'))
    for (const [port] of TEXT.matchAll(PORT)) if (!ports.has(port)) ports.set(port, String(await freePort()))
  })

  after(async () => {
    const running = processes.filter((child) => child.exitCode === null && child.signalCode === null)
    const ends = running.map((child) => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ends)
    rmSync(directory, { recursive: true, force: true })
  })

  /** Without npx, which only finds the program, and with ports that are free. */
  function adapted(line: string): string {
    return line.replace(/^npx /, '').replaceAll(PORT, (port) => ports.get(port) ?? port)
  }

  function shell(command: string): ChildProcess {
    const PATH = [directory, join(ROOT, 'node_modules', '.bin'), process.env['PATH']].join(delimiter)
    const environment = { ...cleanEnvironment(), PATH, HOME: directory, REPLICATOR_LOG_LEVEL: 'error' }
    return spawn('sh', ['-c', command], { cwd: directory, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  }

  async function finish(line: string): Promise<Ran> {
    const child = shell(adapted(line))
    let output = ''
    let errors = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code: code ?? 1, output, errors }
  }

  /**
   * Starts a peer and waits for nothing. `exec`, so that it can be ended. @returns what it has said
   * so far, standard error included
   */
  function startPeer(line: string): () => string {
    const child = shell(`exec ${adapted(line)}`)
    processes.push(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
    return () => output
  }

  async function run({ mark, lines }: Block): Promise<void> {
    const [verb = '', expected = '', body] = mark.split(' ')
    if (verb === 'start' || verb === 'starts') {
      const outputs = lines.map(startPeer)
      for (const [index, output] of outputs.entries()) {
        const isReady = (): boolean => output().includes('Replicator ready')
        await until(`${lines[index]} says that it is ready`, isReady, READY_MS).catch((error: unknown) => {
          throw new Error(output(), { cause: error })
        })
      }
      return
    }
    for (const line of lines) {
      if (verb === 'soon') {
        // What is written elsewhere comes to a set in its own time.
        const isAnswered = async (): Promise<boolean> => (await finish(line)).output.startsWith(`HTTP/1.1 ${expected} `)
        await until(`${line} is answered with ${expected}`, isAnswered)
        continue
      }
      const ran = await finish(line)
      if (verb === 'exits') assert.equal(ran.code, Number(expected), line + ran.errors)
      else if (verb === 'answers')
        assert.match(ran.output, new RegExp(`^HTTP/1\\.1 ${expected} [^]*${body === undefined ? '' : `${body}$`}`), line)
      else assert.fail(`a page has an unknown mark: ${mark}`)
    }
  }

  test('do what they say, one after another', async () => {
    assert.deepEqual(
      blocks.map(({ mark }) => mark),
      [
        'start',
        'exits 0',
        'answers 201',
        'answers 200 hello',
        'answers 409',
        'answers 201',
        'answers 200',
        'answers 200 ok',
        'answers 200',
        'answers 201',
        'answers 200',
        'answers 201',
        'answers 200',
        'answers 200 ok',
        'soon 200',
        'starts',
        'exits 0',
      ],
    )
    for (const block of blocks) await run(block)
    const metrics = await finish('curl --silent http://127.0.0.1:8001/metrics')
    const named = new Set([...TEXT.matchAll(/`(replicator_\w+)`/g)].map(([, name = '']) => name))
    assert.ok(named.size > 0)
    for (const name of named) assert.match(metrics.output, new RegExp(`^# TYPE ${name} `, 'm'))
  })
})

suite('what the README and its pages say', () => {
  test('the README is short enough for ten minutes', () => {
    const prose = README.replaceAll(/```[^]*?```/g, '').split(/\s+/)
    assert.ok(prose.filter((word) => /[a-z]/i.test(word)).length <= README_WORDS_MAX)
  })

  test('every command line of a peer in them is a good one', (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-readme-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    const files = new Map([
      ['replicator.secret', 's'.repeat(SECRET_BYTES)],
      ['tokens.jsonl', '{"name": "anonymous", "scopes": ["read"]}'],
      ['cert.pem', ''],
      ['key.pem', ''],
    ])
    for (const [name, text] of files) writeFileSync(join(directory, name), text, { mode: 0o600 })
    const starts = commands.flatMap(
      (command) => /^(?:npx replicator|node_modules\/\.bin\/node dist\/src\/main\.js) (-.*)$/.exec(command)?.[1] ?? [],
    )
    assert.ok(starts.length >= 10)
    for (const flags of starts) {
      const argv = flags.split(' ').map((text) => (files.has(text) ? join(directory, text) : text))
      const commandLine = parseCommandLine(argv, {})
      assert.equal(commandLine.kind, 'run', `${flags}: ${JSON.stringify(commandLine)}`)
    }
  })

  test('every command for a running peer in them is a good one, and none is left out', () => {
    const given = commands.flatMap((command) => /^npx replicator ((?!secret)[a-z][^>]*)$/.exec(command)?.[1] ?? [])
    assert.ok(given.length > 0)
    for (const text of given) assert.equal(parseCommandLine(text.split(' '), {}).kind, 'command', text)
    const named = new Set([...TEXT.matchAll(/^\| `replicator ([a-z-]+)[^`]*` \|/gm)].map(([, name = '']) => name))
    assert.deepEqual(named, new Set(Object.keys(COMMANDS)))
  })

  test('every script of npm in them is there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    const named = [...TEXT.matchAll(/npm run ([\w-]+)/g)].map(([, name = '']) => name)
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    )
  })

  test('every problem in their tables has the status that they say', () => {
    const rows = [...TEXT.matchAll(/^\| (\d{3}(?:, \d{3})*) \| ((?:`[\w-]+`(?:, )?)+)/gm)]
    const told = rows.flatMap(([, statuses = '', names = '']) =>
      names.split(', ').map((name) => [name.replaceAll('`', ''), statuses] as const),
    )
    assert.ok(told.length >= 10)
    for (const [name, statuses] of told) {
      const row = Object.entries(PROBLEMS).find(([known]) => known === name)?.[1]
      assert.ok(row !== undefined && statuses.includes(String(row.status)), `a page says ${statuses} of ${name}`)
    }
  })
})
