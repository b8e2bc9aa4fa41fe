/** `replicator repl …`: a prompt over a log, and its nodes, by gRPC. */
import { ASKED } from './asking.ts'
import type { Asking } from './asking.ts'
import type { CommandRow } from './command-row.ts'
import type { FlagTable } from './flags.ts'
import { UsageError } from './usage-error.ts'

/** What stands behind the log, and so what is typed. */
export const REPL_KINDS = ['redis', 'mysql', 'sqlite', 'postgres', 'kv'] as const
export type ReplKind = (typeof REPL_KINDS)[number]
export const NODE_VERBS = ['listNodes', 'addNode', 'removeNode'] as const
export type NodeVerb = (typeof NODE_VERBS)[number]

type Credentials = Omit<Asking, 'url' | 'dataDirectory' | 'output'>

/** As it was given: a kind and an address, or an address and what to do with its nodes. */
export type ReplCommand = {
  readonly name: 'repl'
  readonly first: string
  readonly second: string
  /** What is run in the place of a prompt, or the URL of a node. */
  readonly third: string | undefined
} & Credentials

const { url: _url, dataDirectory: _dataDirectory, output: _output, ...CREDENTIALS } = ASKED

const FLAGS: FlagTable<Credentials> = CREDENTIALS

export const REPL_COMMANDS: Readonly<Record<'repl', CommandRow>> = {
  repl: {
    meaning: `A prompt over a log that -nexus serves at ADDRESS; KIND is one of ${REPL_KINDS.join(', ')}. Or: repl ADDRESS listNodes, addNode URL, removeNode URL.`,
    operands: [
      ['first', 'KIND', parseFirst],
      ['second', 'ADDRESS', parseSecond],
    ],
    optional: ['third', 'EXPR', (text) => text],
    flags: FLAGS,
    fault: faultOf,
    examples: [`repl redis 127.0.0.1:9121 "redis.call('set', 'hello', 'world')"`, 'repl 127.0.0.1:9121 listNodes'],
  },
}

export function isReplKind(text: string): text is ReplKind {
  return (REPL_KINDS as readonly string[]).includes(text)
}

export function isNodeVerb(text: string): text is NodeVerb {
  return (NODE_VERBS as readonly string[]).includes(text)
}

/** @returns undefined for what is no address */
export function nexusAddressOf(text: string): URL | undefined {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  const isBare = url !== undefined && url.pathname === '/' && url.search === '' && url.username === ''
  return isBare && /:[0-9]+\/?$/.test(text) ? url : undefined
}

function parseFirst(text: string): string {
  if (!isReplKind(text) && nexusAddressOf(text) === undefined)
    throw new UsageError(`write one of ${REPL_KINDS.join(', ')}, or the HOST:PORT of -nexus`)
  return text
}

function parseSecond(text: string): string {
  if (!isNodeVerb(text) && nexusAddressOf(text) === undefined)
    throw new UsageError(`write the HOST:PORT of -nexus, or one of ${NODE_VERBS.join(', ')}`)
  return text
}

function faultOf(fields: Readonly<Record<string, unknown>>): string | undefined {
  const { first, second, third } = fields as Readonly<Partial<Pick<ReplCommand, 'first' | 'second' | 'third'>>>
  if (first === undefined || second === undefined) return undefined
  if (isReplKind(first)) return isNodeVerb(second) ? `${second} stands behind an address, as in repl 127.0.0.1:9121 ${second}` : undefined
  if (!isNodeVerb(second)) return `${first} is an address; behind it stands one of ${NODE_VERBS.join(', ')}`
  if (second === 'listNodes') return third === undefined ? undefined : `listNodes takes nothing more`
  return third === undefined ? `${second} needs the URL of a node` : undefined
}
