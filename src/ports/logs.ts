/** What a peer offers of its logs to whoever speaks to clients. */
import type { CreateRequest, LogAnswerOf, OperatorRequest, QueryRequest, SubmitRequest } from '../../protocols/log/requests.ts'

type Of<Kind extends LogAnswerOf['kind']> = Extract<LogAnswerOf, { readonly kind: Kind }>

export type SubmitAnswer = Of<'outcome' | 'not-ordered' | 'in-doubt' | 'unknown-log' | 'log-ended'>
export type QueryAnswer = Of<'answered' | 'not-a-query' | 'result-too-large' | 'unavailable' | 'unknown-log' | 'log-ended'>
export type CreateAnswer = Of<'created' | 'exists' | 'bad-place' | 'not-ready'>
export type ChangeAnswer = Of<
  | 'changing'
  | 'changed'
  | 'not-changed'
  | 'unavailable'
  | 'unknown-peer'
  | 'unknown-log'
  | 'log-ended'
  | 'bad-place'
  | 'not-refilled'
  | 'not-ready'
  | 'ended'
  | 'recovered'
  | 'not-recovered'
>
export type StatusAnswer = Of<'status' | 'unknown-log' | 'log-ended'>
export type RoleAnswer = Of<'role' | 'unknown-log' | 'log-ended'>

export interface Logs {
  /** A name for a command whose client gave it none. */
  newSubmitId(): SubmitRequest['submitId']
  /** @param signal the client hung up */
  submit(request: Omit<SubmitRequest, 'kind'>, timeoutMs: number, signal: AbortSignal): Promise<SubmitAnswer>
  query(request: Omit<QueryRequest, 'kind'>, timeoutMs: number, signal: AbortSignal): Promise<QueryAnswer>
  create(request: Omit<CreateRequest, 'kind'>, timeoutMs: number): Promise<CreateAnswer>
  /** Answered when it is under way. */
  change(request: OperatorRequest, timeoutMs: number): Promise<ChangeAnswer>
  list(): Promise<Of<'logs'>>
  status(log: string): Promise<StatusAnswer>
  role(log: string): Promise<RoleAnswer>
  /** Whether Kafka orders it: its positions are offsets. Left out where it orders none. */
  isByOffset?(log: string): boolean
}
