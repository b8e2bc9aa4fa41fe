/**
 * What many keys take on their way in and out by commands: an import that is interrupted once and
 * goes on, an export of the same lines, and a backup under load that is restored into an empty
 * network.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from '../../src/client/client.ts'
import { until } from '../../test/process/network.ts'
import { ownMib, processorSeconds } from '../usage.ts'
import { VALUE } from './contender.ts'
import { PROGRAM, Replicator } from './replicator.ts'
import { figure } from './table.ts'
import type { Table } from './table.ts'

const LOOK_MS = 100
const SECOND_MS = 1_000
const MICROS = 1_000_000
const MIB = 1_048_576
const WRITTEN_LINES = 10_000
/** Keys that are put at all three peers while a backup is made, at a time. */
const LOAD_WIDTH = 16
const REGISTERS = 500
const ELEMENTS = 500
const CLUSTERS = 2
/** Sets and registers reach the last peer a moment after the command has ended. */
const EQUAL_MS = 60_000

/** One command, from its start to its end. */
interface Done {
  readonly code: number | null
  readonly said: string
  readonly seconds: number
  /** The most memory of its own that was seen. */
  readonly mib: number
  /** On the processor, as far as it was seen. */
  readonly worked: number
}

/** @param look called all the while, with the id of the process */
async function command(parameters: readonly string[], look: (processId: number) => Promise<void> | void = () => undefined): Promise<Done> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [PROGRAM, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  const said = Promise.all([readText(child.stdout), readText(child.stderr)])
  let [mib, worked] = [0, 0]
  while (child.exitCode === null && child.pid !== undefined) {
    mib = Math.max(mib, seenOf(child.pid, ownMib))
    worked = Math.max(
      worked,
      seenOf(child.pid, (processId) => processorSeconds([processId])),
    )
    await look(child.pid)
    await Promise.race([ended, delay(LOOK_MS)])
  }
  await ended
  return { code: child.exitCode, said: (await said).join(''), seconds: (performance.now() - startedMs) / SECOND_MS, mib, worked }
}

/** 0 of a process that is gone. */
function seenOf(processId: number, look: (processId: number) => number): number {
  try {
    return look(processId) || 0
  } catch {
    return 0
  }
}

/** @throws Error when it did not end so */
async function done(parameters: readonly string[], code: number, look?: (processId: number) => Promise<void> | void): Promise<Done> {
  const ended = await command(parameters, look)
  if (ended.code !== code) throw new Error(`${parameters.join(' ')} ended with ${ended.code}: ${ended.said}`)
  return ended
}

/** Lines as `export` writes them, in the order of their keys. */
async function writeLines(path: string, count: number): Promise<void> {
  const file = await open(path, 'w')
  for (let from = 0; from < count; from += WRITTEN_LINES) {
    const lines = Array.from({ length: Math.min(WRITTEN_LINES, count - from) }, (_, place) =>
      JSON.stringify({ key: `import/${String(from + place).padStart(9, '0')}`, value: VALUE, contentType: 'text/plain; charset=utf-8' }),
    )
    await file.appendFile(`${lines.join('\n')}\n`)
  }
  await file.close()
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array)
  return hash.digest('hex')
}

function urlsOf(replicator: Replicator): string[] {
  return replicator.origins.flatMap((origin) => ['-url', origin])
}

