/**
 * The lines of Nexus' page, as docs/coming-from.md has them, over three real Redis: started in any
 * order, and once more after the disk of the first one was lost.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { RedisServer, whyNoRedis } from '../integration/redis-server.ts'
import { cleanEnvironment, freePort, until } from './network.ts'
import { linesBelow, runLine } from './page-lines.ts'

const SETTLED_MS = 120_000
const PORT = /\b(637[9]|638[01]|902[123]|912[123])\b/g

interface Node {
  readonly command: string
  process: ChildProcess
  said: string
}

describe('the lines of Nexus', { skip: whyNoRedis() }, () => {
  const lines = linesBelow('Nexus')
  let directory = ''
  const servers: RedisServer[] = []
  const nodes: Node[] = []
  const ports = new Map<string, number>()

  const given = (command: string): string => command.replaceAll(PORT, (port) => String(ports.get(port)))
  const run = (command: string): ReturnType<typeof runLine> => runLine(given(command), { HOME: directory }, directory)

  function start(command: string): Node {
    const text = given(command).replace(/ &$/, '')
    const env = { ...cleanEnvironment(), HOME: directory }
    const child = spawn('bash', ['-c', `exec ${text}`], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const node: Node = { command, process: child, said: '' }
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (said: string) => (node.said += said))
    nodes.push(node)
    return node
  }

  /** The network that a node is in, as it tells over HTTP. */
  async function networkOf(node: Node): Promise<string | undefined> {
    const [, url] = /HTTP listening on (\S+)/.exec(node.said) ?? []
    if (url === undefined) return undefined
    const { networkId } = (await (await fetch(`${url}/status`)).json()) as { readonly networkId: string | null }
    return networkId ?? undefined
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'replicator-nexus-'))
    symlinkSync(join(ROOT, 'dist'), join(directory, 'dist'))
    for (const port of ['6379', '6380', '6381']) {
      const server = await RedisServer.start()
      servers.push(server)
      ports.set(port, server.port)
    }
    for (const port of ['9121', '9122', '9123', '9021', '9022', '9023']) ports.set(port, await freePort())
  })
  after(async () => {
    for (const { process: child } of nodes) child.kill('SIGKILL')
    for (const server of servers) await server[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })

  it('start three nodes in another order, and print what the page says', async () => {
    const [first, second, third, ...others] = lines.map(({ command, printed }) => ({ command, printed }))
    assert.ok(first !== undefined && second !== undefined && third !== undefined && others.length >= 5)
    // The one that may begin the network comes last.
    for (const { command } of [third, second, first]) start(command)
    for (const { command, printed } of others) {
      let text = ''
      await until(
        `${command} prints ${printed}`,
        () => {
          text = run(command).text.trim()
          return text === printed
        },
        SETTLED_MS,
      ).catch((error: unknown) => assert.fail(`${(error as Error).message}: ${text}\n${nodes.map(({ said }) => said).join('\n')}`))
    }
    assert.equal(nodes.filter(({ said }) => said.includes('New network')).length, 1)
  })

  it('start the first node again when its disk is lost: it joins, and no second network begins', async () => {
    const first = nodes.at(-1) as Node
    const networkId = await networkOf(nodes[0] as Node)
    const ended = once(first.process, 'exit')
    first.process.kill('SIGKILL')
    await ended
    rmSync(join(directory, 'replicator-data/nexus/node-1'), { recursive: true })
    servers[0]?.ask('flushall')
    const again = start(first.command)
    await until(`it joins: ${again.said}`, async () => (await networkOf(again)) !== undefined, SETTLED_MS)
    assert.deepEqual([await networkOf(again), again.said.includes('New network')], [networkId, false], again.said)
    const printed = (): string => run(`dist/bin/repl redis 127.0.0.1:9121 "return redis.call('get', 'foo')"`).text.trim()
    await until('it serves what the others have', () => printed() === 'bar', SETTLED_MS)
  })
})
