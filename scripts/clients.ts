/**
 * `npm run clients -- [--python FILE] [--go FILE]`: makes clients for Python and Go from the
 * description of HTTP of a peer of its own, builds them and uses them. So the description is known
 * to be good enough for other languages. It ends with 1 when one of them does not work, and says
 * which generator is not installed: openapi-python-client (PyPI), oapi-codegen (a Go module).
 */
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Network, until } from '../test/process/network.ts'
import { ROOT } from './run.ts'

const FOLDER = join(ROOT, 'scripts', 'clients')
/** Modules of Go are fetched first, in milliseconds. */
const STEP_MAX_MS = 300_000

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: { python: { ...text, default: 'openapi-python-client' }, go: { ...text, default: 'oapi-codegen' } },
})

/** Runs a step. @throws Error with all it said when it fails */
function step(directory: string, program: string, ...parameters: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, parameters, { cwd: directory, encoding: 'utf8', timeout: STEP_MAX_MS })
  if (status === 0) return stdout
  throw error ?? new Error(`${program} ${parameters.join(' ')}\n${stdout}${stderr}`)
}

/** @param directory an empty one @param url of the peer */
async function usePython(directory: string, description: string, url: string): Promise<void> {
  const flags = ['--path', description, '--output-path', join(directory, 'replicator_client'), '--meta', 'none']
  step(directory, values.python, 'generate', ...flags)
  await copyFile(join(FOLDER, 'use.py'), join(directory, 'use.py'))
  // The Python that the generator runs on has what its clients need.
  const python = values.python.includes('/') ? join(values.python, '..', 'python') : 'python3'
  console.log(step(directory, python, 'use.py', url).trim())
}

/** @param directory an empty one @param url of the peer */
async function useGo(directory: string, description: string, url: string): Promise<void> {
  step(directory, values.go, '-generate', 'types,client', '-package', 'main', '-o', 'client.go', description)
  await writeFile(join(directory, 'go.mod'), 'module client\n')
  await copyFile(join(FOLDER, 'main.go'), join(directory, 'main.go'))
  step(directory, 'go', 'mod', 'tidy')
  console.log(step(directory, 'go', 'run', '.', url).trim())
}

const network = await Network.create()
try {
  const peer = await network.add({ flags: ['-min-peers', '1', '-log', 'kv=kv:'] })
  await peer.start()
  await peer.ready()
  await until('the log is born and led', async () => (await peer.client.json<{ leader: string | null }>('/logs/kv/status')).leader !== null)
  const url = `http://127.0.0.1:${peer.httpPort}`
  const description = join(network.directory, 'openapi.json')
  await writeFile(description, await (await fetch(`${url}/openapi.json`)).text())
  for (const [name, use] of [
    ['python', usePython],
    ['go', useGo],
  ] as const) {
    const directory = join(network.directory, name)
    await mkdir(directory)
    try {
      await use(directory, description, url)
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      console.error(
        isMissing ? `${name}: ${(error as NodeJS.ErrnoException).path ?? 'its generator'} is not installed` : (error as Error).message,
      )
      process.exitCode = 1
    }
  }
} finally {
  await network.close()
}
