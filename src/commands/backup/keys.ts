/**
 * The keys that a peer held at one moment, each with its value. A list takes time, and keys arrive
 * behind it: those are taken from a watch that began before the list.
 */
import { compareUtf8 } from '../../../protocols/base/bytes.ts'
import type { Client, Stored } from '../../client/client.ts'
import { CommandFailed } from '../failed.ts'
import { Arrivals } from './arrivals.ts'
import { keyLine } from './format.ts'

/** One answer of a peer. */
const PAGE_KEYS = 1_000
/** Values that are asked for at a time; one may be larger alone. */
const BYTES_IN_FLIGHT_MAX = 67_108_864
/**
 * Keys of the last pages. A key may be listed a moment before it is told of as new, and is then not
 * written a second time.
 */
const LISTED_MAX = 50_000

interface Asked {
  readonly line: Promise<string>
  readonly size: number
}

export interface Reading {
  readonly inFlight: number
  readonly timeoutMs: number
}

/** @throws CommandFailed when one cannot be read any more */
export async function* keyLines(client: Client, reading: Reading): AsyncGenerator<string, void, undefined> {
  const arrivals = await Arrivals.from(client)
  try {
    yield* inOrder(keysOf(client, arrivals, reading.timeoutMs), client, reading)
  } finally {
    await arrivals.close()
  }
}

/** Keys as they are listed, and those that came behind the list, each once. */
async function* keysOf(
  client: Client,
  arrivals: Arrivals,
  timeoutMs: number,
): AsyncGenerator<Pick<Stored, 'key' | 'size'>, void, undefined> {
  const listed = new Set<string>()
  let after: string | undefined
  for (;;) {
    const page: Stored[] = []
    const options = { limit: PAGE_KEYS, signal: AbortSignal.timeout(timeoutMs), ...(after !== undefined && { after }) }
    for await (const stored of client.list(options)) page.push(stored)
    yield* page
    for (const { key } of page) remember(listed, key)
    if (page.length < PAGE_KEYS) break
    const end = page.at(-1)?.key ?? ''
    // What comes later in the order is on a later page, which is asked for after this.
    const behind = arrivals.take().filter((key) => compareUtf8(key, end) <= 0 && !listed.has(key))
    yield* behind.map(unknownSize)
    after = end
  }
  for await (const came of arrivals.rest()) yield* came.filter((key) => !listed.has(key)).map(unknownSize)
}

function unknownSize(key: string): Pick<Stored, 'key' | 'size'> {
  return { key, size: 0 }
}

function remember(listed: Set<string>, key: string): void {
  listed.add(key)
  if (listed.size <= LISTED_MAX) return
  const [oldest] = listed
  if (oldest !== undefined) listed.delete(oldest)
}

/** The line of each key, several asked for at a time. */
async function* inOrder(
  keys: AsyncIterable<Pick<Stored, 'key' | 'size'>>,
  client: Client,
  { inFlight, timeoutMs }: Reading,
): AsyncGenerator<string, void, undefined> {
  const asked: Asked[] = []
  let bytes = 0
  for await (const { key, size } of keys) {
    while (asked.length >= inFlight || (asked.length > 0 && bytes + size > BYTES_IN_FLIGHT_MAX)) {
      const first = asked.shift() as Asked
      bytes -= first.size
      yield await first.line
    }
    const line = lineFor(client, key, timeoutMs)
    // It is looked at in its turn.
    line.catch(() => undefined)
    asked.push({ line, size })
    bytes += size
  }
  for (const { line } of asked) yield await line
}

/** Of this peer: it has it, and nobody else need be asked. */
async function lineFor(client: Client, key: string, timeoutMs: number): Promise<string> {
  const outcome = await client.get(key, { consistency: 'local', signal: AbortSignal.timeout(timeoutMs) })
  if (outcome.kind === 'found') return keyLine(key, outcome.value, outcome.contentType)
  throw new CommandFailed(`${key}: ${outcome.kind === 'absent' ? 'it is gone' : outcome.detail}; begin again`)
}
