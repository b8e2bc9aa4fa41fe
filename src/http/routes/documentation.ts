/** `/openapi.json` and `/swagger`: the interface described, and a page to try it on. */
import { bytes, text } from '../answers.ts'
import type { Answer } from '../answers.ts'
import type { Exchange } from '../exchange.ts'
import { contentOf, headerOf } from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import { problem } from '../problems.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { SWAGGER_ASSETS, swaggerPage } from '../swagger.ts'
import { pathOf } from '../target.ts'

const ASSET_PREFIX = '/swagger/'

const ASSET: Part = {
  name: 'asset',
  in: 'path',
  required: true,
  schema: { type: 'string', enum: SWAGGER_ASSETS.map(({ name }) => name) },
}

const ASSET_CONTENT: Part = {
  description: 'The file',
  headers: { 'Cache-Control': headerOf('no-store') },
  content: { 'text/css': {}, 'text/javascript': {}, 'image/png': {} },
}

/** @param document the whole OpenAPI document, asked for when the rows are complete */
export function documentationRoutes(document: () => string): RouteGroup {
  return {
    routes: [
      {
        path: '/openapi.json',
        methods: reading({
          scope: 'none',
          handle: answering(() => text(200, 'application/json', document())),
          operationId: 'readInterface',
          summary: 'This document',
          responses: { 200: contentOf('The document', 'application/json') },
        }),
      },
      {
        path: '/swagger',
        methods: reading({
          scope: 'none',
          handle: answering(() => swaggerPage()),
          operationId: 'readPage',
          summary: 'A page to try the interface on',
          responses: { 200: contentOf('The page', 'text/html') },
        }),
      },
      {
        path: `${ASSET_PREFIX}{asset}`,
        literals: SWAGGER_ASSETS.map(({ name }) => ASSET_PREFIX + name),
        parameters: [ASSET],
        methods: reading({
          scope: 'none',
          handle: answering(serveAsset),
          operationId: 'readAsset',
          summary: 'A file of the page',
          responses: { 200: ASSET_CONTENT },
          refusals: ['not-found'],
        }),
      },
    ],
    schemas: {},
  }
}

async function serveAsset({ request }: Exchange): Promise<Answer> {
  const asset = SWAGGER_ASSETS.find(({ name }) => pathOf(request) === ASSET_PREFIX + name)
  if (asset === undefined) return problem('not-found', 'The page has no such file.')
  return bytes(200, asset.contentType, await asset.read())
}
