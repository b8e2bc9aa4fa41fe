/** The rows of a path that is only read: GET, and HEAD without the body. */
import { ALWAYS, problems } from './openapi-parts.ts'
import type { Part } from './openapi-parts.ts'
import type { ProblemName } from './problems.ts'
import type { RouteMethod, Scope } from './route.ts'

export interface Reading {
  readonly scope: Scope
  readonly handle: RouteMethod['handle']
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly Part[]
  /** By status: what is answered when it is not refused. */
  readonly responses: Part
  /** What it may be refused with, beside what any request may be. */
  readonly refusals?: readonly ProblemName[]
}

export function reading({ scope, handle, operationId, summary, parameters = [], responses, refusals = [] }: Reading): {
  readonly GET: RouteMethod
  readonly HEAD: RouteMethod
} {
  const names = [...refusals, ...ALWAYS]
  const bare = Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [status, { ...(response as Part), content: undefined }]),
  )
  const get = { operationId, summary, parameters, responses: { ...responses, ...problems(names, false, {}) } }
  const head = {
    operationId: `${operationId}Head`,
    summary: `${summary} (head only)`,
    parameters,
    responses: { ...bare, ...problems(names, true, {}) },
  }
  return { GET: { scope, handle, operation: get }, HEAD: { scope, handle, operation: head } }
}
