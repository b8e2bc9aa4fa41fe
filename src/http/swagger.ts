/**
 * The page to try the interface on. Everything it needs is served from here: it asks nobody
 * outside.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Answer } from './answers.ts'
import { text, UNFRAMED_POLICY } from './answers.ts'

/** A file of the page. */
export interface SwaggerAsset {
  readonly name: string
  readonly contentType: string
  /** @throws when the file cannot be read */
  read(): Promise<Uint8Array>
}

const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

// The validator is a service on the internet, which would be told of every interface that is looked
// at.
const START = `window.ui = SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  queryConfigEnabled: false,
  presets: [SwaggerUIBundle.presets.apis],
})
`

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Replicator</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="stylesheet" href="swagger/swagger-ui.css">
    <link rel="icon" type="image/png" href="swagger/favicon-32x32.png">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="swagger/swagger-ui-bundle.js"></script>
    <script src="swagger/start.js"></script>
  </body>
</html>
`

/** The files below `/swagger/`: these and no others. */
export const SWAGGER_ASSETS: readonly SwaggerAsset[] = [
  fromPackage('swagger-ui.css', 'text/css; charset=utf-8'),
  fromPackage('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
  fromPackage('favicon-32x32.png', 'image/png'),
  { name: 'start.js', contentType: 'text/javascript; charset=utf-8', read: async () => Buffer.from(START) },
]

/** The page itself. */
export function swaggerPage(): Answer {
  const policy = `default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; ${UNFRAMED_POLICY}`
  return text(200, 'text/html; charset=utf-8', PAGE, policy)
}

/**
 * Read once, when it is first asked for: whoever asks often does not have it read often, nor held
 * in memory more than once.
 */
function fromPackage(name: string, contentType: string): SwaggerAsset {
  let content: Promise<Uint8Array> | undefined
  const read = (): Promise<Uint8Array> => {
    content ??= readFile(join(directory, name)).catch((error: unknown) => {
      content = undefined
      throw error
    })
    return content
  }
  return { name, contentType, read }
}
