/**
 * The policy `strict`: what statements of SQL may say, so that they do the same at every replica.
 * The server pins or replaces what it can; the rest is refused here, by name.
 */
import { SqlRejected } from './command.ts'
import { tokensOf } from './tokens.ts'
import type { SqlDialect, SqlToken } from './tokens.ts'

export interface SqlPolicy {
  readonly dialect: SqlDialect
  /** Words that a statement may begin with; after some of them, what may be made or dropped. */
  readonly verbs: ReadonlyMap<string, readonly string[] | undefined>
  /** Words that are refused wherever they stand. */
  readonly words: ReadonlySet<string>
  /** Names, quoted or not, that are refused because they begin so. */
  readonly ownPrefixes: readonly string[]
}

/** What a statement does. */
export interface SqlShape {
  /** It changes rows: an insert, an update or a delete. */
  readonly changesRows: boolean
  readonly inserts: boolean
}

const CHANGING = new Set(['insert', 'replace', 'update', 'delete'])
/** Between a verb and what it makes or drops. */
const BETWEEN = new Set(['unique', 'if', 'not', 'exists'])

/** @throws SqlRejected */
export function checkStatement(sql: string, policy: SqlPolicy): SqlShape {
  const tokens = tokensOf(sql, policy.dialect)
  if (tokens === undefined) throw new SqlRejected('syntax', 'not-closed')
  const statement = withoutEnd(tokens)
  const verb = statement[0]?.text ?? ''
  if (statement[0]?.kind !== 'word') throw new SqlRejected('syntax', 'no-statement')
  if (statement.some(({ kind, text }) => kind === 'sign' && text === ';')) throw new SqlRejected('syntax', 'several-statements')
  checkVerb(statement, policy)
  for (const { kind, text } of statement) {
    if (kind === 'word' && policy.words.has(text)) refuse(text)
    const isName = kind === 'word' || kind === 'name'
    if (isName && policy.ownPrefixes.some((prefix) => text.toLowerCase().startsWith(prefix))) refuse(text)
  }
  const inner =
    verb === 'with'
      ? (statement.find(({ kind, text }, place) => kind === 'word' && CHANGING.has(text) && isOuter(statement, place))?.text ?? 'select')
      : verb
  checkOrder(statement, inner)
  return { changesRows: CHANGING.has(inner), inserts: inner === 'insert' || inner === 'replace' }
}

function withoutEnd(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const end = tokens.findLastIndex(({ kind, text }) => kind !== 'sign' || text !== ';')
  return tokens.slice(0, end + 1)
}

function checkVerb(statement: readonly SqlToken[], { verbs }: SqlPolicy): void {
  const verb = statement[0]?.text ?? ''
  if (!verbs.has(verb)) refuse(verb)
  const objects = verbs.get(verb)
  if (objects === undefined) return
  const object = statement.slice(1).find(({ text }) => !BETWEEN.has(text))?.text ?? ''
  if (!objects.includes(object)) refuse(`${verb} ${object}`)
}

/**
 * What picks some rows of many, or numbers them, does so in an order of its own unless one is
 * given.
 */
function checkOrder(statement: readonly SqlToken[], verb: string): void {
  const has = (word: string): boolean => statement.some(({ kind, text }) => kind === 'word' && text === word)
  const isWrite = CHANGING.has(verb) || verb === 'create'
  if (!isWrite || has('order')) return
  if (has('limit')) refuse('limit without order by')
  if ((verb === 'insert' || verb === 'replace' || verb === 'create') && has('select') && has('from'))
    refuse(`${verb} … select without order by`)
}

/** Not in brackets. */
function isOuter(statement: readonly SqlToken[], place: number): boolean {
  let depth = 0
  for (const { kind, text } of statement.slice(0, place)) {
    if (kind === 'sign' && text === '(') depth += 1
    if (kind === 'sign' && text === ')') depth -= 1
  }
  return depth === 0
}

function refuse(what: string): never {
  throw new SqlRejected('policy', `not-allowed:${what.slice(0, 64)}`)
}
