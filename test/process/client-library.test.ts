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
import { Network } from './network.ts'

const EXAMPLE = /<!-- example -->\n```js\n([^]*?)```/g
const PORT = /\b800[1-3]\b/g
const PUTS = 60
/** When the peer that is talked to is killed. */
const KILL_AT = 20

suite('the client library', () => {
  let network: Network
  let urls: readonly string[]

  before(async () => {
    network = await Network.create()
    await network.grow('cluster-1', 3)
    await network.settled()
    urls = network.peers.map((peer) => `http://127.0.0.1:${peer.httpPort}`)
  })
  after(async () => network.close())

  test('the examples of its README run, against the package as it is installed', async () => {
    assert.ok(existsSync(join(ROOT, 'dist/src/client/client.js')), 'nothing is built: npm run build')
    const examples = [...readFileSync(join(ROOT, 'src/client/README.md'), 'utf8').matchAll(EXAMPLE)]
    const outputs: string[] = []
    for (const [, text = ''] of examples) outputs.push(await runProgram(text))
    assert.deepEqual(outputs, ['ours\n', 'hello\nfound\nnames/ada 17\ntrue\n', '3\n3 updates\n'])
  })

  test('kill -9 of the peer that it talks to loses no put and doubles none', async () => {
    const client = new Client({ peers: urls })
    const [first] = network.peers
    for (let number = 0; number < PUTS; number += 1) {
      if (number === KILL_AT) await first?.kill()
      const outcome = await client.put(`client/${number}`, `value ${number}`)
      assert.equal(outcome.kind, 'created', JSON.stringify(outcome))
    }
    for (let number = 0; number < PUTS; number += 1) {
      const outcome = await client.get(`client/${number}`)
      assert.equal(outcome.kind === 'found' && new TextDecoder().decode(outcome.value), `value ${number}`)
    }
    const listed: string[] = []
    for await (const { key } of client.list({ prefix: 'client/' })) listed.push(key)
    assert.equal(listed.length, PUTS)
  })

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
