/** Row 13: answers that another page may frame, load or guess the type of. */
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { exchange, requestText } from './raw-http.ts'

const PATHS = [
  '/console',
  '/console/console/main.js',
  '/swagger',
  '/swagger/swagger-ui-bundle.js',
  '/status',
  '/openapi.json',
  '/store?limit=1',
  '/metrics',
  '/no-such-path',
]
const HEADERS: readonly (readonly [string, RegExp])[] = [
  ['frame-ancestors', /^content-security-policy:.*frame-ancestors/im],
  ['nosniff', /^x-content-type-options: nosniff/im],
  ['Cross-Origin-Resource-Policy', /^cross-origin-resource-policy: same-origin/im],
]

export const pageHeaders: Attack = {
  row: 13,
  name: 'page-headers',
  against: ['secret'],
  isBrief: true,
  async run({ victim, source }) {
    const findings = []
    for (const path of PATHS) {
      const { head } = await exchange(victim.httpPort, source, requestText('GET', path, ['Host: localhost']))
      const lacking = HEADERS.filter(([, pattern]) => !pattern.test(head)).map(([name]) => name)
      findings.push(finding(lacking.length === 0, lacking.length === 0 ? `${path}: all there` : `${path} lacks ${lacking.join(', ')}`))
    }
    return findings
  },
}
