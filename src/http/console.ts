/**
 * The console: a page for people, whose program runs in the browser and asks this peer what any
 * client may ask. Its files are our own, the client library and two packages. A file is read when
 * it is first asked for, so a peer that nobody looks at holds none of them.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname, join } from 'node:path'
import type { Answer } from './answers.ts'
import { UNFRAMED_POLICY } from './answers.ts'

/** A file as it is served. */
export interface ConsoleFile {
  readonly content: Uint8Array
  /** With its quotes. */
  readonly etag: string
  readonly contentType: string
}

/** By the folder that their paths name. */
const FOLDERS = { console: '../console', client: '../client' } as const
/** Of packages these files and no others, by the name in their paths. */
const PACKAGE_FILES: Readonly<Record<string, string>> = {
  'lit-html.js': 'lit-html/lit-html.js',
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}
/** What the page's modules call the packages, and where a browser finds them. */
const SPECIFIERS: ReadonlyMap<string, string> = new Map([
  ['lit-html', '../npm/lit-html.js'],
  ['uplot', '../npm/uplot.js'],
])
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const PAGE = 'console/index.html'
/**
 * Nothing comes from elsewhere, nothing inline is run, and text becomes markup by the one library
 * that makes the templates.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
  UNFRAMED_POLICY,
].join('; ')
/** Entity tags are 128 bits, as those of keys. */
const ETAG_DIGITS = 32
/** `.ts` where the sources are run, and `.js` where they were built. */
const OWN_EXTENSION = extname(import.meta.filename)

const { resolve } = createRequire(import.meta.url)
const files = new Map<string, Promise<ConsoleFile>>()
let paths: Promise<ReadonlyMap<string, string>> | undefined

/** The page itself. */
export async function consolePage(): Promise<ConsoleFile> {
  return (await consoleFile(PAGE)) as ConsoleFile
}

/**
 * @param name folder and file, as `client/client.js`
 * @returns undefined when the console has no such file
 * @throws when a file cannot be read
 */
export async function consoleFile(name: string): Promise<ConsoleFile | undefined> {
  const path = (await allPaths()).get(name)
  if (path === undefined) return undefined
  const read = files.get(name) ?? readConsoleFile(name, path)
  files.set(name, read)
  read.catch(() => files.delete(name))
  return read
}

/** An answer that a browser may keep, and asks about each time it uses it. */
export function answerOf({ content, etag, contentType }: ConsoleFile, ifNoneMatch: string | undefined): Answer {
  const headers = ['ETag', etag, 'Cache-Control', 'no-cache', 'Content-Security-Policy', POLICY]
  if (ifNoneMatch?.includes(etag) === true) return { status: 304, headers, body: undefined }
  headers.push('Content-Type', contentType, 'Content-Length', String(content.length))
  return { status: 200, headers, body: content }
}

/** Every file there is, by its name. */
function allPaths(): Promise<ReadonlyMap<string, string>> {
  paths ??= listPaths().catch((error: unknown) => {
    paths = undefined
    throw error
  })
  return paths
}

async function listPaths(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const [folder, place] of Object.entries(FOLDERS)) {
    const directory = join(import.meta.dirname, place)
    for (const entry of await readdir(directory)) {
      const name = entry.endsWith(OWN_EXTENSION) ? `${entry.slice(0, -OWN_EXTENSION.length)}.js` : entry
      if (extname(name) in CONTENT_TYPES) found.set(`${folder}/${name}`, join(directory, entry))
    }
  }
  for (const [name, path] of Object.entries(PACKAGE_FILES)) found.set(`npm/${name}`, pathInPackage(path))
  return found
}

/** A package may keep its own files from being resolved by name, so its entry is. */
function pathInPackage(path: string): string {
  const [name = ''] = path.split('/', 1)
  const entry = resolve(name)
  return join(entry.slice(0, entry.lastIndexOf(`/${name}/`)), path)
}

async function readConsoleFile(name: string, path: string): Promise<ConsoleFile> {
  const raw = await readFile(path)
  const isOwnModule = name.endsWith('.js') && !name.startsWith('npm/')
  const content = isOwnModule ? Buffer.from(await moduleOf(raw.toString(), path)) : raw
  const digest = createHash('sha256').update(content).digest('hex').slice(0, ETAG_DIGITS)
  return { content, etag: `"${digest}"`, contentType: CONTENT_TYPES[extname(name)] as string }
}

/** A module of ours as a browser runs it: without types, its imports by their paths. */
async function moduleOf(source: string, path: string): Promise<string> {
  const { stripTypeScriptTypes } = await import('node:module')
  const text = path.endsWith('.ts') ? stripTypeScriptTypes(source).replaceAll(/(\bfrom '\.[^']*)\.ts'/g, "$1.js'") : source
  return text.replaceAll(/\bfrom '([^'.][^']*)'/g, (whole, specifier: string) => {
    const found = SPECIFIERS.get(specifier)
    return found === undefined ? whole : `from '${found}'`
  })
}
