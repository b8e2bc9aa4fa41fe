/**
 * What a peer held at one moment, read while it goes on taking writes: a list, and all that came
 * behind it while it was read. Values are asked for several at a time, and come in order.
 */
import { compareUtf8 } from '../../../protocols/base/bytes.ts'
import { Arrivals } from './arrivals.ts'
import type { Watch } from './arrivals.ts'

/** One answer of a peer. */
export const PAGE_ROWS = 1_000
/** Values that are asked for at a time; one may be larger alone. */
const BYTES_IN_FLIGHT_MAX = 67_108_864

export interface Reading {
  readonly inFlight: number
  readonly timeoutMs: number
}

export interface Row {
  readonly key: string
  /** Bytes of its value. */
  readonly size: number
}

export interface Source<Listed extends Row> {
  /** At most PAGE_ROWS rows behind a key, in the order of the keys' bytes; fewer on the last page. */
  readonly page: (after: string | undefined) => Promise<readonly Listed[]>
  /** Tells of each change from now on. */
  readonly watch: Watch
  /** The line of a row; empty where nothing is there. */
  readonly listed: (row: Listed) => Promise<string>
  /** The line of what came behind the list; empty where nothing is to be said. */
  readonly came: (key: string) => Promise<string>
}

interface Asked {
  readonly line: Promise<string>
  readonly size: number
}

/** @throws CommandFailed when something cannot be read any more */
export async function* linesAtOneMoment<Listed extends Row>(
  source: Source<Listed>,
  inFlight: number,
): AsyncGenerator<string, void, undefined> {
  const arrivals = await Arrivals.from(source.watch)
  try {
    for await (const line of inOrder(asking(source, arrivals), inFlight)) if (line !== '') yield line
  } finally {
    await arrivals.close()
  }
}

type Ask = Pick<Asked, 'size'> & { readonly ask: () => Promise<string> }

/** Rows as they are listed, and what came behind the list. */
async function* asking<Listed extends Row>(source: Source<Listed>, arrivals: Arrivals): AsyncGenerator<Ask, void, undefined> {
  const ofArrival = (key: string): Ask => ({ size: 0, ask: () => source.came(key) })
  let after: string | undefined
  for (;;) {
    const page = await source.page(after)
    for (const row of page) yield { size: row.size, ask: () => source.listed(row) }
    if (page.length < PAGE_ROWS) break
    const end = page.at(-1)?.key ?? ''
    // What comes later in the order is on a later page, which is asked for after this.
    yield* arrivals
      .take()
      .filter((key) => compareUtf8(key, end) <= 0)
      .map(ofArrival)
    after = end
  }
  for await (const came of arrivals.rest()) yield* came.map(ofArrival)
}

async function* inOrder(asks: AsyncIterable<Ask>, inFlight: number): AsyncGenerator<string, void, undefined> {
  const asked: Asked[] = []
  let bytes = 0
  for await (const { size, ask } of asks) {
    while (asked.length >= inFlight || (asked.length > 0 && bytes + size > BYTES_IN_FLIGHT_MAX)) {
      const first = asked.shift() as Asked
      bytes -= first.size
      yield await first.line
    }
    const line = ask()
    // It is looked at in its turn.
    line.catch(() => undefined)
    asked.push({ line, size })
    bytes += size
  }
  for (const { line } of asked) yield await line
}

export async function allOf<Listed>(rows: AsyncIterable<Listed>): Promise<Listed[]> {
  const all: Listed[] = []
  for await (const row of rows) all.push(row)
  return all
}
