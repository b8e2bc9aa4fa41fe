/**
 * The boundaries of the house: who may import whom, and that the bans on what the core must not
 * touch do fire.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'

const ROOT = join(import.meta.dirname, '../..')
const ADAPTERS = ['http', 'network', 'discovery', 'storage', 'stores', 'orderers', 'telemetry']
/**
 * The places of protocols/, each above those that it may import. A folder that is not named here
 * holds a type of data, and lies above them all. A file that is not named here joins all:
 * `peer.ts`, `upkeep.ts`.
 */
const LAYERS = [
  ['base'],
  ['wire'],
  ['effects.ts', 'events.ts', 'outbox.ts', 'service.ts'],
  ['membership'],
  ['agreement'],
  ['config'],
  ['repair'],
  ['data-type.ts'],
]
const LAYER_OF_TYPES = LAYERS.length
/** What a facade knows nothing of: it speaks to a port, and to clients through what HTTP has. */
const UNKNOWN_TO_FACADES = [...ADAPTERS.filter((folder) => folder !== 'http'), 'logs', 'runtime', 'peer']
/** What the console may import: a browser is served these folders and packages, and no others. */
const CONSOLE_FOLDERS = ['console', 'client']
const CONSOLE_PACKAGES = ['lit-html', 'uplot']
/** Folders with one file a type, and the files in them that every type may import. */
const FILES_OF_TYPES = [
  { folder: 'src/storage/tables/', shared: ['table.ts'] },
  { folder: 'src/http/routes/', shared: [] },
] as const
/** `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`. */
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"`])([^'"`\n]+)\1/g
const COMMENT = /\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm

interface Import {
  /** Path from the root. */
  readonly from: string
  /** Path from the root when relative, else as it is written. */
  readonly to: string
  readonly isRelative: boolean
}

/** Every import in a text that lies at the path. */
function importsOf(path: string, text: string): Import[] {
  return [...text.replaceAll(COMMENT, '').matchAll(SPECIFIER)].map(([, , specifier = '']) => {
    const isRelative = specifier.startsWith('.')
    return { from: path, to: isRelative ? relative(ROOT, join(ROOT, dirname(path), specifier)) : specifier, isRelative }
  })
}

function importsBelow(folder: string): Import[] {
  return globSync(`${folder}/**/*.ts`, { cwd: ROOT }).flatMap((path) => importsOf(path, readFileSync(join(ROOT, path), 'utf8')))
}

/** What is wrong with an import by the rules of the house; undefined when nothing is. */
function violation({ from, to, isRelative }: Import): string | undefined {
  const [place = '', folder = ''] = from.split('/')
  const [targetPlace = '', targetFolder = ''] = to.split('/')
  const told = `${from} imports ${to}`
  if (place === 'protocols' && (!isRelative || targetPlace !== 'protocols')) return `${told}: protocols/ imports only itself`
  if (place === 'src' && folder === 'client' && (!isRelative || targetFolder !== 'client')) return `${told}: client/ imports only itself`
  if (place === 'src' && folder === 'console' && !(isRelative ? CONSOLE_FOLDERS.includes(targetFolder) : CONSOLE_PACKAGES.includes(to)))
    return `${told}: console/ imports itself, client/ and its two packages`
  if (!isRelative) return undefined
  if (place === 'protocols' && layerOf(to) > layerOf(from)) return `${told}: an arrow that runs back up`
  if (!to.endsWith('.ts')) return `${told}: relative imports end in .ts`
  const type = typeOf(from)
  const typeImported = typeOf(to)
  if (type !== undefined && typeImported !== undefined && type !== typeImported) return `${told}: a type never imports a sibling`
  if (place === 'src' && targetPlace !== 'src' && targetPlace !== 'protocols')
    return `${told}: src/ imports itself, protocols/ and packages`
  if (place === 'src' && folder === 'facades' && UNKNOWN_TO_FACADES.includes(targetFolder))
    return `${told}: facades know no orderer and no store`
  if (place === 'src' && ADAPTERS.includes(folder) && targetFolder === 'facades')
    return `${told}: nobody but the composition knows a facade`
  const isBetweenAdapters = ADAPTERS.includes(folder) && ADAPTERS.includes(targetFolder) && folder !== targetFolder
  if (place === 'src' && targetPlace === 'src' && isBetweenAdapters) return `${told}: adapters do not import one another`
  return undefined
}

/** How high a file of protocols/ lies. */
function layerOf(path: string): number {
  const [, name = '', ...below] = path.split('/')
  const layer = LAYERS.findIndex((names) => names.includes(name))
  if (layer >= 0) return layer
  return below.length > 0 ? LAYER_OF_TYPES : LAYER_OF_TYPES + 1
}

/**
 * The part of a type that a file belongs to, named by its path: a folder of protocols/, else a
 * file, or a folder, of those that hold one a type. Undefined for what belongs to no type.
 */
function typeOf(path: string): string | undefined {
  const [place = '', name = ''] = path.split('/')
  if (place === 'protocols') return layerOf(path) === LAYER_OF_TYPES ? `${place}/${name}` : undefined
  const of = FILES_OF_TYPES.find(({ folder }) => path.startsWith(folder))
  if (of === undefined) return undefined
  const [file = ''] = path.slice(of.folder.length).split('/')
  return of.shared.some((shared) => shared === file) ? undefined : `${of.folder}${file.replace(/\.ts$/, '')}`
}

suite('who may import whom', () => {
  test('every import in protocols/ and src/ keeps to the boundaries', () => {
    const imports = [...importsBelow('protocols'), ...importsBelow('src')]
    assert(imports.length > 20, 'the imports are not found')
    assert.deepEqual(
      imports.map(violation).filter((told) => told !== undefined),
      [],
    )
  })

  test('the peers of the network and the simulator run the same core: nothing outside protocols/ is imported by it, not even a type', () => {
    assert.match(violation({ from: 'protocols/a/b.ts', to: 'src/ports/clock.ts', isRelative: true }) ?? '', /only itself/)
    assert.match(violation({ from: 'protocols/a/b.ts', to: 'node:fs', isRelative: false }) ?? '', /only itself/)
  })

  test('a place of protocols/ that imports one above it is found', () => {
    const told = (from: string, to: string): string => violation({ from, to, isRelative: true }) ?? ''
    assert.match(told('protocols/base/a.ts', 'protocols/wire/b.ts'), /runs back up/)
    assert.match(told('protocols/base/a.ts', 'protocols/effects.ts'), /runs back up/)
    assert.match(told('protocols/agreement/a.ts', 'protocols/keys/b.ts'), /runs back up/)
    assert.match(told('protocols/keys/a.ts', 'protocols/peer.ts'), /runs back up/)
    assert.match(told('protocols/repair/a.ts', 'protocols/registers/b.ts'), /runs back up/)
    assert.equal(told('protocols/keys/a.ts', 'protocols/agreement/b.ts'), '')
    assert.equal(told('protocols/peer.ts', 'protocols/keys/b.ts'), '')
  })

  test('a type never imports a sibling', () => {
    const told = (from: string, text: string): string | undefined => importsOf(from, text).map(violation)[0]
    assert.match(told('protocols/registers/a.ts', `import { b } from '../keys/b.ts'`) ?? '', /a sibling/)
    assert.match(told('protocols/keys/deep/a.ts', `import type { B } from '../../sets/b.ts'`) ?? '', /a sibling/)
    assert.match(told('src/storage/tables/sets.ts', `export * from './registers.ts'`) ?? '', /a sibling/)
    assert.match(told('src/http/routes/sets.ts', `import { b } from './keys.ts'`) ?? '', /a sibling/)
    assert.match(told('src/http/routes/log/a.ts', `import { b } from '../keys.ts'`) ?? '', /a sibling/)
    assert.equal(told('protocols/registers/a.ts', `import { b } from './b.ts'`), undefined)
    assert.equal(told('protocols/registers/a.ts', `import { b } from '../agreement/b.ts'`), undefined)
    assert.equal(told('protocols/services.ts', `import { b } from './keys/b.ts'`), undefined)
    assert.equal(told('src/storage/tables/sets.ts', `import type { Table } from './table.ts'`), undefined)
    assert.equal(told('src/http/routes/log.ts', `import { b } from './log/b.ts'`), undefined)
    assert.equal(told('src/http/routes.ts', `import { b } from './routes/keys.ts'`), undefined)
  })

  test('an adapter that imports another is found, at any depth', () => {
    const told = importsOf('src/http/deep/a.ts', `import type { A } from '../../storage/a.ts'`).map(violation)
    assert.match(told.join(''), /adapters do not import one another/)
    assert.match(importsOf('src/storage/a.ts', `export * from '../network/b.ts'`).map(violation).join(''), /adapters/)
    assert.deepEqual(importsOf('src/storage/a.ts', `import { b } from './network/b.ts'`).map(violation), [undefined])
  })

  test('a facade that knows a store is found, and an adapter that knows a facade', () => {
    const told = (from: string, to: string): string => importsOf(from, `import { a } from '${to}'`).map(violation).join('')
    assert.match(told('src/facades/nexus/a.ts', '../../stores/b.ts'), /no orderer and no store/)
    assert.match(told('src/facades/hraftd/a.ts', '../../logs/b.ts'), /no orderer and no store/)
    assert.match(told('src/http/a.ts', '../facades/nexus/b.ts'), /the composition/)
    assert.equal(told('src/facades/nexus/a.ts', '../../http/b.ts'), '')
    assert.equal(told('src/facades/nexus/a.ts', '../../ports/b.ts'), '')
  })

  test('the client library imports nothing but itself, so that it runs in a browser', () => {
    const told = ['../ports/clock.ts', 'node:fs', './paths.ts'].flatMap((path) =>
      importsOf('src/client/a.ts', `import type { A } from '${path}'`).map(violation),
    )
    assert.match(told[0] ?? '', /client/)
    assert.match(told[1] ?? '', /client/)
    assert.equal(told[2], undefined)
  })

  test('the console speaks through the client library alone, so that a browser can run it', () => {
    const told = ['../ports/clock.ts', 'node:fs', 'pino', './words.ts', '../client/client.ts', 'lit-html'].map(
      (path) => importsOf('src/console/a.ts', `import type { A } from '${path}'`).map(violation)[0],
    )
    for (const index of [0, 1, 2]) assert.match(told[index] ?? '', /console/)
    assert.deepEqual(told.slice(3), [undefined, undefined, undefined])
  })

  test('imports are found however they are written', () => {
    const text = `import { a } from './a.ts'\nimport type {\n  B\n} from "./b.ts"\nexport * from './c.ts'\nimport './d.ts'\nawait import('./e.ts')
      // import './not-this.ts'\n/* import './nor-this.ts' */`
    assert.deepEqual(
      importsOf('src/x.ts', text).map((found) => found.to),
      ['src/a.ts', 'src/b.ts', 'src/c.ts', 'src/d.ts', 'src/e.ts'],
    )
  })
})

