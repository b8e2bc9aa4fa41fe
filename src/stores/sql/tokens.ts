/**
 * A text of SQL as tokens: words, quoted names, strings, numbers and signs. Comments are left out.
 * What is refused by name is looked for here, so that a name in a string or in a comment is none,
 * and one that is quoted is one.
 */

/** How a server writes what the standard leaves open. */
export interface SqlDialect {
  /** What encloses names: the opening sign, and the closing one. */
  readonly nameQuotes: Readonly<Record<string, string>>
  /** What encloses strings. */
  readonly stringQuotes: string
  /** A backslash in a string takes the sign behind it; `after-e`: in one that an `e` stands before. */
  readonly backslashes: 'never' | 'always' | 'after-e'
  readonly lineComment: RegExp
  readonly nestsComments: boolean
  /** `$$…$$` and `$tag$…$tag$` are strings. */
  readonly hasDollarQuotes: boolean
  /** Openings of what only looks like a comment or a name: each is a sign. */
  readonly disguises: RegExp | undefined
}

export const SQLITE_DIALECT: SqlDialect = {
  nameQuotes: { '"': '"', '`': '`', '[': ']' },
  stringQuotes: "'",
  backslashes: 'never',
  lineComment: /--[^\n]*/y,
  nestsComments: false,
  hasDollarQuotes: false,
  disguises: undefined,
}

export interface SqlToken {
  /** `word`: a keyword or a name without quotes, in lower case. `name`: a quoted one, as it is. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'sign'
  readonly text: string
  /** Where it begins and ends in the text. */
  readonly start: number
  readonly end: number
}

const SPACE = /\s+/y
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y
/** Letters beyond ASCII are letters; so is `$`, but not as the first. */
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y

/** @returns undefined where something is opened and not closed */
export function tokensOf(text: string, dialect: SqlDialect): readonly SqlToken[] | undefined {
  const tokens: SqlToken[] = []
  let at = 0
  while (at < text.length) {
    const skipped = skippedAt(text, at, dialect)
    if (skipped === undefined) return undefined
    if (skipped > at) at = skipped
    else {
      const token = tokenAt(text, at, dialect)
      if (token === undefined) return undefined
      tokens.push(token)
      at = token.end
    }
  }
  return tokens
}

/** Where the space or the comment that begins there ends; undefined for a comment that does not. */
function skippedAt(text: string, at: number, { lineComment, nestsComments, disguises }: SqlDialect): number | undefined {
  if (disguises !== undefined && matchAt(disguises, text, at) !== undefined) return at
  const line = matchAt(SPACE, text, at) ?? matchAt(lineComment, text, at)
  if (line !== undefined) return at + line.length
  if (!text.startsWith('/*', at)) return at
  let depth = 0
  for (let end = at; end < text.length; end += 1) {
    const two = text.slice(end, end + 2)
    if (two === '/*' && (depth === 0 || nestsComments)) depth += 1
    else if (two === '*/') depth -= 1
    else continue
    end += 1
    if (depth === 0) return end + 1
  }
  return undefined
}

function tokenAt(text: string, start: number, dialect: SqlDialect): SqlToken | undefined {
  const of = (kind: SqlToken['kind'], said: string, length: number): SqlToken => ({ kind, text: said, start, end: start + length })
  const disguise = dialect.disguises && matchAt(dialect.disguises, text, start)
  if (disguise !== undefined) return of('sign', disguise.toLowerCase(), disguise.length)
  const sign = text[start] as string
  const opening = dialect.backslashes === 'after-e' && /^[eE]'/.test(text.slice(start, start + 2)) ? 1 : 0
  const isString = opening === 1 || dialect.stringQuotes.includes(sign)
  const close = isString ? (text[start + opening] as string) : dialect.nameQuotes[sign]
  if (close !== undefined) {
    const hasBackslashes = isString && (dialect.backslashes === 'always' || opening === 1)
    const quoted = quotedAt(text, start + opening, close, hasBackslashes)
    return quoted && of(isString ? 'string' : 'name', quoted.text, quoted.end - start)
  }
  const dollar = dialect.hasDollarQuotes ? matchAt(DOLLAR_QUOTE, text, start) : undefined
  if (dollar !== undefined) {
    const end = text.indexOf(dollar, start + dollar.length)
    return end < 0 ? undefined : of('string', text.slice(start + dollar.length, end), end + dollar.length - start)
  }
  const number = matchAt(NUMBER, text, start)
  if (number !== undefined) return of('number', number, number.length)
  const word = matchAt(WORD, text, start)
  return word === undefined ? of('sign', sign, 1) : of('word', word.toLowerCase(), word.length)
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

/** A closing sign that is doubled stands for itself, but for a bracket. */
function quotedAt(
  text: string,
  from: number,
  close: string,
  hasBackslashes: boolean,
): { readonly text: string; readonly end: number } | undefined {
  let inside = ''
  for (let at = from + 1; at < text.length; at += 1) {
    if (hasBackslashes && text[at] === '\\') {
      inside += text[at + 1] ?? ''
      at += 1
    } else if (text[at] !== close) inside += text[at]
    else if (close !== ']' && text[at + 1] === close) {
      inside += close
      at += 1
    } else return { text: inside, end: at + 1 }
  }
  return undefined
}
