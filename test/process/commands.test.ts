/**
 * Commands for clients against a running peer, as somebody types them: what they print, and how
 * they end.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { ROOT } from '../../scripts/run.ts'
import { Network, freePort, until } from './network.ts'

const KEYS = 500

suite('commands for clients', () => {
  let directory = ''
  let network: Network
  let url = ''

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-commands-'))
    network = await Network.create()
    const peer = await network.add({ flags: ['-min-peers', '1'] })
    await peer.start()
    await peer.ready()
    url = `http://127.0.0.1:${peer.httpPort}`
  })

  after(async () => {
    await network.close()
    await rm(directory, { recursive: true, force: true })
  })

  function command(flags: readonly string[], input = ''): Promise<Finished> {
    return runToEnd(directory, flags, { REPLICATOR_URL: url }, input)
  }

  test('a put is done once, and then the key is taken', async () => {
    const first = await command(['put', 'names/ada', 'lisbon', '-o', 'json'])
    assert.deepEqual([first.code, (JSON.parse(first.stdout) as { outcome: string }).outcome], [0, 'created'])
    const second = await command(['put', 'names/ada', 'porto'])
    assert.deepEqual([second.code, second.stdout], [4, ''])
    assert.match(second.stderr, /^replicator put: names\/ada has another value already/)
  })

  test('a put that is named is the same put again', async () => {
    const flags = ['put', 'named', '-idempotency-key', 'one']
    assert.equal((await command(flags, 'from standard input')).code, 0)
    const again = await command([...flags, '-o', 'json'], 'from standard input')
    assert.deepEqual([again.code, (JSON.parse(again.stdout) as { outcome: string }).outcome], [0, 'stored-before'])
    assert.equal((await command(flags, 'something else')).code, 4)
  })

  test('a get writes the bytes alone, and a key that is not there has an exit code of its own', async () => {
    assert.deepEqual(await command(['get', 'names/ada']), { code: 0, stdout: 'lisbon', stderr: '' })
    const absent = await command(['get', 'nobody'])
    assert.deepEqual([absent.code, absent.stdout], [3, ''])
    assert.equal((await command(['stat', 'nobody'])).code, 3)
    assert.match((await command(['stat', 'names/ada'])).stdout, /^KEY .*\nnames\/ada +6 +text\/plain; charset=utf-8 /)
  })

  test('a wait ends when its time is over, or when the key is there', async () => {
    const over = await command(['wait', 'later', '-timeout', '1'])
    assert.equal(over.code, 1)
    assert.match(over.stderr, /not done in time.*timed out/)
    const [waited] = await Promise.all([command(['wait', 'later']), command(['put', 'later', 'now'])])
    assert.deepEqual([waited.code, waited.stdout], [0, 'now'])
  })

  test('the status is one screen, and members can be read by programs', async () => {
    const status = await command(['status'])
    assert.equal(status.code, 0)
    assert.match(status.stdout, /^network [0-9a-f]{32}, epoch 0\nasked 12D3\w+ of cluster-1, voter, ready/)
    const members = await command(['members', '-o', 'json'])
    assert.equal((JSON.parse(members.stdout) as { view: { epoch: number } }).view.epoch, 0)
  })

  test('what is imported is exported as it was, an interrupted export goes on, and a second import changes nothing', async () => {
    const lines = Array.from({ length: KEYS }, (_, index) =>
      JSON.stringify({ key: `k/${1_000 + index}`, value: `v${index}`, contentType: 'a/b' }),
    )
    const text = `${lines.join('\n')}\n`
    await writeFile(join(directory, 'in.jsonl'), text)
    const first = await command(['import', 'in.jsonl', '-o', 'json'])
    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual(
      { ...(JSON.parse(first.stdout) as object), seconds: 0 },
      { lines: KEYS, stored: KEYS, same: 0, conflicts: 0, seconds: 0 },
    )
    assert.equal((JSON.parse((await command(['import', 'in.jsonl', '-o', 'json'])).stdout) as { same: number }).same, KEYS)
    await writeFile(join(directory, 'out.jsonl'), text.slice(0, text.length / 2))
    const exported = await command(['export', 'k/', '-file', 'out.jsonl'])
    assert.equal(exported.code, 0, exported.stderr)
    assert.match(exported.stderr, /goes on after k\/12\d\d/)
    assert.equal(await readFile(join(directory, 'out.jsonl'), 'utf8'), text)
  })

  test('an import goes on where its progress says, and tells of keys with another value', async () => {
    const lines = ['{"key":"i/1","value":"skipped"}', '{"key":"i/2","value":"two"}', '{"key":"names/ada","value":"porto"}']
    await writeFile(join(directory, 'rest.jsonl'), lines.join('\n'))
    await writeFile(join(directory, 'rest.jsonl.progress'), JSON.stringify({ lines: 1, bytes: (lines[0]?.length ?? 0) + 1 }))
    const rest = await command(['import', 'rest.jsonl'])
    assert.equal(rest.code, 4)
    assert.match(rest.stdout, /^3 lines: 1 stored, 0 there already, 1 with another value/)
    assert.match(rest.stderr, /line 3: names\/ada has another value/)
    assert.equal((await command(['get', 'i/1'])).code, 3)
    await assert.rejects(readFile(join(directory, 'rest.jsonl.progress')))
  })

  test('a line that is none stops an import, which says how to go on', async () => {
    const stopped = await command(['import'], '{"key":"j/1","value":"a"}\nnonsense\n')
    assert.equal(stopped.code, 1)
    assert.match(stopped.stderr, /line 2 is no JSON.*give it the same lines again/)
  })

  test('a watch tells of a key that is put, and is ended by whoever gave it', async () => {
    const child = spawn(process.execPath, [join(ROOT, 'src', 'main.ts'), 'watch', 'w/', '-url', url], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    try {
      await until('it watches', () => / on\n/.test(said))
      assert.equal((await command(['put', 'w/1', 'x'])).code, 0)
      await until('it tells of the key', () => /^\S+Z {2}w\/1 {2}1 B {2}\S+\.\d+$/m.test(said))
    } finally {
      child.kill('SIGINT')
      await once(child, 'exit')
    }
  })

  test('the doctor finds what is wrong, at a peer that answers and at one that does not', async () => {
    const { code, stdout } = await command(['doctor', '-url', url, '-url', `http://127.0.0.1:${await freePort()}`, '-timeout', '2'])
    assert.equal(code, 1)
    assert.match(stdout, /^ok {3}replicator \d+\.\d+\.\d+ at .*main\.ts, run by Node 24/)
    assert.match(stdout, /^BAD {2}http:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED\n {7}see that the peer runs/m)
    assert.match(stdout, new RegExp(`^ok {3}${url} is 12D3\\w+ of cluster-1, a voter`, 'm'))
    assert.match(stdout, /^BAD {2}no -secret: /m)
  })

  test('what completes commands in bash is a good program', async () => {
    const { stdout } = await command(['completion', 'bash'])
    await promisify(execFile)('bash', ['-n', '-c', stdout])
  })
})
