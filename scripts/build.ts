/**
 * `npm run build`: compiles `protocols/` and `src/` into `dist/` and makes the command line
 * runnable. npm runs it after an installation too. Without a compiler and without anything built it
 * fails, because an installation that ends well must be one that runs.
 */
import { existsSync } from 'node:fs'
import { chmod, copyFile, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { shellLines } from './build/shell-lines.ts'
import { ROOT, run } from './run.ts'

const DIST = join(ROOT, 'dist')
const COMPILER = join(ROOT, 'node_modules', '.bin', 'tsc')
const MAIN = join(DIST, 'src', 'main.js')
const PROGRAMS = join(DIST, 'bin')
/** The console is for browsers, and is compiled by itself. */
const PROJECTS = [['tsconfig.build.json'], ['src/console/tsconfig.json', '--noEmit', 'false', '--outDir', 'dist']] as const
/** Owner writes, everybody reads and runs. */
const EXECUTABLE_MODE = 0o755
/** Compiled, or of no use to a running peer. */
const NOT_COPIED = ['.ts', '.md', 'tsconfig.json']

/** Copies what the sources read at run time and the compiler leaves behind. */
async function copyAssets(): Promise<void> {
  for await (const entry of glob('{protocols,src}/**/*', { cwd: ROOT, withFileTypes: true })) {
    if (!entry.isFile() || NOT_COPIED.some((ending) => entry.name.endsWith(ending))) continue
    const source = join(entry.parentPath, entry.name)
    const target = join(DIST, source.slice(ROOT.length))
    await mkdir(dirname(target), { recursive: true })
    await copyFile(source, target)
  }
}

/** Programs with the names that they have in a system whose users come here. */
async function makePrograms(): Promise<void> {
  await mkdir(PROGRAMS, { recursive: true })
  for await (const file of glob('*.js', { cwd: join(DIST, 'src', 'bin') })) {
    const program = join(PROGRAMS, basename(file, '.js'))
    await writeFile(program, `${shellLines()}import '../src/bin/${file}'\n`)
    await chmod(program, EXECUTABLE_MODE)
  }
}

/** Gives the command line the lines that find its Node, and its executable bit. */
async function makeExecutable(): Promise<void> {
  if (!existsSync(MAIN)) return
  const text = await readFile(MAIN, 'utf8')
  if (!text.startsWith('#!')) await writeFile(MAIN, shellLines() + text)
  await chmod(MAIN, EXECUTABLE_MODE)
}

/** Compiles everything anew. Returns the exit code. */
async function build(): Promise<number> {
  await rm(DIST, { recursive: true, force: true })
  let code = 0
  for (const project of PROJECTS) {
    const compiled = await run(['tsc', '-p', ...project])
    process.stdout.write(compiled.output)
    code ||= compiled.code
  }
  await copyAssets()
  await makeExecutable()
  await makePrograms()
  return code
}

// npm prepares the package after `npm ci --omit=dev` too, where there is no compiler: what was
// built before is kept.
if (existsSync(COMPILER)) {
  process.exitCode = await build()
} else if (existsSync(MAIN)) {
  process.stdout.write('TypeScript is not installed; dist is kept as it is\n')
} else {
  process.stderr.write('TypeScript is not installed, and nothing is built yet: run "npm ci", and "npm prune --omit=dev" after it\n')
  process.exitCode = 1
}
