/**
 * The demo of Nexus' lines: three Redis that know nothing of one another, three `redis_repl` as its
 * page starts them, and `repl` over them.
 */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { environment, ROOT, withoutVariables } from '../run.ts'
import { until } from './peer-process.ts'
import { portsOr } from './ports.ts'

const REDIS_PORTS = [6379, 6380, 6381]
const NEXUS_PORTS = [9121, 9122, 9123]
const URL_PORTS = [9021, 9022, 9023]
const START_MS = 120_000
const SHOWN_CHARACTERS = 2_000

export interface RedisStoryInit {
  readonly directory: string
  /** Every process is added here before anything is waited for, so that whoever ends the demo can end it. */
  readonly helpers: ChildProcess[]
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

/** Why it cannot be told; false when it can. */
export function whyNoRedis(): string | false {
  const { error } = spawnSync('redis-server', ['--version'])
  return error === undefined ? false : 'redis-server is not installed: apt-get install redis-server'
}

/** Tells it all. @throws Error that says what did not hold */
export async function tellOfRedis(init: RedisStoryInit): Promise<void> {
  const { say, signal } = init
  const [redis, nexus, listen] = [await portsOr(REDIS_PORTS), await portsOr(NEXUS_PORTS), await portsOr(URL_PORTS)]
  for (const port of redis) startRedis(init, port)
  say(`three Redis listen on ${redis.join(', ')}`)
  const urls = listen.map((port) => `http://127.0.0.1:${port}`).join(',')
  for (const [index, port] of nexus.entries()) {
    const flags = ['-nexusPort', port, '-nexusClusterUrl', urls, '-nexusNodeId', index + 1, '-redisPort', redis[index] ?? 0].map(String)
    start(init, 'redis_repl', flags)
    say(`dist/bin/redis_repl ${flags.join(' ')}`)
  }
  const run = async (place: number, expression: string): Promise<string> =>
    until(`repl runs ${expression}`, () => repl(init, nexus[place] ?? 0, expression), { timeoutMs: START_MS, signal })
  for (const [place, expression] of [`redis.call('set', 'hello', 'world')`, `redis.call('set', 'foo', 'bar')`].entries()) {
    const told = await run(place, expression)
    if (told !== 'OK') throw new Error(`repl printed ${told}`)
    say(`dist/bin/repl redis 127.0.0.1:${nexus[place]} "${expression}"\n${' '.repeat(10)}  ${told}`)
  }
  for (const port of redis) {
    await until(`the Redis on ${port} has both`, () => (ask(port, 'mget', 'hello', 'foo') === 'world\nbar' ? true : undefined), {
      timeoutMs: START_MS,
      signal,
    })
    say(`redis-cli -p ${port} mget hello foo\n${' '.repeat(10)}  world bar`)
  }
  say('each Redis has what was said to one')
}

function startRedis({ directory, helpers }: RedisStoryInit, port: number): void {
  const folder = join(directory, `redis-${port}`)
  mkdirSync(folder)
  const flags = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes']
  helpers.push(spawn('redis-server', flags, { stdio: 'ignore', detached: true }))
}

/** A program of the package; what it says goes into a file. */
function start({ directory, helpers }: RedisStoryInit, name: string, flags: readonly string[]): void {
  const log = openSync(join(directory, `${name}-${flags[1]}.log`), 'a')
  const child = spawn(join(ROOT, 'dist/bin', name), flags, {
    cwd: directory,
    env: withoutVariables(environment(), 'REPLICATOR_'),
    stdio: ['ignore', log, log],
    detached: true,
  })
  closeSync(log)
  child.on('error', () => {})
  helpers.push(child)
}

/** @returns what it printed; undefined where it was refused, as it is until the log is born */
function repl({ directory, helpers }: RedisStoryInit, port: number, expression: string): string | undefined {
  const ended = helpers.find(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)
  if (ended !== undefined) {
    const path = join(directory, `redis_repl-${ended.spawnargs[2]}.log`)
    throw new Error(`${ended.spawnargs.slice(0, 3).join(' ')} ended\n${readFileSync(path, 'utf8').slice(-SHOWN_CHARACTERS)}`)
  }
  const parameters = ['redis', `127.0.0.1:${port}`, expression]
  const { status, stdout } = spawnSync(join(ROOT, 'dist/bin/repl'), parameters, { cwd: directory, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

function ask(port: number, ...command: readonly string[]): string {
  return spawnSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8' }).stdout.trim()
}