suite('what lint forbids', () => {
  const bans = [
    ['protocols/a.ts', 'export const a: number = Date.now()', 'no-restricted-globals'],
    ['protocols/a.ts', 'export const a: number = performance.now()', 'no-restricted-globals'],
    ['protocols/a.ts', 'export function a(): void { setTimeout(() => {}, 1) }', 'no-restricted-globals'],
    ['protocols/a.ts', 'export const a: unknown = process', 'no-restricted-globals'],
    ['protocols/a.ts', 'export const a: unknown = console', 'no-restricted-globals'],
    ['protocols/a.ts', 'export const a: unknown = globalThis', 'no-restricted-globals'],
    ['protocols/a.ts', 'export const a: number = Math.random()', 'no-restricted-properties'],
    ['protocols/a.ts', 'export const { random }: Math = Math', 'no-restricted-properties'],
    ['protocols/a/b.ts', `export { sep } from 'node:path'`, 'no-restricted-imports'],
    ['protocols/a/b.ts', `export { sep } from 'path'`, 'no-restricted-imports'],
    ['protocols/a/b.ts', `export { pino } from 'pino'`, 'no-restricted-imports'],
    ['protocols/a/b.ts', `export { a } from '../../src/a.ts'`, 'no-restricted-imports'],
    ['protocols/a/b.ts', `export const a: unknown = import('node:fs')`, 'no-restricted-imports'],
    ['src/http/a.ts', `export { a } from '../storage/a.ts'`, 'no-restricted-imports'],
    ['src/network/a.ts', `export { a } from '../http/a.ts'`, 'no-restricted-imports'],
    ['src/discovery/a.ts', `export { a } from '../network/a.ts'`, 'no-restricted-imports'],
    ['src/storage/b/a.ts', `export { a } from '../../telemetry/a.ts'`, 'no-restricted-imports'],
    ['src/telemetry/a.ts', `export { a } from '../discovery/a.ts'`, 'no-restricted-imports'],
    ['src/stores/a.ts', `export { a } from '../storage/a.ts'`, 'no-restricted-imports'],
    ['src/orderers/kafka/a.ts', `export { a } from '../../stores/a.ts'`, 'no-restricted-imports'],
    ['src/a.ts', 'export default 1', 'no-default-export'],
    ['src/a.ts', `export function a(): void { console.log('a') }`, 'no-console'],
    ['src/a.ts', 'export function a(): void { Promise.resolve(1) }', 'no-floating-promises'],
  ] as const
  const allowed = [
    ['scripts/a.ts', `console.log('a')`],
    ['src/runtime/a.ts', `export { a } from '../storage/a.ts'`],
    ['src/http/a.ts', `export { sep } from 'node:path'`],
    ['protocols/a/b.ts', `export { a } from '../a.ts'`],
  ] as const

  test('each ban fires where it stands, and only there', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'replicator-house-'))
    context.after(() => rmSync(directory, { recursive: true, force: true }))
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'node_modules']) symlinkSync(join(ROOT, name), join(directory, name))
    const expected = [...bans, ...allowed.map(([path, text]) => [path, text, ''] as const)].map(([path, text, rule], index) => {
      const planted = path.replace(/[^/]+$/, `planted-${index}.ts`)
      mkdirSync(dirname(join(directory, planted)), { recursive: true })
      writeFileSync(join(directory, planted), `${text}\n`)
      return [planted, rule] as const
    })
    const found = await lint(directory)
    for (const [path, rule] of expected) {
      const rules = found.filter((line) => line.startsWith(`${path}:`)).join('\n')
      if (rule === '') assert.equal(rules, '')
      else assert(rules.includes(`(${rule})`), `${path} is not caught by ${rule}: ${readFileSync(join(directory, path), 'utf8')}${rules}`)
    }
  })
})

