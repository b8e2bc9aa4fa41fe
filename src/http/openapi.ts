/**
 * The interface as OpenAPI 3.1: what `/openapi.json` serves. Its paths and shapes are those of the
 * rows.
 */
import { assert } from '../../protocols/base/assert.ts'
import { headerOf, problems } from './openapi-parts.ts'
import type { Part } from './openapi-parts.ts'
import type { Route, RouteGroup, RouteMethod } from './route.ts'
import { SHARED_SCHEMAS } from './schemas.ts'

const SCHEME = 'token'
const TOKENS =
  'Where the peer was started with -tokens: a token with the scope that the operation names, and where it is kept to prefixes, one that the path is below.'
const CHALLENGE: Readonly<Record<number, Part>> = { 401: { 'WWW-Authenticate': headerOf() } }

export function openApiDocument(version: string, groups: readonly RouteGroup[]): Part {
  const routes = groups.flatMap((group) => group.routes)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Replicator',
      version,
      description:
        'Write-once keys and sets over many clusters. Any peer serves any request. A key that was stored keeps its value for ever. ' +
        'Errors are problems (RFC 9457): decide by their `type`; a 502, 503 or 504 without one comes from something in between and leaves a put in doubt.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    components: {
      securitySchemes: { [SCHEME]: { type: 'http', scheme: 'bearer', description: TOKENS } },
      schemas: schemasOf(groups),
    },
  }
}

/** All shapes by their names. A name that two groups give would leave one of them undescribed. */
function schemasOf(groups: readonly RouteGroup[]): Part {
  const named = [SHARED_SCHEMAS, ...groups.map(({ schemas }) => schemas)].flatMap((schemas) => Object.entries(schemas ?? {}))
  const schemas = new Map(named)
  assert(schemas.size === named.length, `a schema twice: ${named.map(([name]) => name).join(', ')}`)
  return Object.fromEntries(schemas)
}

function pathItem({ parameters, methods }: Route): Part {
  const operations = Object.entries(methods).map(([method, row]) => [method.toLowerCase(), guarded(method, row)])
  return { ...(parameters && { parameters }), ...Object.fromEntries(operations) }
}

/**
 * An operation with what it asks of clients where there are tokens, and the answers to those who
 * lack it.
 */
function guarded(method: string, { scope, operation }: RouteMethod): Part {
  if (scope === 'none') return { ...operation, security: [] }
  const refusals = problems(['unauthorized', 'forbidden', 'too-many-requests'], method === 'HEAD', CHALLENGE)
  return {
    ...operation,
    security: [{}, { [SCHEME]: [scope] }],
    responses: { ...refusals, ...(operation['responses'] as Part) },
  }
}
