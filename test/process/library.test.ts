/**
 * `@replicator/peer/log`, by what the package exports as it is packed: the example of its page as
 * it stands, and the cells of that example held to the suite that is exported for such stores.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { ROOT } from '../../scripts/run.ts'
import { cleanEnvironment, freePort } from './network.ts'
import { unpack } from './packed.ts'

const run = promisify(execFile)
const EXAMPLE = /<!-- example -->\n```js\n([^]*?)```/
const PORT = /\b400[123]\b/g
const END_MS = 180_000

/** A machine that says texts as JSON, as the suite asks of every store. */
const CONTRACT = `
import { mkdtempSync, rmSync } from 'node:fs'
import { NotAQuery, Rejected, storeUpon } from '@replicator/peer/log'
import { storeContract } from '@replicator/peer/log/contract'

const text = async (view, key) => (await view.get(key)) === undefined ? undefined : Buffer.from(await view.get(key)).toString()
const put = (state, key, value) => state.put(key, Buffer.from(value))
const operations = {
  set: async (state, values) => void Object.entries(values).forEach(([key, value]) => put(state, key, value)),
  add: async (state, [key, by]) => {
    const sum = Number((await text(state, key)) ?? '0') + by
    put(state, key, String(sum))
    return sum
  },
  replace: async (state, [key, expected, value]) => {
    if ((await text(state, key)) !== expected) throw new Rejected('constraint', 'differs')
    put(state, key, value)
  },
  halfway: async (state) => {
    put(state, 'half', '1')
    throw new Rejected('type', 'half-way')
  },
}
const machine = {
  apply: (command, state) => {
    let name, argument
    try {
      ;[name, argument] = JSON.parse(Buffer.from(command).toString())
    } catch {
      throw new Rejected('syntax', 'no-json')
    }
    if (!Object.hasOwn(operations, name)) throw new Rejected('syntax', 'unknown')
    return operations[name](state, argument)
  },
  query: async (query, view) => {
    const asked = Buffer.from(query).toString()
    if (!asked.startsWith('get ')) throw new NotAQuery('get KEY …')
    const found = []
    for (const key of asked.slice(4).split(' ')) found.push([key, (await text(view, key)) ?? null])
    return Object.fromEntries(found)
  },
}
const speech = {
  set: (values) => JSON.stringify(['set', values]),
  wasSet: () => 'null',
  add: (key, by) => JSON.stringify(['add', [key, by]]),
  wasAdded: (_, sum) => String(sum),
  replace: (key, expected, value) => JSON.stringify(['replace', [key, expected, value]]),
  halfway: '["halfway"]',
  isUndone: true,
  nonsense: ['no json', '["nothing"]'],
  noQueries: ['set a', '["set",{"a":"9"}]'],
  query: 'get a',
  read: async (store, keys) => JSON.parse(Buffer.from((await store.query(Buffer.from('get ' + keys.join(' ')), 0)).result).toString()),
}
storeContract('in LevelDB', speech, async () => {
  const path = mkdtempSync('level-')
  let cells
  const store = storeUpon('texts', machine, async () => (cells = await levelCells(path)))
  return {
    open: (claim) => store.open(claim),
    hinder: async () => {
      const { write } = cells
      cells.write = async () => {
        throw new Error('no room')
      }
      return async () => void (cells.write = write)
    },
    spoil: async () => {
      const others = await levelCells(path)
      await others.write(new Map([['x', Buffer.from('1')]]))
      await others.close()
    },
    remove: async () => rmSync(path, { recursive: true, force: true }),
  }
})
`

suite('a log within a program', () => {
  let directory = ''
  let example = ''

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'replicator-library-'))
    await mkdir(join(directory, 'packed'))
    await mkdir(join(directory, 'node_modules'))
    await unpack(join(directory, 'packed'), join(directory, 'node_modules', '@replicator', 'peer'))
    await symlink(join(ROOT, 'node_modules', 'classic-level'), join(directory, 'node_modules', 'classic-level'))
    example = EXAMPLE.exec(readFileSync(join(ROOT, 'src/library/README.md'), 'utf8'))?.[1] ?? ''
  })
  after(async () => rm(directory, { recursive: true, force: true }))

  /** @returns what it printed */
  async function program(text: string, ...flags: readonly string[]): Promise<string> {
    const path = join(directory, 'program.mjs')
    await writeFile(path, text)
    const env = { ...cleanEnvironment(), HOME: directory, NODE_TEST_CONTEXT: undefined }
    const { stdout } = await run(process.execPath, [...flags, path], { cwd: directory, timeout: END_MS, env }).catch((error: unknown) => {
      const { stdout: said, stderr } = error as { readonly stdout: string; readonly stderr: string }
      throw new Error(`${said}\n${stderr}`, { cause: error })
    })
    return stdout
  }

  test('the example of its page runs: commands and queries at three members, each upon a LevelDB of its own', async () => {
    assert.ok(example.includes('openLog'), 'the page has no example')
    const ports = [await freePort(), await freePort(), await freePort()]
    const printed = await program(example.replaceAll(PORT, (port) => String(ports[Number(port) - 4001])))
    assert.equal(printed, '{"ada":10}\n{"ben":3}\n7\nrejected too-few\n3 members\n')
  })

  test('its cells are held to the suite that is exported for stores', async () => {
    const cells = example.slice(example.indexOf('async function levelCells'), example.indexOf('// What commands and queries mean'))
    const text = `import { ClassicLevel } from 'classic-level'\n${cells}\n${CONTRACT}`
    const printed = await program(text, '--test', '--test-reporter=tap', '--test-isolation=none')
    assert.match(printed, /^# fail 0$/m)
    assert.match(printed, /^# pass (1[5-9]|[2-9][0-9])$/m)
  })
})
