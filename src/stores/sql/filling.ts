/**
 * A backup of a store in a server of SQL: its head, its counters and its schema, then rows, a frame of
 * some at a time. A server of the same kind is filled by it, whatever its version.
 */
import { utf8 } from '../../bytes.ts'
import { readHead } from '../kv-rows.ts'
import type { Head } from '../kv-rows.ts'
import { StoreUnavailable } from '../../ports/log-store.ts'
import { marks } from './names.ts'
import type { SqlValue } from './command.ts'
import type { Counters, ServerCell, ServerSchema, ServerSession, ServerTable, SqlServer } from './server.ts'

/** Of one frame, unless a single row has more: bytes, rows, and values, of which servers take 65,535 at most. */
const FRAME_BYTES = 262_144
const FRAME_ROWS_MAX = 500
const FRAME_VALUES_MAX = 60_000

const NAMES: ServerTable = { name: '_replicator_names', columns: ['id', 'place', 'bytes'] }

interface Beginning {
  /** In base64. */
  readonly head: string
  readonly counters: Counters
  readonly schema: ServerSchema
}

type ShownCell = null | boolean | number | string | { readonly base64: string }

interface Rows {
  readonly table: string
  readonly rows: readonly (readonly ShownCell[])[]
}

/** @param session is in a picture that holds still */
export async function* dumpOf(
  server: SqlServer,
  session: ServerSession,
  head: Uint8Array,
  schema: ServerSchema,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const [[counted] = []] = await session.ask('select counters from _replicator_head where id = 0')
  const counters = JSON.parse(String(counted)) as Counters
  yield encoded({ head: Buffer.from(head).toString('base64'), counters, schema } satisfies Beginning)
  for (const table of [NAMES, ...schema.tables]) {
    const rowsMax = Math.min(FRAME_ROWS_MAX, Math.max(1, Math.floor(FRAME_VALUES_MAX / Math.max(1, table.columns.length))))
    let rows: ShownCell[][] = []
    let bytes = 0
    for await (const row of session.each(server.rowsOf(table))) {
      signal.throwIfAborted()
      rows.push(row.map(shown))
      bytes += row.reduce((sum: number, cell) => sum + sizeOf(cell), 0)
      if (rows.length < rowsMax && bytes < FRAME_BYTES) continue
      yield encoded({ table: table.name, rows } satisfies Rows)
      rows = []
      bytes = 0
    }
    if (rows.length > 0) yield encoded({ table: table.name, rows } satisfies Rows)
  }
}

/**
 * Puts what frames hold into a database that holds nothing else.
 *
 * @throws StoreUnavailable, and what `frames` throws
 */
export async function fill(
  server: SqlServer,
  session: ServerSession,
  frames: AsyncIterable<Buffer>,
): Promise<{ readonly head: Head; readonly counters: Counters }> {
  let beginning: Beginning | undefined
  for await (const frame of frames) {
    if (beginning === undefined) {
      beginning = JSON.parse(utf8.decode(frame)) as Beginning
      for (const sql of beginning.schema.before) await session.ask(sql)
    } else await write(server, session, beginning.schema, JSON.parse(utf8.decode(frame)) as Rows)
  }
  if (beginning === undefined) throw new StoreUnavailable('backup-damaged')
  for (const sql of beginning.schema.after) await session.ask(sql)
  const head = readHead(Buffer.from(beginning.head, 'base64'))
  if (head === undefined) throw new StoreUnavailable('backup-of-another-version')
  return { head, counters: beginning.counters }
}

async function write(server: SqlServer, session: ServerSession, schema: ServerSchema, { table: name, rows }: Rows): Promise<void> {
  const table = [NAMES, ...schema.tables].find((each) => each.name === name)
  if (table === undefined || table.columns.length === 0) return
  const places = `(${marks(table.columns.length)})`
  const values = rows.flatMap((row) => row.map(cellIn))
  await session.ask(`${server.writing(table)} values ${rows.map(() => places).join(', ')}`, values)
}

function encoded(value: Beginning | Rows): Uint8Array {
  return utf8.encode(JSON.stringify(value))
}

function shown(cell: ServerCell): ShownCell {
  return Buffer.isBuffer(cell) ? { base64: cell.toString('base64') } : cell
}

function cellIn(cell: ShownCell): SqlValue {
  if (typeof cell === 'boolean') return cell ? 1 : 0
  return typeof cell === 'object' && cell !== null ? new Uint8Array(Buffer.from(cell.base64, 'base64')) : cell
}

function sizeOf(cell: ServerCell): number {
  return typeof cell === 'string' || Buffer.isBuffer(cell) ? cell.length : 8
}
