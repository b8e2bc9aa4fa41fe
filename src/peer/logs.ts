/** The logs of a peer, as those see them who speak to clients. */
import type { SubmitId } from '../../protocols/log/entry.ts'
import { LOGS } from '../../protocols/log/placing.ts'
import type { LogAnswerOf, LogRequest } from '../../protocols/log/requests.ts'
import type { Random } from '../ports/clock.ts'
import type { ChangeAnswer, CreateAnswer, Logs, QueryAnswer, RoleAnswer, StatusAnswer, SubmitAnswer } from '../ports/logs.ts'
import type { TypePort } from '../ports/types.ts'

/** A status waits for other peers, and they answer within a second or not at all. */
const STATUS_MS = 2_000

/**
 * Answers come from the type itself, which gives each request an answer of its kinds: that is taken
 * on trust here.
 */
export function logsOver(types: TypePort, random: Random): Logs {
  const ask = async (request: LogRequest, timeoutMs: number, signal?: AbortSignal): Promise<LogAnswerOf | undefined> =>
    (await types.ask(LOGS, request, timeoutMs, signal)) as LogAnswerOf | undefined
  return {
    newSubmitId: () => random.id() as SubmitId,
    submit: async (request, timeoutMs, signal) =>
      ((await ask({ kind: 'submit', ...request }, timeoutMs, signal)) ?? { kind: 'in-doubt', since: request.since }) as SubmitAnswer,
    query: async (request, timeoutMs, signal) =>
      ((await ask({ kind: 'query', ...request }, timeoutMs, signal)) ?? { kind: 'unavailable', why: 'no-majority' }) as QueryAnswer,
    create: async (request, timeoutMs) => (await ask({ kind: 'create', ...request }, timeoutMs)) as CreateAnswer,
    change: async (request, timeoutMs) => (await ask(request, timeoutMs)) as ChangeAnswer,
    list: async () => (await ask({ kind: 'list' }, 0)) as Extract<LogAnswerOf, { readonly kind: 'logs' }>,
    status: async (log) => (await ask({ kind: 'status', log }, STATUS_MS)) as StatusAnswer,
    role: async (log) => (await ask({ kind: 'role', log }, 0)) as RoleAnswer,
  }
}
