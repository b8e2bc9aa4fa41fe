/**
 * The policy `strict`: what statements of SQL may say, so that they do the same at every replica.
 * The server pins or replaces what it can; the rest is refused here, by name.
 */
import { SqlRejected } from './command.ts'
import type { SqlStatement } from './command.ts'
import { tokensOf } from './tokens.ts'
import type { SqlDialect, SqlToken } from './tokens.ts'

export interface SqlPolicy {
  readonly dialect: SqlDialect
  /** Words that a statement may begin with; after some of them, what may be made or dropped. */
  readonly verbs: ReadonlyMap<string, readonly string[] | undefined>
  /** Words and signs that are refused wherever they stand. */
  readonly words: ReadonlySet<string>
  /** Words that are refused in what makes, drops or alters something. */
  readonly inDefinitions?: ReadonlySet<string>
  /** Functions that are refused, also where their name is quoted. */
  readonly functions: ReadonlySet<string>
  /** Names, quoted or not, that are refused because they begin so. */
  readonly ownPrefixes: readonly string[]
  /** What else is refused of a statement, by its tokens. @returns its name */
  readonly refuses?: (statement: readonly SqlToken[]) => string | undefined
  /** Whether a text is refused as a parameter. */
  readonly refusesText?: (text: string) => boolean
}

/** What a statement does. */
export interface SqlShape {
  /** It changes rows: an insert, an update or a delete. */
  readonly changesRows: boolean
  readonly inserts: boolean
  /** It makes, drops or alters what holds rows. */
  readonly defines: boolean
}

const CHANGING = new Set(['insert', 'replace', 'update', 'delete'])
/** Between a verb and what it makes or drops. */
const BETWEEN = new Set(['unique', 'if', 'not', 'exists'])
const DEFINING = new Set(['create', 'drop', 'alter', 'truncate'])

/** @throws SqlRejected */
export function checkStatement(sql: string, policy: SqlPolicy): SqlShape {
  // Servers that read up to there would see less than what is looked at here.
  if (sql.includes('\0')) throw new SqlRejected('syntax', 'nul')
  const tokens = tokensOf(sql, policy.dialect)
  if (tokens === undefined) throw new SqlRejected('syntax', 'not-closed')
  const statement = withoutEnd(tokens)
  const verb = statement[0]?.text ?? ''
  if (statement[0]?.kind !== 'word') throw new SqlRejected('syntax', 'no-statement')
  if (statement.some(({ kind, text }) => kind === 'sign' && text === ';')) throw new SqlRejected('syntax', 'several-statements')
  checkVerb(statement, policy)
  for (const [place, { kind, text }] of statement.entries()) {
    if ((kind === 'word' || kind === 'sign') && policy.words.has(text)) refuse(text)
    if (kind === 'word' && DEFINING.has(verb) && policy.inDefinitions?.has(text) === true) refuse(`${verb} ${text}`)
    const isName = kind === 'word' || kind === 'name'
    if (isName && statement[place + 1]?.text === '(' && policy.functions.has(text.toLowerCase())) refuse(text)
    if (isName && policy.ownPrefixes.some((prefix) => text.toLowerCase().startsWith(prefix))) refuse(text)
  }
  const refused = policy.refuses?.(statement)
  if (refused !== undefined) refuse(refused)
  const inner =
    verb === 'with'
      ? (statement.find(({ kind, text }, place) => kind === 'word' && CHANGING.has(text) && isOuter(statement, place))?.text ?? 'select')
      : verb
  checkOrder(statement, inner)
  return { changesRows: CHANGING.has(inner), inserts: inner === 'insert' || inner === 'replace', defines: DEFINING.has(verb) }
}

/** @throws SqlRejected */
export function checkParams(params: SqlStatement['params'], { refusesText }: SqlPolicy): void {
  if (!Array.isArray(params)) throw new SqlRejected('syntax', 'params-is-a-list')
  const text = params.find((value) => typeof value === 'string' && refusesText?.(value) === true)
  if (text !== undefined) refuse(`'${String(text)}'`)
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
