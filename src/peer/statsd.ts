/**
 * `-statsd`: what clients ask of logs, in the names that Nexus has for it, whichever port they come
 * by.
 */
import type { Logger } from 'pino'
import type { ChangeAnswer, Logs, QueryAnswer, SubmitAnswer } from '../ports/logs.ts'
import type { Settings } from '../settings/settings.ts'
import { Statsd } from '../telemetry/statsd.ts'
import type { Warnings } from './warnings.ts'

const PREFIX = 'nexus.'

export interface StatsdInit {
  readonly config: Settings
  readonly logger: Logger
  readonly warnings: Warnings
  readonly peerId: string
}

/** Of an answer that is no success. */
const SAVE_ERRORS: Readonly<Partial<Record<SubmitAnswer['kind'], string>>> = {
  'not-ordered': 'raft.propose.error',
  'unknown-log': 'raft.propose.error',
  'log-ended': 'raft.propose.error',
  'in-doubt': 'save.timeout.error',
}
/** What an operator asked for is so, or under way. */
const CHANGED: ReadonlySet<ChangeAnswer['kind']> = new Set(['changing', 'changed', 'ended', 'recovered'])
const LOAD_ERRORS: Readonly<Record<Extract<QueryAnswer, { readonly kind: 'unavailable' }>['why'], string>> = {
  'no-majority': 'load.timeout.error',
  stalled: 'raft.read.index.error',
}

/** @param closers get what ends it. @returns the same logs, told of where `-statsd` says */
export function toldToStatsd(logs: Logs, { config, logger, warnings, peerId }: StatsdInit, closers: (() => Promise<void>)[]): Logs {
  if (config.statsd === undefined) return logs
  const warn = (text: string): void => {
    logger.warn(text)
    warnings.add(text)
  }
  const statsd = new Statsd({ ...config.statsd, prefix: PREFIX, tags: { nexusNode: peerId }, warn })
  closers.push(() => statsd.close())
  return timed(logs, statsd)
}

function timed(logs: Logs, statsd: Statsd): Logs {
  const measured = async <Answer>(
    name: string,
    log: string,
    ask: () => Promise<Answer>,
    errorOf: (answer: Answer) => string | undefined,
  ) => {
    const startedMs = performance.now()
    const answer = await ask()
    statsd.time(`${name}.latency.ms`, performance.now() - startedMs, { log })
    const error = errorOf(answer)
    if (error !== undefined) statsd.count(error, { log })
    return answer
  }
  return {
    newSubmitId: () => logs.newSubmitId(),
    create: (request, timeoutMs) => logs.create(request, timeoutMs),
    list: () => logs.list(),
    status: (log) => logs.status(log),
    role: (log) => logs.role(log),
    isByOffset: (log) => logs.isByOffset?.(log) === true,
    submit: (request, timeoutMs, signal) =>
      measured(
        'save',
        request.log,
        () => logs.submit(request, timeoutMs, signal),
        ({ kind }) => SAVE_ERRORS[kind],
      ),
    query: (request, timeoutMs, signal) =>
      measured(
        'load',
        request.log,
        () => logs.query(request, timeoutMs, signal),
        (answer) => (answer.kind === 'unavailable' ? LOAD_ERRORS[answer.why] : undefined),
      ),
    change: (request, timeoutMs) => measured('config.change', request.log, () => logs.change(request, timeoutMs), changeErrorOf),
  }
}

function changeErrorOf({ kind }: ChangeAnswer): string | undefined {
  if (CHANGED.has(kind)) return undefined
  return kind === 'unavailable' ? 'config.change.timeout.error' : 'config.change.error'
}
