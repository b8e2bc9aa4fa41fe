/** Row 12: requests that two readers could take for different ones. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { exchange } from './raw-http.ts'

const HOST = 'Host: localhost'
const END = 'Connection: close'

/** What is sent, and the statuses of which one must come. */
const CASES: readonly (readonly [string, string, ...number[]])[] = [
  ['two Host headers', `GET /status HTTP/1.1\r\n${HOST}\r\nHost: example.org\r\n${END}\r\n\r\n`, 400],
  ['Transfer-Encoding: gzip, chunked', put('gzip-chunked', 'Transfer-Encoding: gzip, chunked', '1\r\nx\r\n0\r\n\r\n'), 501],
  [
    'two Transfer-Encoding headers',
    put('two-codings', 'Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked', '1\r\nx\r\n0\r\n\r\n'),
    501,
  ],
  ['no Host', `GET /status HTTP/1.1\r\n${END}\r\n\r\n`, 400],
  ['both lengths', put('both', 'Content-Length: 1\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), 400, 501],
  ['two lengths', put('two-lengths', 'Content-Length: 1\r\nContent-Length: 2', 'xx'), 400],
  ['a path that climbs', `GET /store/a/%2e%2e/b HTTP/1.1\r\n${HOST}\r\n${END}\r\n\r\n`, 400],
  ['too many headers', `GET /status HTTP/1.1\r\n${HOST}\r\nX: ${'x'.repeat(40_000)}\r\n${END}\r\n\r\n`, 431],
  ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400],
]

function put(key: string, headers: string, body: string): string {
  return `PUT /store/odd-${key} HTTP/1.1\r\n${HOST}\r\n${headers}\r\n${END}\r\n\r\n${body}`
}

export const oddRequests: Attack = {
  row: 12,
  name: 'odd-requests',
  against: ['secret'],
  isBrief: true,
  async run({ victim, source }) {
    const findings = []
    for (const [what, text, ...expected] of CASES) {
      const { status } = await exchange(victim.httpPort, source, text)
      findings.push(finding(expected.includes(status), `${what}: ${status}`))
    }
    return findings
  },
}
