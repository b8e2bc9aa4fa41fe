/** The interface as OpenAPI 3.1: what `/openapi.json` serves. Its paths and shapes are those of the rows. */
import type { Part } from './openapi-parts.ts'
import type { Route, RouteGroup } from './route.ts'
import { SHARED_SCHEMAS } from './schemas.ts'

export function openApiDocument(version: string, groups: readonly RouteGroup[]): Part {
  const routes = groups.flatMap((group) => group.routes)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Replicator',
      version,
      description:
        'A write-once key-value store over many clusters. Any peer serves any request. A key that was stored keeps its value for ever. ' +
        'Errors are problems (RFC 9457): decide by their `type`; a 502, 503 or 504 without one comes from something in between and leaves a put in doubt.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: Object.fromEntries(routes.map((route) => [route.path, pathItem(route)])),
    components: { schemas: Object.assign({}, SHARED_SCHEMAS, ...groups.map(({ schemas }) => schemas)) as Part },
  }
}

function pathItem({ parameters, methods }: Route): Part {
  const operations = Object.entries(methods).map(([method, { operation }]) => [method.toLowerCase(), operation])
  return { ...(parameters && { parameters }), ...Object.fromEntries(operations) }
}
