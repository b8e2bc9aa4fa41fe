/** `/console`: a page that shows the network and what it keeps, to people. */
import type { Exchange } from '../exchange.ts'
import { answerOf, consoleFile, consolePage } from '../console.ts'
import type { Answer } from '../answers.ts'
import { headerOf } from '../openapi-parts.ts'
import type { Part } from '../openapi-parts.ts'
import { problem } from '../problems.ts'
import { reading } from '../reading.ts'
import { answering } from '../route.ts'
import type { RouteGroup } from '../route.ts'
import { pathOf } from '../target.ts'

const PREFIX = '/console/'
const KEPT = { ETag: headerOf(), 'Cache-Control': headerOf('no-cache') }
const UNCHANGED: Part = { description: 'It is as the client has it', headers: KEPT }

export function consoleRoutes(): RouteGroup {
  return {
    routes: [
      {
        path: '/console',
        methods: reading({
          scope: 'none',
          handle: answering(async ({ request }) => answerOf(await consolePage(), request.headers['if-none-match'])),
          operationId: 'readConsole',
          summary: 'A page that shows the network and what it keeps',
          responses: { 200: { description: 'The page', headers: KEPT, content: { 'text/html': {} } }, 304: UNCHANGED },
        }),
      },
      {
        path: `${PREFIX}{folder}/{file}`,
        parameters: [partOfPath('folder', ['console', 'client', 'npm']), partOfPath('file')],
        methods: reading({
          scope: 'none',
          handle: answering(serveFile),
          operationId: 'readConsoleFile',
          summary: 'A file of that page',
          responses: {
            200: {
              description: 'The file',
              headers: KEPT,
              content: { 'text/html': {}, 'text/javascript': {}, 'text/css': {}, 'image/svg+xml': {} },
            },
            304: UNCHANGED,
          },
          refusals: ['not-found'],
        }),
      },
    ],
    schemas: {},
  }
}

function partOfPath(name: string, known?: readonly string[]): Part {
  return { name, in: 'path', required: true, schema: { type: 'string', ...(known && { enum: known }) } }
}

async function serveFile({ request }: Exchange): Promise<Answer> {
  const file = await consoleFile(pathOf(request).slice(PREFIX.length))
  return file === undefined ? problem('not-found', 'The console has no such file.') : answerOf(file, request.headers['if-none-match'])
}
