/**
 * A text of SQL as tokens: words, quoted names, strings, numbers and signs. Comments are left out.
 * What is refused by name is looked for here, so that a name in a string or in a comment is none,
 * and one that is quoted is one.
 */

/** How a server writes what the standard leaves open. */
export interface SqlDialect {
  /** What encloses names beside double quotes: the opening sign, and the closing one. */
  readonly nameQuotes: Readonly<Record<string, string>>
}

export const SQLITE_DIALECT: SqlDialect = { nameQuotes: { '`': '`', '[': ']' } }

export interface SqlToken {
  /** `word`: a keyword or a name without quotes, in lower case. `name`: a quoted one, as it is. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'sign'
  readonly text: string
}

const SPACE = /\s+/y
const LINE_COMMENT = /--[^\n]*/y
const BLOCK_COMMENT = /\/\*[^]*?\*\//y
const NUMBER = /\d[\w.]*|\.\d[\w.]*/y
/** Letters beyond ASCII are letters; so is `$`, but not as the first. */
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y

/** @returns undefined where something is opened and not closed */
export function tokensOf(text: string, dialect: SqlDialect): readonly SqlToken[] | undefined {
  const tokens: SqlToken[] = []
  let at = 0
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (match(SPACE) !== undefined || match(LINE_COMMENT) !== undefined || match(BLOCK_COMMENT) !== undefined) continue
    if (text.startsWith('/*', at)) return undefined
    const sign = text[at] as string
    const close = sign === "'" || sign === '"' ? sign : dialect.nameQuotes[sign]
    if (close !== undefined) {
      const quoted = quotedAt(text, at, close)
      if (quoted === undefined) return undefined
      tokens.push({ kind: sign === "'" ? 'string' : 'name', text: quoted.text })
      at = quoted.end
      continue
    }
    const number = match(NUMBER)
    const word = number === undefined ? match(WORD) : undefined
    if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase() })
    else {
      tokens.push({ kind: 'sign', text: sign })
      at += 1
    }
  }
  return tokens
}

/** A closing sign that is doubled stands for itself, but for a bracket. */
function quotedAt(text: string, from: number, close: string): { readonly text: string; readonly end: number } | undefined {
  let inside = ''
  for (let at = from + 1; at < text.length; at += 1) {
    if (text[at] !== close) inside += text[at]
    else if (close !== ']' && text[at + 1] === close) {
      inside += close
      at += 1
    } else return { text: inside, end: at + 1 }
  }
  return undefined
}
