/**
 * Every row of the command line that can be wrong: exit code 2, one line that says what, and
 * nothing created.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { inTurn, runToEnd } from './command.ts'

/** All that lies there before, and after what must create nothing. */
const FILES = ['open-secret', 'short-secret']
/** As many as there are processors on a small machine. */
const WIDTH = 3

interface Mistake {
  readonly flags: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  /** What the line must name. */
  readonly names: RegExp
}

const MISTAKES: readonly Mistake[] = [
  { flags: [], names: /-cid/ },
  { flags: ['-nonsense', '1'], names: /-nonsense/ },
  { flags: ['--non=sense'], names: /-non/ },
  { flags: ['-cid', 'a', '-cid', 'b'], names: /-cid.*twice/ },
  { flags: ['-cid', 'a', 'stray'], names: /stray/ },
  { flags: ['-cid', 'a', '-http'], names: /-http needs a value/ },
  { flags: ['-cid', 'a/b'], names: /-cid "a\/b"/ },
  { flags: ['-cid', 'x'.repeat(65)], names: /-cid/ },
  { flags: ['-cid', 'a', '-http', '70000'], names: /-http "70000"/ },
  { flags: ['-cid', 'a', '-http', '::1:8000'], names: /-http.*brackets/ },
  { flags: ['-cid', 'a', '-http-cert', 'a.pem'], names: /-http-cert is there without -http-key/ },
  { flags: ['-cid', 'a', '-http-key', 'short-secret'], names: /-http-key is there without -http-cert/ },
  { flags: ['-cid', 'a', '-http-ca', 'a.pem'], names: /-http-ca is there without -http-cert/ },
  { flags: ['-cid', 'a', '-listen', 'here'], names: /-listen "here"/ },
  { flags: ['-cid', 'a', '-listen', '/ip4/127.0.0.1/udp/4001/quic-v1'], names: /-listen/ },
  { flags: ['-cid', 'a', '-announce', '/ip4/127.0.0.1/tcp/0'], names: /-announce/ },
  { flags: ['-cid', 'a', '-peer', 'garbage'], names: /-peer "garbage"/ },
  { flags: ['-cid', 'a', '-peer', '/ip4/127.0.0.1/tcp/4001/p2p/garbage'], names: /-peer/ },
  { flags: ['-cid', 'a', '-bootstrap', '/unix/x'], names: /-bootstrap/ },
  { flags: ['-cid', 'a', '-network', 'mine'], names: /-network "mine"/ },
  { flags: ['-cid', 'a', '-secret', 'not-there'], names: /-secret "not-there"/ },
  { flags: ['-cid', 'a', '-secret', 'short-secret'], names: /-secret "short-secret".*32/ },
  { flags: ['-cid', 'a', '-secret', 'open-secret'], names: /-secret "open-secret".*chmod 600 open-secret/ },
  { flags: ['-cid', 'a', '-secret-mode', '644'], names: /-secret-mode "644"/ },
  { flags: ['-cid', 'a', '-data', ''], names: /-data/ },
  { flags: ['-cid', 'a', '-min-peers', '0'], names: /-min-peers "0"/ },
  { flags: ['-cid', 'a', '-protocolid', 'rpc'], names: /-protocolid "rpc"/ },
  { flags: ['-cid', 'a', '-rendezvous', ''], names: /-rendezvous/ },
  { flags: ['-cid', 'a', '-join-timeout', '1.5'], names: /-join-timeout "1.5"/ },
  { flags: ['-cid', 'a', '-value-max', '16777217'], names: /-value-max "16777217"/ },
  { flags: ['-cid', 'a', '-replace-after', 'never'], names: /-replace-after "never"/ },
  { flags: ['-cid', 'a', '-changes-from', 'loopback'], names: /unknown flag "-changes-from"/ },
  { flags: ['-cid', 'a', '-log-level', 'loud'], names: /-log-level "loud"/ },
  { flags: ['-cid', 'a'], environment: { REPLICATOR_MIN_PEERS: 'three' }, names: /REPLICATOR_MIN_PEERS/ },
  { flags: ['-cid', 'a'], environment: { REPLICATOR_PEER: 'one,two' }, names: /REPLICATOR_PEER/ },
  { flags: ['remove'], names: /needs PEER/ },
  { flags: ['members', '-url', 'here'], names: /-url "here"/ },
  { flags: ['-help=yes'], names: /-help/ },
]

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'replicator-command-'))
  await writeFile(join(directory, 'short-secret'), 'x'.repeat(31), { mode: 0o600 })
  await writeFile(join(directory, 'open-secret'), 'x'.repeat(40), { mode: 0o644 })
})
after(() => rm(directory, { recursive: true, force: true }))

it('every mistake on the command line is told in one line with exit code 2, and nothing is created', async () => {
  await inTurn(MISTAKES, WIDTH, async ({ flags, environment, names }) => {
    const { code, stdout, stderr } = await runToEnd(directory, flags, environment)
    const told = `${flags.join(' ')}: ${code} ${stdout}${stderr}`
    assert.equal(code, 2, told)
    assert.equal(stdout, '', told)
    assert.match(stderr, /^[^\n]+\n$/, told)
    assert.match(stderr, names, told)
    assert.doesNotMatch(stderr, /\bat .*:\d+:\d+|Error:/, told)
  })
  assert.deepEqual((await readdir(directory)).toSorted(), FILES)
})

it('help, version and a new secret come on standard output with exit code 0', async () => {
  const help = await runToEnd(directory, ['-help'])
  const version = await runToEnd(directory, ['--version'])
  const secret = await runToEnd(directory, ['secret'])
  for (const { code, stderr } of [help, version, secret]) assert.deepEqual([code, stderr], [0, ''])
  for (const flag of ['cid', 'http', 'listen', 'announce', 'peer', 'bootstrap', 'network', 'secret', 'data', 'min-peers', 'protocolid']) {
    assert.match(help.stdout, new RegExp(`-${flag}\\b`))
  }
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  assert.ok(secret.stdout.trim().length >= 32)
  assert.deepEqual((await readdir(directory)).toSorted(), FILES)
})

it('a new secret goes into a file that its owner alone can read, and never over another', async () => {
  const made = await runToEnd(directory, ['secret', '-out', 'new-secret'])
  assert.deepEqual([made.code, made.stdout, made.stderr], [0, '', ''])
  const path = join(directory, 'new-secret')
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
  const secret = await readFile(path, 'utf8')
  assert.match(secret, /^[A-Za-z0-9_-]{64}\n$/)
  const again = await runToEnd(directory, ['secret', '-out', 'new-secret'])
  assert.deepEqual([again.code, again.stdout], [1, ''])
  assert.match(again.stderr, /^replicator: cannot write new-secret: it is there already[^\n]*\n$/)
  assert.equal(await readFile(path, 'utf8'), secret)
  const nowhere = await runToEnd(directory, ['secret', '-out', 'nowhere/secret'])
  assert.deepEqual([nowhere.code, nowhere.stdout], [1, ''])
  assert.match(nowhere.stderr, /^replicator: cannot write nowhere\/secret: [^\n]*\n$/)
})
