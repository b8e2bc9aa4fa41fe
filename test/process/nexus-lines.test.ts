/**
 * The lines of Nexus' page, as docs/coming-from.md has them, over three real Redis and three real
 * MariaDB: started in any order, and once more after the disk of the first node was lost.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import { DatabaseServer, whyNo } from '../integration/sql-servers.ts'
import { cleanEnvironment, freePort, until } from './network.ts'
import { linesBelow, runLine } from './page-lines.ts'
import type { Line } from './page-lines.ts'

const SETTLED_MS = 120_000
const NODE_PORTS = ['9121', '9122', '9123', '9021', '9022', '9023']
const NODES = 3

interface Node {
  readonly command: string
  readonly process: ChildProcess
  said: string
}

/** The lines below a heading, run in a folder of their own and on ports that are free. */
class Lines {
  readonly directory: string
  readonly nodes: Node[] = []
  readonly #lines: readonly Line[]
  readonly #ports = new Map<string, number>()

  private constructor(heading: string) {
    this.#lines = linesBelow(heading)
    this.directory = mkdtempSync(join(tmpdir(), 'replicator-nexus-'))
    symlinkSync(join(ROOT, 'dist'), join(this.directory, 'dist'))
  }

  /** @param servers the ports that the page has for them, and theirs */
  static async below(heading: string, servers: readonly (readonly [string, number])[]): Promise<Lines> {
    const lines = new Lines(heading)
    for (const [port, own] of servers) lines.#ports.set(port, own)
    for (const port of NODE_PORTS) lines.#ports.set(port, await freePort())
    return lines
  }

  /** Those that start the nodes, in the order of the page. */
  get starting(): readonly string[] {
    const commands = this.#lines.slice(0, NODES).map(({ command }) => command)
    assert.ok(commands.every((command) => command.endsWith(' &')))
    return commands
  }

  run(command: string): string {
    return runLine(this.#given(command), { HOME: this.directory }, this.directory).text.trim()
  }

  /** @param command one that goes on */
  start(command: string): Node {
    const text = this.#given(command).replace(/ &$/, '')
    const env = { ...cleanEnvironment(), HOME: this.directory }
    const child = spawn('bash', ['-c', `exec ${text}`], { cwd: this.directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const node: Node = { command, process: child, said: '' }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (said: string) => (node.said += said))
    this.nodes.push(node)
    return node
  }

  /** Runs all that follows the nodes, each until it prints what the page says. */
  async runOthers(): Promise<void> {
    const others = this.#lines.slice(NODES)
    assert.ok(others.length >= 5)
    for (const { command, printed } of others) {
      let text = ''
      await until(`${command} prints ${printed}`, () => (text = this.run(command)) === printed, SETTLED_MS).catch((error: unknown) =>
        assert.fail(`${(error as Error).message}: ${text}\n${this.nodes.map(({ said }) => said).join('\n')}`),
      )
    }
  }

  close(): void {
    for (const { process: child } of this.nodes) child.kill('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 })
  }

  #given(command: string): string {
    return command.replaceAll(/\b\d{4,5}\b/g, (port) => String(this.#ports.get(port) ?? port))
  }
}

/** The network that a node is in, as it tells over HTTP. */
async function networkOf(node: Node): Promise<string | undefined> {
  const [, url] = /HTTP listening on (\S+)/.exec(node.said) ?? []
  if (url === undefined) return undefined
  const { networkId } = (await (await fetch(`${url}/status`)).json()) as { readonly networkId: string | null }
  return networkId ?? undefined
}

describe('the lines of Nexus', { skip: whyNoRedis() }, () => {
  const servers: RedisServer[] = []
  let lines: Lines

  before(async () => {
    for (let count = 0; count < NODES; count += 1) servers.push(await RedisServer.start())
    lines = await Lines.below(
      'Nexus',
      servers.map(({ port }, place) => [String(6379 + place), port]),
    )
  })
  after(async () => {
    lines.close()
    for (const server of servers) await server[Symbol.asyncDispose]()
  })

  it('start three nodes in another order, and print what the page says', async () => {
    // The one that may begin the network comes last.
    for (const command of lines.starting.toReversed()) lines.start(command)
    await lines.runOthers()
    assert.equal(lines.nodes.filter(({ said }) => said.includes('New network')).length, 1)
  })

  it('start the first node again when its disk is lost: it joins, and no second network begins', async () => {
    const first = lines.nodes.at(-1) as Node
    assert.equal(first.process.exitCode, null, first.said)
    const networkId = await networkOf(lines.nodes[0] as Node)
    const ended = once(first.process, 'exit')
    first.process.kill('SIGKILL')
    await ended
    rmSync(join(lines.directory, 'replicator-data/nexus/node-1'), { recursive: true })
    servers[0]?.ask('flushall')
    const again = lines.start(first.command)
    await until(`it joins: ${again.said}`, async () => (await networkOf(again)) !== undefined, SETTLED_MS)
    assert.deepEqual([await networkOf(again), again.said.includes('New network')], [networkId, false], again.said)
    const line = `dist/bin/repl redis 127.0.0.1:9121 "return redis.call('get', 'foo')"`
    await until('it serves what the others have', () => lines.run(line) === 'bar', SETTLED_MS)
  })
})

describe('the lines of Nexus over MySQL', { skip: whyNo('mysql') }, () => {
  const servers: DatabaseServer[] = []
  let lines: Lines

  before(async () => {
    // One after another: whoever asks whether one has started waits for the answer.
    for (let count = 0; count < NODES; count += 1) servers.push(await DatabaseServer.start('mysql'))
    for (const server of servers) server.ask(`create database nexus; set password for root@localhost = password('root')`)
    lines = await Lines.below(
      'Nexus over MySQL',
      servers.map(({ port }, place) => [String(33_061 + place), port]),
    )
  })
  after(async () => {
    lines.close()
    for (const server of servers) await server[Symbol.asyncDispose]()
  })

  it('make the same rows in each, with the same numbers and times', async () => {
    for (const command of lines.starting) lines.start(command)
    await lines.runOthers()
    const times = servers.map(({ port }) => {
      const words = ['-h', '127.0.0.1', '-P', String(port), '-u', 'root', '-proot', '-N', '-B', 'nexus']
      return spawnSync('mariadb', [...words, '-e', 'select id, ts from sync_table order by id'], { encoding: 'utf8' }).stdout
    })
    assert.match(times[0] ?? '', /^1\t\S+ \S+\n2\t\S+ \S+\n$/)
    assert.equal(new Set(times).size, 1, times.join('\n'))
  })
})
