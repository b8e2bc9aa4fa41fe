/** The audit: what is written, what is only counted, and the file. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'
import { AuditLines } from '../../src/security/audit.ts'
import { openAuditFile } from '../../src/security/audit-file.ts'

function folder(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'replicator-audit-'))
  context.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const FROM = { address: '/ip4/192.0.2.1/tcp/4001', provedBy: null } as const

suite('refusals', () => {
  test('above ten a second of one source are counted and not written, and others are written meanwhile', () => {
    const lines: object[] = []
    const audit = new AuditLines((line) => lines.push(line), false)
    const refused = (peerId: string): void =>
      audit.recordRefusal(peerId, { event: 'peer-refused', peerId, reason: 'other secret', ...FROM })
    for (let count = 0; count < 1000; count += 1) refused('a')
    refused('b')
    assert.equal(lines.length, 11)
    audit.record({ event: 'peer-admitted', peerId: 'c', clusterId: 'cluster-1', ...FROM })
    audit.close()
    assert.deepEqual(lines.slice(10), [
      { event: 'peer-refused', peerId: 'b', reason: 'other secret', ...FROM },
      { event: 'peer-admitted', peerId: 'c', clusterId: 'cluster-1', ...FROM },
      { event: 'refusals-not-written', source: 'a', count: 990 },
    ])
  })

  test('of ever new sources are bounded together', () => {
    const lines: object[] = []
    const audit = new AuditLines((line) => lines.push(line), false)
    for (let count = 0; count < 3000; count += 1)
      audit.recordRefusal(`10.0.${count >> 8}.${count & 255}`, { event: 'peer-refused', peerId: 'p', reason: 'r', ...FROM })
    audit.close()
    assert.equal(lines.length, 1024 + 10 + 1)
    assert.deepEqual(lines.at(-1), { event: 'refusals-not-written', source: 'others', count: 3000 - 1024 - 10 })
  })
})

suite('the file of the audit', () => {
  test('has a line for each event with its time, is its owner’s alone, and is opened anew', (context) => {
    const path = join(folder(context), 'audit.jsonl')
    writeFileSync(path, '{"before":true}\n')
    chmodSync(path, 0o644)
    const file = openAuditFile(path, () => 0, assert.fail)
    file.write({ event: 'one' })
    assert.equal(readFileSync(path, 'utf8'), '{"before":true}\n{"time":"1970-01-01T00:00:00.000Z","event":"one"}\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
    renameSync(path, `${path}.1`)
    file.write({ event: 'two' })
    assert.ok(!existsSync(path))
    file.reopen()
    file.write({ event: 'three' })
    assert.match(readFileSync(`${path}.1`, 'utf8'), /two/)
    assert.match(readFileSync(path, 'utf8'), /^\{[^\n]*three[^\n]*\}\n$/)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    file.close()
  })

  test('that cannot be written is told of at once', (context) => {
    const path = folder(context)
    assert.throws(() => openAuditFile(path, () => 0, assert.fail), /EISDIR/)
    assert.throws(() => openAuditFile(join(path, 'nowhere', 'audit'), () => 0, assert.fail), /ENOENT/)
  })
})
