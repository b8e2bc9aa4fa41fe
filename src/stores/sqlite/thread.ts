/**
 * A connection of a store in SQLite, seen from outside: it is asked and answers. The one that writes
 * is a thread. The one that reads is a process, because nothing else can end a query: a thread that
 * is inside of SQLite hears of nothing.
 */
import { fork } from 'node:child_process'
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { NotAQuery, StoreBehind, StoreMoved, StoreRefused, StoreUnavailable } from '../../ports/log-store.ts'
import type { StoreClaim, StoreRefusal } from '../../ports/log-store.ts'
import type { SqliteApplying } from './applying.ts'
import type { SqliteAsking } from './asking.ts'

export interface WorkerData {
  readonly path: string
  /** Of the connection that writes; undefined for one that reads. */
  readonly claim: StoreClaim | undefined
}

export interface Told {
  readonly number: number
  readonly name: string
  readonly values: readonly unknown[]
}

interface Fault {
  readonly kind: string
  readonly code: string | undefined
  readonly message: string
}

export type Heard = { readonly number: number } & ({ readonly value: unknown } | { readonly fault: Fault })
type Connection = SqliteApplying | SqliteAsking
type Answer<On, Name extends keyof On> = On[Name] extends (...values: never[]) => infer Value ? Awaited<Value> : never
type Values<On, Name extends keyof On> = On[Name] extends (...values: infer All) => unknown ? All : never

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** What a connection runs in. */
interface Runner {
  tell(told: Told): void
  end(): Promise<unknown>
  ref(): void
  unref(): void
}

const PROGRAM = join(import.meta.dirname, `worker${extname(import.meta.filename)}`)
const QUIET = ['--disable-warning=ExperimentalWarning']

function threadOf(data: WorkerData, heard: (heard: Heard) => void, ended: () => void): Runner {
  const worker = new Worker(PROGRAM, { workerData: data, execArgv: QUIET })
  worker.on('message', heard).on('error', ended).on('exit', ended)
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    tell: (told) => worker.postMessage(told),
    end: () => worker.terminate(),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}

function processOf({ path }: WorkerData, heard: (heard: Heard) => void, ended: () => void): Runner {
  const child = fork(PROGRAM, [path], { execArgv: [...QUIET, '--disable-sigusr1'], serialization: 'advanced', stdio: 'ignore' })
  const { promise, resolve } = Promise.withResolvers<void>()
  const gone = (): void => {
    ended()
    resolve()
  }
  child.on('message', heard).on('error', gone).on('exit', gone)
  const hold = (method: 'ref' | 'unref'): void => {
    child[method]()
    child.channel?.[method]()
  }
  return {
    tell: (told) => void child.send(told, () => {}),
    end: async () => {
      child.kill('SIGKILL')
      await promise
    },
    ref: () => hold('ref'),
    unref: () => hold('unref'),
  }
}

export class SqliteThread<On extends Connection> {
  readonly #runner: Runner
  readonly #asked: Map<number, Asked> = new Map()
  #lastNumber = 0
  #isEnded = false

  constructor(data: WorkerData) {
    const make = data.claim === undefined ? processOf : threadOf
    this.#runner = make(
      data,
      (heard) => this.#heard(heard),
      () => this.#end(),
    )
    this.#runner.unref()
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** @throws what the connection throws; StoreUnavailable where the thread ends before */
  async ask<Name extends keyof On & string>(name: Name, ...values: Values<On, Name>): Promise<Answer<On, Name>> {
    if (this.#isEnded) throw new StoreUnavailable('closed')
    this.#lastNumber += 1
    const number = this.#lastNumber
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#asked.set(number, { resolve, reject })
    // What is waited for holds the process.
    this.#runner.ref()
    this.#runner.tell({ number, name, values } satisfies Told)
    try {
      return (await promise) as Answer<On, Name>
    } finally {
      if (this.#asked.size === 0 && !this.#isEnded) this.#runner.unref()
    }
  }

  /** Ends it, whatever it does. */
  async end(): Promise<void> {
    this.#end()
    await this.#runner.end()
  }

  #heard(heard: Heard): void {
    const asked = this.#asked.get(heard.number)
    this.#asked.delete(heard.number)
    if ('value' in heard) asked?.resolve(heard.value)
    else asked?.reject(errorOf(heard.fault))
  }

  #end(): void {
    this.#isEnded = true
    for (const { reject } of this.#asked.values()) reject(new StoreUnavailable('thread-ended'))
    this.#asked.clear()
  }
}

function errorOf({ kind, code = '', message }: Fault): Error {
  if (kind === 'StoreMoved') return new StoreMoved(code)
  if (kind === 'StoreUnavailable') return new StoreUnavailable(code)
  if (kind === 'StoreRefused') return new StoreRefused(code as StoreRefusal, message.slice(code.length + 2))
  if (kind === 'StoreBehind') return new StoreBehind(message)
  if (kind === 'NotAQuery') return new NotAQuery(message)
  return new Error(message)
}
