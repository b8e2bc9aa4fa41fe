/** Tables for people: on the screen, and as markdown. */

export interface Table {
  readonly title: string
  /** How it was measured, in a sentence or two. */
  readonly note: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Every single measurement, for the JSON file. */
  readonly raw: unknown
}

export function formatTable({ title, note, columns, rows }: Table, markdown: boolean): string {
  const all = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const pad = (row: readonly string[]): string[] =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
  if (!markdown) return `\n${title}\n${note}\n\n${all.map((row) => `  ${pad(row).join('  ').trimEnd()}`).join('\n')}\n`
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return `\n### ${title}\n\n${note}\n\n${[line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

/** A number as people read it: 12,345 or 12.3 or 0.123. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-GB')
  if (Math.abs(value) >= 10) return value.toFixed(1)
  return value.toFixed(Math.abs(value) < 0.1 && value !== 0 ? 3 : 2)
}

/** A median with its spread, as `1,234 (1,100 to 1,300)`; one measurement stands alone. */
export function spread({ median, least, most }: { median: number; least: number; most: number }): string {
  return least === most ? figure(median) : `${figure(median)} (${figure(least)} to ${figure(most)})`
}
