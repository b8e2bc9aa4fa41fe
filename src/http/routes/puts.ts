/** `/puts`: many puts in one request. */
import { PUTS_BYTES_MAX, PUTS_MAX } from '../bulk-body.ts'
import { putMany } from '../bulk-puts.ts'
import { ALWAYS, jsonOf, problems, requestOf, TIMEOUT } from '../openapi-parts.ts'
import type { RouteGroup } from '../route.ts'
import { count, list, object, tag, text, time } from '../schemas.ts'

export function bulkRoutes(): RouteGroup {
  return {
    routes: [
      {
        path: '/puts',
        // Each key is opened or refused by itself.
        isList: true,
        methods: {
          POST: {
            scope: 'write',
            handle: putMany,
            operation: {
              operationId: 'putKeys',
              summary: 'Store many keys, each by itself',
              description: `Each put is an ordinary one: some may be stored and others not. A body has at most ${PUTS_BYTES_MAX} bytes.`,
              parameters: [TIMEOUT],
              requestBody: requestOf('Puts'),
              responses: {
                200: jsonOf('What became of each, in the order of the puts', 'PutAnswers'),
                ...problems(
                  ['bad-body', 'bad-parameter', 'body-timeout', 'too-large', 'not-ready', 'overloaded', 'forbidden', ...ALWAYS],
                  false,
                  {},
                ),
              },
            },
          },
        },
      },
    ],
    schemas: {
      Puts: object({ puts: { ...list(PUT), maxItems: PUTS_MAX } }),
      PutAnswers: object({ puts: list(PUT_ANSWER) }),
    },
  }
}

const PUT = {
  ...object(
    { key: { ...text, minLength: 1 } },
    {
      value: { ...text, description: 'Text, kept as UTF-8' },
      valueBase64: { ...text, pattern: '^[A-Za-z0-9+/]*={0,2}$', description: 'Bytes; of the two one is given' },
      contentType: { ...text, description: 'text/plain; charset=utf-8 for text and application/octet-stream for bytes, unless given' },
      idempotencyKey: { ...text, description: 'Names this put, as the header Idempotency-Key does' },
    },
  ),
  additionalProperties: false,
}

const PUT_ANSWER = object(
  { status: { type: 'integer' } },
  {
    key: text,
    writeId: text,
    size: count,
    etag: tag,
    writtenAt: time,
    type: { ...text, description: 'Of a put that was refused: its problem, as that of a single put' },
    title: text,
    detail: text,
  },
)
