/**
 * Tokens at a running peer: the table of who may do what, a file that changes under it, and the
 * warning of one that is bad.
 */
import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { newToken } from '../../src/security/token-file.ts'
import { expected, fileOf, LINES, OF_JSON, TABLE, tokensFor, WHO } from '../integration/access-table.ts'
import { runToEnd } from './command.ts'
import { Network, until } from './network.ts'
import type { PeerProcess } from './network.ts'
import type { Asking, Reply } from './client.ts'

let network: Network
let peer: PeerProcess
let tokensPath: string
const tokens = tokensFor(LINES)

before(async () => {
  network = await Network.create()
  tokensPath = join(network.directory, 'tokens.jsonl')
  writeFileSync(tokensPath, fileOf(LINES, tokens))
  peer = await network.add({ flags: ['-min-peers', '1', '-tokens', tokensPath, '-http-host', 'peer.example', '-log', 'l=kv:'] })
  await peer.start()
  await peer.ready()
})

after(() => network.close())

function as(token: string | undefined, method: string, target: string, asking: Asking = {}): Promise<Reply> {
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  return peer.client.ask(method, target, { ...asking, headers: { ...authorization, ...asking.headers } })
}

async function statusOf(token: string | undefined, method = 'GET', target = '/status'): Promise<number> {
  return (await as(token, method, target)).status
}

it('each route does what the table says, for everybody', async () => {
  await as(tokens['all'], 'PUT', '/store/k', { body: 'v' })
  await as(tokens['all'], 'POST', '/sets/s/insert', { body: '[7]', headers: OF_JSON })
  await until('its log is born', async () => (await statusOf(tokens['all'], 'GET', '/logs/l/role')) === 200)
  for (const [row, { needs, target, headers = {}, body }] of Object.entries(TABLE)) {
    // Its answer has no end; `http-tokens.test.ts` tries it.
    if (row === 'GET /sets/{name}/watch') continue
    const [method = '', path = ''] = row.split(' ')
    for (const who of WHO) {
      // One of the rows deletes it.
      await as(tokens['all'], 'PUT', '/kv/k', { body: 'v' })
      const token = who === 'wrong' ? newToken() : who === undefined ? undefined : tokens[who]
      const { status } = await as(token, method, target ?? path, { headers: { ...headers }, ...(body !== undefined && { body }) })
      const wanted = expected(who, needs)
      if (wanted === 0) assert.ok(![401, 403, 404, 500].includes(status), `${row} for ${who}: ${status}`)
      else assert.equal(status, wanted, `${row} for ${who}`)
    }
  }
})

it('a name that was given leads to it, and no other', async () => {
  assert.equal((await as(tokens['all'], 'GET', '/status', { headers: { Host: 'peer.example:80' } })).status, 200)
  assert.equal((await as(tokens['all'], 'GET', '/status', { headers: { Host: 'evil.example' } })).status, 421)
})

it('a token that a command adds counts soon afterwards, without a restart, and is told once', async () => {
  const made = await runToEnd(network.directory, ['token', 'ci', '-scopes', 'read', '-prefix', '/store/ci', '-out', tokensPath])
  const token = made.stdout.trim()
  assert.equal(made.code, 0)
  assert.match(token, /^[\w-]{43}$/)
  assert.ok(!readFileSync(tokensPath, 'utf8').includes(token))
  await until('it counts', async () => (await statusOf(token, 'GET', '/store/ci')) === 404)
  assert.equal(await statusOf(token, 'GET', '/store/other'), 403)
  assert.ok(!peer.log.includes(token))
})

it('a new token file is readable by its owner alone', async () => {
  const fresh = join(network.directory, 'fresh.jsonl')
  assert.equal((await runToEnd(network.directory, ['token', 'a', '-scopes', 'operate', '-out', fresh])).code, 0)
  assert.equal(statSync(fresh).mode & 0o777, 0o600)
})

