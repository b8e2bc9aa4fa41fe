/** `replicator set …` and `replicator monkeys …`: what each takes, and what it is for. */
import type { MonkeyKind } from '../monkeys/monkeys.ts'
import { isSetName } from '../set-name.ts'
import { readElement } from '../transit/documents.ts'
import { ASKED } from './asking.ts'
import type { Asking } from './asking.ts'
import type { CommandRow, Operands } from './command-row.ts'
import { once, repeated } from './flags.ts'
import type { FlagTable } from './flags.ts'
import { UsageError } from './usage-error.ts'
import { parseUrl, wholeNumber } from './values.ts'

const SECOND_MS = 1_000
/** A day. */
const SECONDS_MAX = 86_400
const PROCESSES_MAX = 64
const WORKERS_MAX = 10_000
const SECONDS = 60
const PAUSE_SECONDS = 10

interface Changing extends Asking {
  readonly wait: 'here' | 'cluster' | 'network'
}

interface Watching extends Asking {
  readonly after: string | undefined
}

interface Playing {
  readonly urls: readonly string[]
  readonly processes: number
  readonly workers: number
  readonly seconds: number
  readonly pauseMs: number
  readonly token: string | undefined
}

/** As it was given. */
export type SetCommand =
  /** Its members; the sets that there are where none is named. */
  | ({ readonly name: 'set ls'; readonly set: string | undefined } & Asking)
  | ({ readonly name: 'set insert' | 'set delete'; readonly set: string; readonly elements: readonly string[] } & Changing)
  | ({ readonly name: 'set watch'; readonly set: string } & Watching)
  | ({ readonly name: `monkeys ${MonkeyKind}` } & Playing)

const CHANGING: FlagTable<Changing> = {
  ...ASKED,
  wait: {
    ...once(parseWait),
    name: 'wait',
    placeholder: 'WHERE',
    meaning:
      'cluster or network: the end of it is that it is on the disks of most voters of the cluster, or of one voter in most clusters.',
    fallback: { value: 'here', text: 'that it is on the disk of the peer that is asked' },
  },
}

const WATCHING: FlagTable<Watching> = {
  ...ASKED,
  after: {
    ...once<string | undefined>((text) => text),
    name: 'after',
    placeholder: 'CURSOR',
    meaning: 'Where to begin: behind a change that was told before, by the cursor in front of it.',
    fallback: { value: undefined, text: 'with what changes from now on' },
  },
}

const PLAYING: FlagTable<Playing> = {
  urls: {
    ...repeated(parseUrl),
    name: 'url',
    placeholder: 'URL',
    meaning: 'Where the set is served: the address of -lww, or http://127.0.0.1:8000/sets/NAME at any peer.',
    fallback: 'required',
  },
  processes: {
    ...once(wholeNumber(1, PROCESSES_MAX, 'processes')),
    name: 'processes',
    placeholder: 'N',
    meaning: 'Processes of monkeys.',
    fallback: { value: 1, text: '1' },
  },
  workers: {
    ...once(wholeNumber(1, WORKERS_MAX, 'workers')),
    name: 'workers',
    placeholder: 'N',
    meaning: 'Monkeys in each process.',
    fallback: { value: 1, text: '1' },
  },
  seconds: {
    ...once(wholeNumber(1, SECONDS_MAX, 'seconds')),
    name: 'seconds',
    placeholder: 'S',
    meaning: 'How long they play.',
    fallback: { value: SECONDS, text: String(SECONDS) },
  },
  pauseMs: {
    ...once(parsePause),
    name: 'pause',
    placeholder: 'SECONDS',
    meaning: 'The longest pause of a monkey between two operations; 0.1 is a tenth.',
    fallback: { value: PAUSE_SECONDS * SECOND_MS, text: String(PAUSE_SECONDS) },
  },
  token: ASKED.token,
}

const NAME: Operands[number] = ['set', 'NAME', parseSetName]
const ELEMENTS: Operands[number] = ['elements', 'ELEMENT', parseElement]

/** By name, in the order of the help text. */
export const SET_COMMANDS: Readonly<Record<SetCommand['name'], CommandRow>> = {
  'set ls': {
    meaning: 'The members of the set NAME, one a line as transit writes them; without NAME, the sets.',
    operands: [],
    optional: NAME,
    flags: ASKED,
  },
  'set insert': {
    meaning: 'Makes elements members. They are written as in transit; what is no JSON is text.',
    operands: [NAME],
    rest: ELEMENTS,
    flags: CHANGING,
  },
  'set delete': { meaning: 'Makes elements members no more.', operands: [NAME], rest: ELEMENTS, flags: CHANGING },
  'set watch': { meaning: 'Prints each change as it becomes visible at the peer, until it is ended.', operands: [NAME], flags: WATCHING },
  'monkeys normal': {
    meaning: 'Insert and delete 1 to 10 of 100 integers at random peers. In the end all must be equal, and nothing answered missing.',
    operands: [],
    flags: PLAYING,
  },
  'monkeys offline-online': {
    meaning: 'Edit copies of their own, and merge them with one peer about every tenth round. Looked at as the normal ones are.',
    operands: [],
    flags: PLAYING,
  },
  'monkeys viewer': { meaning: 'Print what changes at one peer, and see that it adds up.', operands: [], flags: PLAYING },
}

function parseSetName(text: string): string {
  if (!isSetName(text)) throw new UsageError('the name of a set is 1 to 64 of letters, digits, ".", "_" and "-"')
  return text
}

/**
 * An element as transit writes it. What is no JSON is text, or a keyword and the like, without its
 * quotes.
 */
function parseElement(text: string): string {
  const { value = readElement(JSON.stringify(text)).value, fault } = readElement(text)
  if (value === undefined) throw new UsageError(`write an element as transit does, like 11, foo or ~:keyword: ${fault?.message}`)
  return Buffer.from(value).toString()
}

function parseWait(text: string): Changing['wait'] {
  if (text !== 'cluster' && text !== 'network') throw new UsageError('write cluster or network')
  return text
}

/** Seconds from 0 to a day, with up to three digits behind a point, as milliseconds. */
function parsePause(text: string): number {
  const seconds = Number(text)
  if (!/^[0-9]{1,5}(\.[0-9]{1,3})?$/.test(text) || seconds > SECONDS_MAX) {
    throw new UsageError(`write seconds from 0 to ${SECONDS_MAX}, like 10 or 0.1`)
  }
  return seconds * SECOND_MS
}
