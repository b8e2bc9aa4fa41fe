/** What a chaos run came to, for people. */
import type { ChaosResult } from './run.ts'

const COLUMN = 34
const SHOWN_MAX = 5

export function describeResult({ counts, faults, gaps, healed, verdict, registers, logs, violations, directory }: ChaosResult): string[] {
  const lines = ['', 'operations', ...table(counts), 'faults', ...table(faults), 'times']
  lines.push(row('longest gap in puts with a quorum', ms(gaps.longestMs)))
  lines.push(row('longest return of puts to a quorum', ms(gaps.longestReturnMs)))
  lines.push(row('a quorum was there', `${Math.round(gaps.quorumShare * 100)} % of the time`))
  if (healed !== undefined) {
    lines.push(row('mended until all ready', ms(healed.readyMs)), row('mended until all equal and voting', ms(healed.equalMs)))
  }
  lines.push(
    'checks',
    row('keys by the write-once rules', String(verdict.keys)),
    row('keys by the search for an order', `${verdict.searched}, ${verdict.undecided} undecided`),
    row('registers by their versions', String(registers.registers)),
    row('registers by the search', `${registers.searched}, ${registers.undecided} undecided`),
    row('lists of logs by their rules', String(logs.lists)),
    row('lists of logs by the search', `${logs.searched}, ${logs.undecided} undecided`),
  )
  for (const violation of violations.slice(0, SHOWN_MAX)) lines.push('', `VIOLATION ${violation}`)
  if (violations.length > SHOWN_MAX) lines.push(`and ${violations.length - SHOWN_MAX} violations more`)
  if (directory !== undefined) lines.push('', `logs and stores are kept in ${directory}`)
  return lines
}

function table(counts: ReadonlyMap<string, number>): string[] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => row(name, String(count)))
}

function row(name: string, value: string): string {
  return `  ${name.padEnd(COLUMN)} ${value}`
}

function ms(time: number): string {
  return `${Math.round(time)} ms`
}