it('a bad file leaves the last good one in force, with a warning that goes when it is good again', async () => {
  const view = async (): Promise<{ warnings: string[]; tokens: { fingerprint: string } }> =>
    JSON.parse((await as(tokens['all'], 'GET', '/status')).body.toString()) as { warnings: string[]; tokens: { fingerprint: string } }
  const atFirst = await view()
  const good = readFileSync(tokensPath)
  appendFileSync(tokensPath, 'no JSON\n')
  peer.signal('SIGHUP')
  await until('the warning', async () =>
    (await view()).warnings.some((warning) => /token file .*is bad.*line \d+: it is no JSON/.test(warning)),
  )
  assert.equal((await view()).tokens.fingerprint, atFirst.tokens.fingerprint)
  const { reader: _left, ...others } = LINES
  writeFileSync(`${tokensPath}.new`, fileOf(others, tokens))
  renameSync(`${tokensPath}.new`, tokensPath)
  await until('the token that was removed counts no more', async () => (await statusOf(tokens['reader'])) === 401)
  const atLast = await view()
  assert.ok(!atLast.warnings.some((warning) => warning.includes('token file')))
  assert.notEqual(atLast.tokens.fingerprint, atFirst.tokens.fingerprint)
  writeFileSync(tokensPath, good)
  peer.signal('SIGHUP')
  await until('it is as it was', async () => (await view()).tokens.fingerprint === atFirst.tokens.fingerprint)
})

it('HTTP that other machines reach is warned of without tokens', async () => {
  const open = await network.add({ host: '0.0.0.0', flags: ['-min-peers', '1'] })
  await open.start()
  const { warnings } = await open.client.status()
  assert.ok(warnings.some((warning) => /HTTP is open to other machines.*without -tokens/.test(warning)))
  assert.match(open.log, /HTTP is open to other machines/)
  await open.stop()
})

it('a token file that others can write is refused, and read again it counts only once that is mended', async () => {
  const lax = join(network.directory, 'lax.jsonl')
  writeFileSync(lax, fileOf(LINES, tokens))
  chmodSync(lax, 0o666)
  const refused = await runToEnd(network.directory, ['-cid', 'a', '-tokens', lax])
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /-tokens .*lax\.jsonl.*can write the file \(mode 666\); run "chmod go-w /)
  const warned = async (): Promise<boolean> => {
    const { warnings } = JSON.parse((await as(tokens['all'], 'GET', '/status')).body.toString()) as { warnings: string[] }
    return warnings.some((warning) => /token file .*is bad.*chmod go-w/.test(warning))
  }
  chmodSync(tokensPath, 0o666)
  peer.signal('SIGHUP')
  await until('the warning', warned)
  chmodSync(tokensPath, 0o644)
  peer.signal('SIGHUP')
  await until('no warning', async () => !(await warned()))
})

it('peers whose token files differ warn of it, each naming the other, until they agree', async () => {
  const path = join(network.directory, 'other.jsonl')
  writeFileSync(path, fileOf(LINES, tokens))
  assert.notDeepEqual(readFileSync(path), readFileSync(tokensPath), 'the command added a line to the other')
  const other = await network.add({ flags: ['-min-peers', '1', '-peer', peer.address, '-tokens', path] })
  await other.start()
  const differences = async (): Promise<string[]> => {
    const asked = { headers: { Authorization: `Bearer ${tokens['all']}` } }
    const answers = await Promise.all([peer, other].map(({ client }) => client.ask('GET', '/status', asked)))
    const views = answers.map(({ body }) => JSON.parse(body.toString()) as { peerId: string; warnings: string[] })
    const ids = views.map(({ peerId }) => peerId)
    return views.flatMap(({ peerId, warnings }) =>
      warnings.filter((warning) => warning === `the token files of ${peerId} and ${ids.find((id) => id !== peerId)} differ`),
    )
  }
  await until('both warn', async () => (await differences()).length === 2)
  writeFileSync(path, readFileSync(tokensPath))
  await until('neither warns', async () => (await differences()).length === 0)
  await other.stop()
})