/** An import of so many lines into three peers, interrupted at half of them. */
export async function measureImport(lines: number, directory: string, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const replicator = await Replicator.start(1, signal)
  const [input, output] = [join(directory, 'in.jsonl'), join(directory, 'out.jsonl')]
  try {
    await writeLines(input, lines)
    const { size } = await stat(input)
    let isStopped = false
    let peersMib = 0
    const peers = (): void => void (peersMib = Math.max(peersMib, ...replicator.processIds.map((processId) => seenOf(processId, ownMib))))
    const importing = ['import', input, '-timeout', '600', ...urlsOf(replicator)]
    const worked = (): number => processorSeconds(replicator.processIds)
    const beforeImport = worked()
    const first = await done(importing, 1, async (processId) => {
      peers()
      const place = await readFile(`${input}.progress`, 'utf8').catch(() => '{"lines":0}')
      if (isStopped || (JSON.parse(place) as { readonly lines: number }).lines < lines / 2) return
      isStopped = true
      process.kill(processId, 'SIGINT')
    })
    say(`interrupted after ${figure(first.seconds)} s: ${first.said.split('\n')[0]}`)
    const second = await done(importing, 0, peers)
    say(`resumed and done in ${figure(second.seconds)} s: ${second.said.split('\n')[0]}`)
    await replicator.whole()
    const beforeExport = worked()
    const out = await done(['export', 'import/', '-file', output, '-timeout', '600', ...urlsOf(replicator).slice(-2)], 0, peers)
    say(`exported in ${figure(out.seconds)} s`)
    const isEqual = (await digestOf(input)) === (await digestOf(output))
    if (!isEqual) throw new Error('what was exported is not what was imported')
    const rate = (count: number, seconds: number): string => Math.round(count / seconds).toLocaleString('en-GB')
    const row = (what: string, { seconds, mib, worked: own }: Done, peersWorked: number): string[] => [
      what,
      figure(seconds),
      rate(lines, seconds),
      figure(mib),
      figure((own * MICROS) / lines),
      figure((peersWorked * MICROS) / lines),
    ]
    const both = {
      ...second,
      seconds: first.seconds + second.seconds,
      mib: Math.max(first.mib, second.mib),
      worked: first.worked + second.worked,
    }
    return {
      title: `Import and export of ${lines.toLocaleString('en-GB')} lines, three peers`,
      note: `${figure(size / MIB)} MiB of lines. Interrupted (SIGINT) at half, then the same command again; the export has the same bytes. Most memory of its own of any peer: ${figure(peersMib)} MiB.`,
      columns: ['', 'seconds', 'lines a second', 'own MiB of the command', 'its µs a line', 'µs a line of all peers'],
      rows: [row('import, both parts', both, beforeExport - beforeImport), row('export', out, worked() - beforeExport)],
      raw: { lines, size, first, second, out, peersMib },
    }
  } finally {
    await replicator.close()
    await Promise.all([input, output, `${input}.progress`].map((path) => rm(path, { force: true })))
  }
}

/** A backup of three peers in each of two clusters while keys are put, and a restore into others. */
export async function measureBackup(keys: number, directory: string, signal: AbortSignal, say: (text: string) => void): Promise<Table> {
  const paths = ['first', 'second'].map((name) => join(directory, `${name}.backup`)) as [string, string]
  const from = await Replicator.start(CLUSTERS, signal)
  const rows: string[][] = []
  let counted = ''
  try {
    await from.fill(keys, REGISTERS)
    await fillSets(new Client({ peers: from.origins }))
    const load = underLoad(new Client({ peers: from.origins }))
    const backup = await done(['backup', paths[0], '-timeout', '600', '-url', from.origins[1] ?? ''], 0)
    const put = await load.end()
    if (put === 0) throw new Error('nothing was put meanwhile')
    counted = backup.said.trim()
    say(`${counted}; ${put} keys put meanwhile`)
    rows.push(['backup, one peer of 6', figure(backup.seconds), String(put), figure(backup.mib)])
  } finally {
    await from.close()
  }
  const into = await Replicator.start(CLUSTERS, signal)
  try {
    const restore = await done(['restore', paths[0], '-timeout', '600', ...urlsOf(into)], 0)
    say(restore.said.trim())
    rows.push(['restore into 6 peers', figure(restore.seconds), '', figure(restore.mib)])
    await into.whole()
    for (const origin of into.origins) {
      const isEqual = async (): Promise<boolean> => {
        await rm(paths[1], { force: true })
        await done(['backup', paths[1], '-timeout', '600', '-url', origin], 0)
        return (await contentOf(paths[0])) === (await contentOf(paths[1]))
      }
      await until(`${origin} holds what the backup does`, isEqual, EQUAL_MS)
    }
    return {
      title: `Backup under load and restore, ${CLUSTERS} clusters of 3`,
      note: `${counted}. Restored into an empty network; a backup of each of its six peers has the same content by digest.`,
      columns: ['', 'seconds', 'keys put meanwhile', 'own MiB of the command'],
      rows,
      raw: rows,
    }
  } finally {
    await into.close()
    await Promise.all(paths.map((path) => rm(path, { force: true })))
  }
}

async function fillSets(client: Client): Promise<void> {
  const set = client.set('bench')
  for (let number = 0; number < ELEMENTS; number += 1) {
    const { kind } = await set.insert([number])
    if (kind !== 'stored') throw new Error(`an element is ${kind}`)
  }
  await set.delete([0, 1, 2])
}

/** Puts keys until it is ended. */
function underLoad(client: Client): { end(): Promise<number> } {
  const over = new AbortController()
  const work = async (worker: number): Promise<number> => {
    let put = 0
    for (let number = 0; !over.signal.aborted; number += 1) {
      const { kind } = await client.put(`load/${worker}/${number}`, VALUE)
      if (kind === 'created') put += 1
    }
    return put
  }
  const all = Promise.all(Array.from({ length: LOAD_WIDTH }, (_, worker) => work(worker)))
  return {
    async end() {
      over.abort()
      return (await all).reduce((sum, put) => sum + put, 0)
    },
  }
}

/** Of all that a backup holds, whatever order it was read in. */
async function contentOf(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(1, -1)
  return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')
}
