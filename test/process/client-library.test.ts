/**
 * The client library against real peers: its README's examples as they stand, and what it makes of
 * a peer that is killed.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ROOT } from '../../scripts/run.ts'
import { Client } from '../../src/client/client.ts'
import { Network, until } from './network.ts'

const EXAMPLE = /<!-- example -->\n```js\n([^]*?)```/g
const PORT = /\b800[1-3]\b/g
const PUTS = 60
/** When the peer that is talked to is killed. */
const KILL_AT = 20
const WATCH_MS = 20_000

suite('the client library', () => {
  let network: Network
  let urls: readonly string[]

  before(async () => {
    network = await Network.create()
    await network.grow('cluster-1', 3, { flags: ['-log', 'kv=kv:'] })
    await network.settled()
    urls = network.peers.map((peer) => `http://127.0.0.1:${peer.httpPort}`)
    const log = new Client({ peers: urls }).log('kv')
    await until('a log is born and led', async () => (await log.status()).leader !== null)
  })
  after(async () => network.close())

  test('the examples of its README run, against the package as it is installed', async () => {
    assert.ok(existsSync(join(ROOT, 'dist/src/client/client.js')), 'nothing is built: npm run build')
    const examples = [...readFileSync(join(ROOT, 'src/client/README.md'), 'utf8').matchAll(EXAMPLE)]
    const outputs: string[] = []
    for (const [, text = ''] of examples) outputs.push(await runProgram(text))
    const registers = 'version 1\nnow 11\nconfig/limit 2\nconfig/limit false\nsessions/1 true\ndeleted\n'
    assert.deepEqual(outputs, [
      'ours\n',
      'hello\nfound\nnames/ada 17\n1\ntrue\n',
      registers,
      '3\n3 updates\n',
      'visits 1\n{"visits":"1"}\nkv of kv\n',
    ])
  })

  test('a watch of a set tells of changes that were made at another peer, each once', async () => {
    const [here, elsewhere] = [new Client({ peers: urls.slice(0, 1) }), new Client({ peers: urls.slice(1, 2) })]
    assert.equal((await here.set('watched').insert(['first'])).kind, 'stored')
    const seen: unknown[] = []
    for await (const event of here.set('watched').watch({ signal: AbortSignal.timeout(WATCH_MS) })) {
      seen.push(event.kind === 'watching' ? event.kind : [event.kind, event.entry.element])
      if (event.kind === 'watching') await elsewhere.set('watched').insert([11])
      if (event.kind === 'insert') await elsewhere.set('watched').delete([11])
      if (event.kind === 'delete') break
    }
    assert.deepEqual(seen, ['watching', ['insert', 11], ['delete', 11]])
  })

  test('kill -9 of the peer that it talks to loses no put, no write of a register and no command of a log, doubles none, and ends no watch', async () => {
    const client = new Client({ peers: urls })
    const log = client.log('kv')
    const [first] = network.peers
    const watching = new AbortController()
    const watched = versionsUntil(client, PUTS, watching.signal)
    for (let number = 0; number < PUTS; number += 1) {
      if (number === KILL_AT) await first?.kill()
      const outcome = await client.put(`client/${number}`, `value ${number}`)
      assert.equal(outcome.kind, 'created', JSON.stringify(outcome))
      const written = await client.registers.put('client/count', String(number))
      // Each write is on the one before: none was lost, and none was made twice.
      assert.equal(written.kind === 'written' && written.version, number + 1, JSON.stringify(written))
      const ordered = await log.submit('{"add":{"client":1}}')
      assert.deepEqual(ordered.kind === 'done' && ordered.result, { add: { client: number + 1 } }, JSON.stringify(ordered))
    }
    const versions = await watched
    watching.abort()
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(versions).size, versions.length)
    for (let number = 0; number < PUTS; number += 1) {
      const outcome = await client.get(`client/${number}`)
      assert.equal(outcome.kind === 'found' && new TextDecoder().decode(outcome.value), `value ${number}`)
    }
    const listed: string[] = []
    for await (const { key } of client.list({ prefix: 'client/' })) listed.push(key)
    assert.equal(listed.length, PUTS)
  })

  /** The versions that a watch tells, up to one. */
  async function versionsUntil(client: Client, last: number, signal: AbortSignal): Promise<number[]> {
    const versions: number[] = []
    for await (const event of client.registers.watch({ prefix: 'client/', signal })) {
      if (event.kind !== 'put') continue
      versions.push(event.version)
      if (event.version === last) break
    }
    return versions
  }

  /** @returns what it printed */
  async function runProgram(text: string): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-client-'))
    try {
      mkdirSync(join(directory, 'node_modules/@replicator'), { recursive: true })
      symlinkSync(ROOT, join(directory, 'node_modules/@replicator/peer'))
      const program = join(directory, 'program.mjs')
      writeFileSync(
        program,
        text.replaceAll(PORT, (port) => String(network.peers[Number(port) - 8001]?.httpPort)),
      )
      const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
      let output = ''
      child.stdout.setEncoding('utf8').on('data', (said: string) => (output += said))
      const [code] = (await once(child, 'close')) as [number | null]
      assert.equal(code, 0)
      return output
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }
})
