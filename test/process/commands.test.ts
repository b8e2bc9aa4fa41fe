/**
 * Commands for clients against a running peer, as somebody types them: what they print, and how
 * they end.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { metricsNamed } from '../deployed.ts'
import { runToEnd } from './command.ts'
import type { Finished } from './command.ts'
import { ROOT } from '../../scripts/run.ts'
import { Network, freePort, until } from './network.ts'
import type { PeerProcess } from './network.ts'

const KEYS = 500

suite('commands for clients', () => {
  let directory = ''
  let network: Network
  /** Another network, of a peer alone. */
  let elsewhere: Network
  let url = ''
  let urlElsewhere = ''

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-commands-'))
    network = await Network.create()
    elsewhere = await Network.create()
    const alone = { flags: ['-min-peers', '1'] }
    const named = { flags: [...alone.flags, '-name', 'berlin-1'] }
    const [peer, other] = [await network.add(named), await elsewhere.add(alone)]
    await Promise.all([peer, other].map((one) => one.start()))
    await Promise.all([peer, other].map((one) => one.ready()))
    url = `http://127.0.0.1:${peer.httpPort}`
    urlElsewhere = `http://127.0.0.1:${other.httpPort}`
  })

  after(async () => {
    await network.close()
    await elsewhere.close()
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

  test('a register is written, written where its version is the one named, read, listed and removed', async () => {
    assert.deepEqual(await command(['kv', 'put', 'config/limit', '10', '-o', 'raw']), {
      code: 0,
      stdout: 'config/limit\t1\twritten\n',
      stderr: '',
    })
    const second = await command(['kv', 'put', 'config/limit', '-when', '1', '-o', 'json'], 'from standard input')
    assert.deepEqual(JSON.parse(second.stdout), { outcome: 'written', key: 'config/limit', version: 2 })
    const late = await command(['kv', 'put', 'config/limit', 'x', '-when', '1'])
    assert.deepEqual([late.code, late.stdout], [4, ''])
    assert.match(late.stderr, /^replicator kv put: config\/limit was left as it is: version 2 is there/)
    assert.equal((await command(['kv', 'get', 'config/limit'])).stdout, 'from standard input')
    assert.match((await command(['kv', 'ls', 'config/'])).stdout, /^KEY .*\nconfig\/limit +2 +19 +\S+Z +-\n$/)
    const named = ['kv', 'rm', 'config/limit', '-idempotency-key', 'once', '-after', '2', '-o', 'raw']
    assert.equal((await command(named)).stdout, 'config/limit\t3\tdeleted\n')
    assert.equal((await command(named)).stdout, 'config/limit\t3\tdeleted-before\n')
    assert.deepEqual([(await command(['kv', 'rm', 'config/limit'])).code, (await command(['kv', 'get', 'config/limit'])).code], [3, 3])
  })

  test('a watch of registers tells what is there and what changes, until it is ended', async () => {
    await command(['kv', 'put', 'seen/a', 'one'])
    const child = spawn(process.execPath, [
      join(ROOT, 'src/main.ts'),
      'kv',
      'watch',
      'seen/',
      '-start',
      '-values',
      '-o',
      'json',
      '-url',
      url,
    ])
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    await until('it watches', () => output.includes('watching'))
    await command(['kv', 'put', 'seen/a', 'two', '-ttl', '3600'])
    await until('the change is told', () => output.includes('two'))
    child.kill()
    await once(child, 'close')
    const told = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; version?: number; value?: string })
    assert.deepEqual(
      told.map(({ kind, version, value }) => [kind, version, value]),
      [
        ['listing', undefined, undefined],
        ['put', 1, 'one'],
        ['watching', undefined, undefined],
        ['put', 2, 'two'],
      ],
    )
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
    assert.match(status.stdout, /^network [0-9a-f]{32}, epoch 0\nasked berlin-1 \(12D3\w+\) of cluster-1, voter, ready/)
    const members = await command(['members', '-o', 'json'])
    assert.equal((JSON.parse(members.stdout) as { view: { epoch: number } }).view.epoch, 0)
  })

  test('a peer that has a name is shown by it, and commands take it in the place of the id', async () => {
    for (const shown of [await command(['status']), await command(['members'])])
      assert.match(shown.stdout, /^berlin-1 +cluster-1 +voter +self/m)
    const [{ directory: data }] = network.peers as [PeerProcess]
    assert.equal((await command(['add', 'berlin-1', '-data', data])).stdout, 'berlin-1 votes (epoch 0, as before)\n')
    const stranger = await command(['remove', 'berlin-2'])
    assert.deepEqual([stranger.code, stranger.stdout], [1, ''])
    assert.match(stranger.stderr, /^replicator remove: no peer is called berlin-2/)
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
    assert.equal((await command(['ls', 'k/', '-count'])).stdout, `${KEYS}\n`)
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

  test('what is backed up under load is restored into an empty network, equal by digest, and again without a change', async () => {
    const lines = Array.from({ length: KEYS }, (_, index) => JSON.stringify({ key: `${index % 2 === 0 ? 'a' : 'z'}/${index}`, value: 'x' }))
    for (const [verb, body] of [
      ['insert', '["apple",11,"~:keyword"]'],
      ['delete', '["apple"]'],
    ]) {
      const headers = { 'Content-Type': 'application/json' }
      assert.equal((await fetch(`${url}/sets/carts/${verb}`, { method: 'POST', headers, body: body ?? '' })).status, 200)
    }
    for (const query of ['', '?ttl=600']) {
      const headers = { 'Content-Type': 'text/plain' }
      assert.equal((await fetch(`${url}/kv/lamp${query.length}${query}`, { method: 'PUT', headers, body: 'on' })).status, 201)
    }
    const [load, backup] = await Promise.all([command(['import'], lines.join('\n')), command(['backup', 'all.backup'])])
    assert.deepEqual([load.code, backup.code], [0, 0], load.stderr + backup.stderr)
    const first = await command(['restore', 'all.backup', '-url', urlElsewhere, '-o', 'json'])
    assert.equal(first.code, 0, first.stderr)
    const restored = JSON.parse(first.stdout) as Record<string, number>
    assert.deepEqual([restored['same'], restored['other']], [0, 0])
    const text = await readFile(join(directory, 'all.backup'), 'utf8')
    const second = await command(['backup', '-', '-url', urlElsewhere])
    assert.equal(digestOf(second.stdout), digestOf(text))
    const again = await command(['restore', '-', '-url', urlElsewhere, '-o', 'json'], text)
    // Merging what a set holds already is no news, and is not told from the first time.
    const { same = 0, stored = 0, keys = 0, kv = 0, sets = 0 } = JSON.parse(again.stdout) as Record<string, number>
    assert.deepEqual([same, stored], [keys + kv, sets])
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
    const { code, stdout } = await command(['doctor', '-url', url, '-url', `http://127.0.0.1:${await freePort()}`, '-timeout', '20'])
    assert.equal(code, 1)
    assert.match(stdout, /^ok {3}replicator \d+\.\d+\.\d+ at .*main\.ts, run by Node 24/)
    assert.match(stdout, /^BAD {2}http:\/\/127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED\n {7}see that the peer runs/m)
    assert.match(stdout, new RegExp(`^ok {3}${url} is berlin-1 \\(12D3\\w+\\) of cluster-1, a voter`, 'm'))
    assert.match(stdout, /^BAD {2}no -secret: /m)
  })

  test('every metric that the dashboard and the alerts ask for is one that a peer tells', async () => {
    const told = await (await fetch(`${url}/metrics`)).text()
    // A histogram is told as three.
    const names = new Set(told.split('\n').map((line) => /^# TYPE (\S+)/.exec(line)?.[1]))
    const missing = metricsNamed().filter((name) => !names.has(name) && !names.has(name.replace(/_(bucket|sum|count)$/, '')))
    assert.deepEqual(missing, [])
  })

  test('what completes commands in bash is a good program', async () => {
    const { stdout } = await command(['completion', 'bash'])
    await promisify(execFile)('bash', ['-n', '-c', stdout])
  })
})

/** Of what a backup holds, whatever order it was read in. */
function digestOf(backup: string): string {
  const lines = backup.trimEnd().split('\n').slice(1, -1)
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')
}
