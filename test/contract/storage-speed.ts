/**
 * Run by hand: how fast the store on disk takes accepted and then chosen records of the same keys,
 * one batch after another, and how long it takes to open what was written.
 *
 *     node test/contract/storage-speed.ts [BATCH …] [--keys N]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { dataKey } from '../../protocols/base/register.ts'
import { chosenWrite } from '../../protocols/base/persist.ts'
import type { Persist } from '../../protocols/base/persist.ts'
import { Codec } from '../../protocols/wire/codec.ts'
import { sha256, utf8 } from '../../src/bytes.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { accepted } from './storage.ts'

const KEYS = 100_000
const VALUE = 'v'.repeat(100)
const BATCHES = [64, 256]

const codec = new Codec(utf8)

/**
 * The two batches that a voter writes for these keys; made beforehand, so that the store alone is
 * measured.
 */
function batches(from: number, count: number): [Persist[], Persist[]] {
  const acceptances: Persist[] = []
  const choices: Persist[] = []
  for (let index = from; index < from + count; index += 1) {
    const key = dataKey(`speed/${(index * 7_919) % 1_000_003}/${index}`)
    const write = accepted(key, VALUE, index + 1)
    if (write.kind !== 'accepted') continue
    const { record } = write.accepted
    acceptances.push(write)
    choices.push(chosenWrite(key, record, codec.recordDigest(sha256, key, record)))
  }
  return [acceptances, choices]
}

async function measure(directory: string, batch: number, keys: number): Promise<void> {
  let storage = await openLmdbStorage(directory, codec)
  const spent = [0, 0]
  const used = [0, 0]
  for (let from = 0; from < keys; from += batch) {
    for (const [phase, writes] of batches(from, batch).entries()) {
      const startedMs = performance.now()
      const usedBefore = process.cpuUsage()
      await storage.write(writes)
      spent[phase] = (spent[phase] as number) + performance.now() - startedMs
      const { user, system } = process.cpuUsage(usedBefore)
      used[phase] = (used[phase] as number) + user + system
    }
  }
  await storage.close()
  const startedMs = performance.now()
  storage = await openLmdbStorage(directory, codec)
  let held = 0
  for (const _ of storage.registers.chosen()) held += 1
  const openedMs = performance.now() - startedMs
  await storage.close()
  const count = Math.ceil(keys / batch) * batch
  // Time of the processor tells more than time by the clock where the machine has other things to
  // do.
  const speeds = spent.map(
    (ms, phase) => `${Math.round((count / ms) * 1_000)}/s (${((used[phase] as number) / count).toFixed(1)} us of a processor each)`,
  )
  process.stdout.write(`${batch} a batch: accepted ${speeds[0]}, chosen ${speeds[1]}; ${held} keys opened in ${Math.round(openedMs)} ms\n`)
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { keys: { type: 'string', default: String(KEYS) } } })
for (const batch of positionals.length > 0 ? positionals.map(Number) : BATCHES) {
  const directory = await mkdtemp(join(tmpdir(), 'replicator-speed-'))
  try {
    await measure(directory, batch, Number(values.keys))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
