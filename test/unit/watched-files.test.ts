/** Files that are read again while the peer runs. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pino from 'pino'
import { Reloads } from '../../src/reloads.ts'
import { WatchedFiles } from '../../src/security/watched-files.ts'
import { until } from '../process/network.ts'

/** A test that waits for a watch sees to it that the looks at intervals cannot help. */
const NO_LOOKS_MS = 3_600_000

let directory = ''
let lastName = 0

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'replicator-watched-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

interface Watched extends Disposable {
  readonly files: WatchedFiles<string>
  readonly paths: readonly string[]
  /** All that was put in force after the first. */
  readonly changes: string[]
  /** All that was said, in turn. */
  readonly warnings: (string | undefined)[]
  readonly log: string[]
}

/** Watches files of these texts, in a folder of their own. A text with "bad" in it is bad. */
async function watched(texts: readonly string[], options: { readonly lookMs?: number; readonly folder?: string } = {}): Promise<Watched> {
  const folder = options.folder ?? join(directory, `${(lastName += 1)}`)
  mkdirSync(folder, { recursive: true })
  const paths = texts.map((text, index) => {
    const path = join(folder, `file-${index}`)
    if (options.folder === undefined) writeFileSync(path, text)
    return path
  })
  const [changes, warnings, log]: [string[], (string | undefined)[], string[]] = [[], [], []]
  const files = await WatchedFiles.open({
    name: 'the test file',
    paths,
    parse(contents) {
      const text = contents.map((bytes) => Buffer.from(bytes).toString()).join('+')
      if (text.includes('bad')) throw new Error('there is "bad" in it')
      return text
    },
    changed: (value) => void changes.push(value),
    warn: (warning) => void warnings.push(warning),
    logger: pino({}, { write: (line: string) => void log.push(line) }),
    lookMs: options.lookMs ?? NO_LOOKS_MS,
  })
  return { files, paths, changes, warnings, log, [Symbol.dispose]: () => files.close() }
}

test('a file that is written again is in force without a word from anybody', async () => {
  using it = await watched(['old'])
  const { fingerprint } = it.files
  writeFileSync(it.paths[0] ?? '', 'new')
  await until('it is in force', () => it.files.value === 'new')
  assert.deepEqual(it.changes, ['new'])
  assert.notEqual(it.files.fingerprint, fingerprint)
  assert.match(it.files.fingerprint, /^[0-9a-f]{16}$/)
})

test('a file that another is put in the place of is watched still, each time', async () => {
  using it = await watched(['0'])
  const [path = ''] = it.paths
  for (const text of ['1', '2', '3']) {
    writeFileSync(`${path}.draft`, text)
    renameSync(`${path}.draft`, path)
    await until(`${text} is in force`, () => it.files.value === text)
  }
})

test('a folder that is switched by a link, as secret stores do it, is noticed', async () => {
  const folder = join(directory, 'linked')
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, `version-${version}`), { recursive: true })
    writeFileSync(join(folder, `version-${version}`, 'file-0'), version)
  }
  symlinkSync('version-1', join(folder, 'current'))
  symlinkSync(join('current', 'file-0'), join(folder, 'file-0'))
  using it = await watched([''], { folder })
  assert.equal(it.files.value, '1')
  symlinkSync('version-2', join(folder, 'next'))
  renameSync(join(folder, 'next'), join(folder, 'current'))
  await until('it is in force', () => it.files.value === '2')
})

test('a bad file leaves the last good one in force with one warning, which goes when it is mended', async () => {
  using it = await watched(['good'])
  const [path = ''] = it.paths
  writeFileSync(path, 'bad')
  await it.files.reload()
  await it.files.reload()
  assert.equal(it.files.value, 'good')
  assert.match(it.warnings[0] ?? '', /^the test file \(.*file-0\) is bad, and what it held before stays in force: there is "bad" in it$/)
  assert.equal(it.log.filter((line) => line.includes('is bad')).length, 1)
  writeFileSync(path, 'better')
  await it.files.reload()
  assert.deepEqual([it.files.value, it.warnings.at(-1)], ['better', undefined])
})

test('a file that goes missing is warned of, and the same file put back is good again', async () => {
  using it = await watched(['good'])
  const [path = ''] = it.paths
  unlinkSync(path)
  await until('it is warned of', () => it.warnings.length > 0)
  assert.match(it.warnings[0] ?? '', /ENOENT/)
  writeFileSync(path, 'good')
  await until('it is good again', () => it.warnings.at(-1) === undefined)
  assert.deepEqual([it.files.value, it.changes], ['good', []])
})

test('what cannot be put in force is as bad as what cannot be read', async () => {
  const path = join(directory, 'refused')
  writeFileSync(path, 'good')
  const warnings: (string | undefined)[] = []
  const files = await WatchedFiles.open({
    name: 'the test file',
    paths: [path],
    parse: ([bytes]) => Buffer.from(bytes ?? []).toString(),
    changed() {
      throw new Error('nobody takes it')
    },
    warn: (warning) => void warnings.push(warning),
    logger: pino({ level: 'silent' }),
  })
  writeFileSync(path, 'other')
  await files.reload()
  files.close()
  assert.equal(files.value, 'good')
  assert.match(warnings[0] ?? '', /nobody takes it/)
})

test('files that belong together are read and put in force together', async () => {
  using it = await watched(['certificate-1', 'key-1'])
  for (const [index, text] of ['certificate-2', 'key-2'].entries()) writeFileSync(it.paths[index] ?? '', text)
  await it.files.reload()
  assert.equal(it.files.value, 'certificate-2+key-2')
  assert.deepEqual(it.changes, ['certificate-2+key-2'])
})

test('where no watch tells of a change, a look at intervals finds it', async () => {
  const folder = join(directory, 'out-of-sight')
  mkdirSync(folder)
  writeFileSync(join(folder, 'real'), 'old')
  mkdirSync(join(directory, 'in-sight'))
  symlinkSync(join(folder, 'real'), join(directory, 'in-sight', 'file-0'))
  using it = await watched([''], { folder: join(directory, 'in-sight'), lookMs: 50 })
  writeFileSync(join(folder, 'real'), 'new')
  await until('it is found', () => it.files.value === 'new')
})

test('a pipe is read once: reading it again would wait for ever', { skip: process.platform === 'win32' && 'no named pipes' }, async () => {
  const folder = join(directory, 'piped')
  mkdirSync(folder)
  const path = join(folder, 'file-0')
  execFileSync('mkfifo', [path])
  const opening = watched([''], { folder, lookMs: 20 })
  await writeFile(path, 'secret')
  using it = await opening
  await it.files.reload()
  assert.equal(it.files.value, 'secret')
  assert.deepEqual(it.warnings, [])
})

test('files that are bad at the start have no last good one, and are refused', async () => {
  await assert.rejects(watched(['bad']), /there is "bad" in it/)
})

test('nothing is told of after the end', async () => {
  const it = await watched(['old'])
  writeFileSync(it.paths[0] ?? '', 'new')
  const read = it.files.reload()
  it.files.close()
  await read
  assert.deepEqual([it.changes, it.warnings, it.files.value], [[], [], 'old'])
})

test('a part that is taken off the list of what is read again is not asked any more', async () => {
  const reloads = new Reloads()
  const asked: string[] = []
  const takeOff = reloads.add(async () => void asked.push('first'))
  reloads.add(async () => void asked.push('second'))
  await reloads.all()
  takeOff()
  await reloads.all()
  assert.deepEqual(asked, ['first', 'second', 'second'])
})