/** What oxlint finds in a folder, one line each. */
async function lint(directory: string): Promise<string[]> {
  const command = promisify(execFile)(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'unix'], { cwd: directory })
  // It exits with 1 when it finds something, as it does here.
  const { stdout } = await command.catch((error: { readonly stdout: string }) => error)
  return stdout.split('\n')
}

suite('the folder map', () => {
  const readme = join(ROOT, 'README.md')
  test('every folder that the README names is there', { skip: !existsSync(readme) && 'there is no README yet' }, () => {
    for (const path of foldersIn(readFileSync(readme, 'utf8'))) {
      assert(statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory(), `README.md names ${path}, which is no folder`)
    }
  })

  test('a folder is a path in code quotes that ends in a slash and begins at a known place', () => {
    const text = '`protocols/` and `src/http/`, `/store/`, `dist/`, `test/unit/ trace/`, `a/b`, src/'
    assert.deepEqual(foldersIn(text), ['protocols/', 'src/http/', 'test/unit/'])
  })
})

/** The folders that a text names in code quotes, below the places that belong to us. */
function foldersIn(text: string): string[] {
  return [...text.matchAll(/`((?:protocols|src|test|scripts|docs|\.ci)\/(?:[\w.-]+\/)*)(?=[` ])/g)].map(([, path = '']) => path)
}
