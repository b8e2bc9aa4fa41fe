/**
 * A log over gRPC at real peers: the prompt that comes with them, its nodes, and a client that is
 * none of ours.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { cleanEnvironment, freePort, Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const BORN_MS = 60_000
const NO_GRPCURL: string | false =
  spawnSync('grpcurl', ['-version']).status === 0
    ? false
    : 'there is no grpcurl here: go install github.com/fullstorydev/grpcurl/cmd/grpcurl'

/** Of util-linux: a terminal without anybody at it. */
const NO_SCRIPT: string | false = spawnSync('script', ['--version']).error === undefined ? false : 'there is no script (util-linux) here'

/** Built by .ci/run of `test/others/nexus-go`. */
const { NEXUS_GO } = process.env

let network: Network
let first: PeerProcess
let second: PeerProcess
let address = ''

/** Runs the prompt as the user of the peers does. */
function repl(...words: string[]): Promise<Finished> {
  return runToEnd(network.directory, ['repl', ...words])
}

async function run(expression: string): Promise<string> {
  const { code, stdout, stderr } = await repl('kv', address, expression)
  assert.equal(code, 0, stderr)
  return stdout.trim()
}

describe('a log over gRPC', () => {
  before(async () => {
    network = await Network.create()
    const port = await freePort()
    address = `127.0.0.1:${port}`
    first = await network.add({ flags: ['-min-peers', '1', '-log', 'orders=kv:', '-nexus', `${port}=orders`] })
    await first.start()
    await first.ready()
    second = await network.add({ flags: ['-min-peers', '1', '-log', 'orders=kv:', '-peer', first.address] })
    await second.start()
    await second.ready()
    await until('the log serves', async () => (await repl('kv', address, '{"get":["born"]}')).code === 0, BORN_MS)
  })
  after(() => network.close())

  it('takes expressions, and lines on standard input, and shows their results', async () => {
    assert.equal(await run('{"set":{"hello":"world"}};'), 'OK')
    assert.equal(await run('{"get":["hello"]}'), '{"hello":"world"}')
    const refused = await repl('kv', address, '{"cas":{"hello":["x","y"]}}')
    assert.deepEqual([refused.code, refused.stdout], [1, ''])
    assert.match(refused.stderr, /^replicator repl: failed precondition: /)
    const lines = await runToEnd(network.directory, ['repl', 'kv', address], {}, '{"add":{"n":2}}\n\n{"get":["n"]};\nexit\nnever\n')
    assert.deepEqual([lines.code, lines.stdout], [0, '{"add":{"n":2}}\n{"n":"2"}\n'], lines.stderr)
  })

  it('prompts at a terminal, and ends with its input', { skip: NO_SCRIPT }, () => {
    const line = `${process.execPath} ${join(ROOT, 'src/main.ts')} repl kv ${address}`
    const env = { ...cleanEnvironment(), HOME: network.directory }
    const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], { input: '{"add":{"n":5}}\n', encoding: 'utf8', env })
    assert.equal(status, 0, stdout)
    assert.match(stdout, /kv> [^]*\{"add":\{"n":7\}\}/)
  })

  it('says in one line when nobody is there', async () => {
    const { code, stderr } = await repl('kv', `127.0.0.1:${await freePort()}`, '{"get":["a"]}', '-timeout', '5')
    assert.equal(code, 1)
    assert.match(stderr, /^replicator repl: unavailable: .*\n$/)
  })

  it('lists its nodes, and removes and adds one for the user who runs the peer', async () => {
    const line = (peer: PeerProcess, status: string): RegExp =>
      new RegExp(`^[0-9a-f]{1,16} => /ip4/127\\.0\\.0\\.1/tcp/${peer.libp2pPort}/p2p/${peer.peerId} \\(${status}\\)$`, 'm')
    // Both offer a store, so the log comes to both by itself.
    await until(
      'both are listed',
      async () => {
        const { stdout } = await repl(address, 'listNodes')
        return line(first, 'LEADER').test(stdout) && line(second, 'FOLLOWER').test(stdout)
      },
      BORN_MS,
    )
    // A change of before may be under way yet.
    const changed = async (verb: string, url: string): Promise<Finished> => {
      let ended = await repl(address, verb, url)
      await until(`${verb}: ${ended.stderr}`, async () => ended.code === 0 || (ended = await repl(address, verb, url)).code === 0, BORN_MS)
      return ended
    }
    const removed = await changed('removeNode', second.peerId)
    assert.match(removed.stdout, line(first, 'LEADER'))
    assert(!removed.stdout.includes(second.peerId), removed.stdout)
    const added = await changed('addNode', `http://127.0.0.1:${second.libp2pPort}`)
    assert.match(added.stdout, line(second, 'FOLLOWER'))
  })

  it('is described to, and used by, a client of others', { skip: NO_GRPCURL }, () => {
    const grpcurl = (...words: string[]): string => execFileSync('grpcurl', ['-plaintext', ...words], { encoding: 'utf8' })
    const listed = grpcurl(address, 'list').trim().split('\n')
    assert.deepEqual(
      listed.filter((name) => !name.startsWith('grpc.reflection')),
      ['grpc.health.v1.Health', 'nexus.api.Nexus'],
    )
    const call = (method: string, message: object): Record<string, unknown> =>
      JSON.parse(grpcurl('-d', JSON.stringify(message), address, method)) as Record<string, unknown>
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    call('nexus.api.Nexus/Save', { data: base64('{"set":{"by":"grpcurl"}}'), args: { id: base64('once') } })
    const { resData } = call('nexus.api.Nexus/Load', { data: base64('{"get":["by"]}') })
    assert.equal(Buffer.from(String(resData), 'base64').toString(), '{"by":"grpcurl"}')
    assert.deepEqual(call('grpc.health.v1.Health/Check', {}), { status: 'SERVING' })
    const { leader, nodes } = call('nexus.api.Nexus/ListNodes', {}) as { leader: string; nodes: Record<string, { nodeId: string }> }
    assert.equal(nodes[leader]?.nodeId, leader)
  })

  it(
    'is used by a program in Go that is made of its messages',
    { skip: NEXUS_GO === undefined && 'NEXUS_GO names no client: .ci/run builds one where there is Go' },
    () => {
      const told = execFileSync(NEXUS_GO ?? '', [address], { encoding: 'utf8' })
      assert.deepEqual(told.trim().split('\n'), ['0 {"set":{"by":"go"}} null', '{"by":"go"}', '0 {"add":{"go":1}}', 'true LEADER'])
    },
  )
})
