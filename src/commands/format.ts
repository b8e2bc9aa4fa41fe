/** Answers as people and programs read them: a table, JSON a line, or values alone between tabs. */
import type { Output } from '../settings/asking.ts'

const GAP = '  '
const TAB = '\t'

/** What is said: a heading, and for each row its cells for people and its facts for programs. */
export interface Said {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly facts: readonly unknown[]
}

/** @returns lines */
export function format(output: Output, { head, rows, facts }: Said): string[] {
  switch (output) {
    case 'json':
      return facts.map((fact) => JSON.stringify(fact))
    case 'raw':
      return rows.map((cells) => cells.map((cell) => cell.trim()).join(TAB))
    default:
      return table([head, ...rows])
  }
}

/** Columns as wide as their widest cell, left-aligned. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)))
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd(),
  )
}

const STEP = 1_024
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes for people: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(STEP)), UNITS.length - 1)
  return step === 0 ? `${bytes} B` : `${(bytes / STEP ** step).toFixed(1)} ${UNITS[step]}`
}
