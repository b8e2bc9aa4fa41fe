import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { parseCommandLine } from '../../src/settings/command-line.ts'
import { parseSecrets } from '../../src/settings/secret.ts'
import type { CommandLine } from '../../src/settings/command-line.ts'

const SECRET = 'a secret of exactly 32 bytes ...'
const OTHER = 'another one of more than 32 bytes, later'
let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'replicator-secret-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

function parseWithFile(content: string | Uint8Array): CommandLine {
  const path = join(directory, 'secret')
  writeFileSync(path, content, { mode: 0o600 })
  return parseCommandLine(['-cid', 'a', '-secret', path], {})
}

/** The secrets read, as text; undefined for none. */
function secretsOf(content: string | Uint8Array): (string | undefined)[] {
  const parsed = parseWithFile(content)
  assert(parsed.kind === 'run' && parsed.config.secret !== undefined)
  return parseSecrets(parsed.config.secret.bytes).map((secret) => secret && Buffer.from(secret).toString())
}

/** The only one of them. */
function secretOf(content: string | Uint8Array): string | undefined {
  const [secret, ...others] = secretsOf(content)
  assert.equal(others.length, 0)
  return secret
}

function messageOf(parsed: CommandLine): string {
  assert(parsed.kind === 'usage-error')
  assert.doesNotMatch(parsed.message, /\n/)
  return parsed.message
}

test('a secret is the bytes of its file', () => {
  assert.equal(secretOf(SECRET), SECRET)
  assert.equal(secretOf('x'.repeat(65_536)), 'x'.repeat(65_536))
})

test('line ends and empty lines are part of no secret', () => {
  assert.equal(secretOf(`${SECRET}\n`), SECRET)
  assert.equal(secretOf(`${SECRET}\r\n\n`), SECRET)
  assert.deepEqual(secretsOf(`\n${SECRET} \r\n\n${OTHER}\n\n`), [`${SECRET} `, OTHER])
})

test('a file of text holds a secret a line, in their order, and the line none stands for no secret', () => {
  assert.deepEqual(secretsOf(`${OTHER}\n${SECRET}\n`), [OTHER, SECRET])
  assert.deepEqual(secretsOf(`none\n${SECRET}`), [undefined, SECRET])
  assert.deepEqual(secretsOf('none\n'), [undefined])
})

test('a file that is not ASCII text is one secret, whatever bytes it has', () => {
  const bytes = Buffer.concat([Buffer.from(`${SECRET}\nnone\n`), Buffer.of(0xff), Buffer.from('\n')])
  const parsed = parseWithFile(bytes)
  assert(parsed.kind === 'run' && parsed.config.secret !== undefined)
  assert.deepEqual(parseSecrets(parsed.config.secret.bytes), [new Uint8Array(bytes.subarray(0, -1))])
  assert.equal(secretOf(`${SECRET}\nпароль`), `${SECRET}\nпароль`)
})

test('each line is long enough, and there are not too many', () => {
  const message = messageOf(parseWithFile(`${SECRET}\n\nshort\n`))
  assert.match(message, /line 3 of the file holds 5 bytes.*at least 32/)
  assert(!message.includes('short'))
  assert.match(messageOf(parseWithFile(`${SECRET}\n`.repeat(17))), /17 secrets, and a peer takes 16/)
})

test('what the secret command prints can be read back', () => {
  const drawn = parseCommandLine(['secret'], {})
  assert(drawn.kind === 'secret')
  assert.equal(secretOf(`${drawn.text}\n`), drawn.text)
})

test('a secret of fewer than 32 bytes is refused without being shown', () => {
  const message = messageOf(parseWithFile(`${SECRET.slice(1)}\n`))
  assert.match(message, /^-secret .*holds 31 bytes.*at least 32.*replicator secret/)
  assert(!message.includes(SECRET.slice(1)))
  assert.match(messageOf(parseWithFile('')), /holds 0 bytes/)
})

test('a file that is too long for a secret is refused', () => {
  assert.match(messageOf(parseWithFile('x'.repeat(65_537))), /more than 65536 bytes/)
})

test('a file that is not there, or is a directory, is refused', () => {
  assert.match(messageOf(parseCommandLine(['-cid', 'a', '-secret', join(directory, 'nope')], {})), /cannot be read \(ENOENT\)/)
  assert.match(messageOf(parseCommandLine(['-cid', 'a', '-secret', directory], {})), /cannot be read \(EISDIR\)/)
  assert.match(messageOf(parseCommandLine(['-cid', 'a', '-secret', ''], {})), /cannot be read \(ENOENT\)/)
})

test('the variable names a file too', () => {
  const path = join(directory, 'secret')
  writeFileSync(path, SECRET, { mode: 0o600 })
  const parsed = parseCommandLine([], { REPLICATOR_CID: 'a', REPLICATOR_SECRET: path })
  assert(parsed.kind === 'run')
  assert.deepEqual(parsed.config.secret, { path, bytes: new Uint8Array(Buffer.from(SECRET)) })
})

const MODELESS = process.platform === 'win32' && 'files have no modes here'

test('a secret that the group or others can read or write is refused with how to mend it', { skip: MODELESS }, () => {
  for (const mode of [0o644, 0o640, 0o604, 0o660, 0o620, 0o602]) {
    const path = join(directory, `secret-${mode.toString(8)}`)
    writeFileSync(path, SECRET)
    chmodSync(path, mode)
    const message = messageOf(parseCommandLine(['-cid', 'a', '-secret', path], {}))
    assert(message.includes(`(mode ${mode.toString(8)}); run "chmod 600 ${path}", or give -secret-mode any`), message)
    assert.match(messageOf(parseCommandLine([], { REPLICATOR_CID: 'a', REPLICATOR_SECRET: path })), /^REPLICATOR_SECRET=.*chmod 600/)
    const taken = parseCommandLine(['-cid', 'a', '-secret', path, '-secret-mode', 'any'], {})
    assert(taken.kind === 'run', JSON.stringify(taken))
  }
  for (const mode of [0o600, 0o400, 0o700, 0o711]) {
    const path = join(directory, `secret-${mode.toString(8)}`)
    writeFileSync(path, SECRET)
    chmodSync(path, mode)
    assert.equal(parseCommandLine(['-cid', 'a', '-secret', path], {}).kind, 'run')
  }
})

test('a file that says who may do what may be read by others, and is refused when they can write it', { skip: MODELESS }, () => {
  for (const flag of ['-tokens', '-admit']) {
    const path = join(directory, `own${flag}`)
    writeFileSync(path, '')
    for (const mode of [0o620, 0o602, 0o664, 0o666]) {
      chmodSync(path, mode)
      const message = messageOf(parseCommandLine(['-cid', 'a', flag, path], {}))
      assert(message.includes(`(mode ${mode.toString(8)}); run "chmod go-w ${path}", or give -secret-mode any`), message)
      assert.equal(parseCommandLine(['-cid', 'a', flag, path, '-secret-mode', 'any'], {}).kind, 'run')
    }
    for (const mode of [0o600, 0o644, 0o444, 0o755]) {
      chmodSync(path, mode)
      assert.equal(parseCommandLine(['-cid', 'a', flag, path], {}).kind, 'run')
    }
  }
})

test('reading the command line creates nothing', () => {
  const empty = mkdtempSync(join(directory, 'empty-'))
  assert.equal(parseCommandLine(['-cid', 'a', '-data', join(empty, 'data')], {}).kind, 'run')
  assert.deepEqual(readdirSync(empty), [])
})
