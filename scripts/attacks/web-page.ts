/**
 * Row 5: what a page of another site can have a browser send: its own name made to lead here, or
 * its own origin.
 */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { exchange, requestText } from './raw-http.ts'

const EVIL = 'http://evil.example'

export const webPage: Attack = {
  row: 5,
  name: 'web-page',
  against: ['secret'],
  isBrief: true,
  async run({ victim: { httpPort }, source }) {
    const here = `Host: 127.0.0.1:${httpPort}`
    const rebound = `Host: evil.example:${httpPort}`
    const cases: readonly (readonly [string, string, readonly string[], string | undefined, number])[] = [
      ['GET', '/store?limit=1', [rebound], undefined, 421],
      ['GET', '/status', [rebound], undefined, 421],
      ['PUT', '/store/rebound', [rebound], 'x', 421],
      ['PUT', '/store/foreign', [here, `Origin: ${EVIL}`], 'x', 403],
      ['PUT', '/store/no-origin', [here, 'Origin: null'], 'x', 403],
      ['PUT', '/store/cross-site', [here, 'Sec-Fetch-Site: cross-site'], 'x', 403],
      ['POST', '/config/changes', [here, `Origin: ${EVIL}`], '{}', 403],
    ]
    const findings = []
    for (const [method, path, headers, body, expected] of cases) {
      const { status } = await exchange(httpPort, source, requestText(method, path, headers, body))
      findings.push(finding(status === expected, `${method} ${path} with ${headers.at(-1)}: ${status}`))
    }
    for (const [method, extra] of [
      ['GET', []],
      ['OPTIONS', ['Access-Control-Request-Method: PUT']],
    ] as const) {
      const { head } = await exchange(httpPort, source, requestText(method, '/status', [here, `Origin: ${EVIL}`, ...extra]))
      const isOpened = /access-control-allow/i.test(head)
      findings.push(finding(!isOpened, `${method} of another origin ${isOpened ? 'is' : 'is not'} allowed to be read`))
    }
    return findings
  },
}
