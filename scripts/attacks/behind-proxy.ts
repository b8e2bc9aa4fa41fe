/** Row 6: a plain TCP proxy on the peer's machine, through which strangers come from loopback. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Attack } from './attack.ts'
import { finding } from './attack.ts'
import { exchange, open, requestText } from './raw-http.ts'

const LOOPBACK = '127.0.0.1'

export const behindProxy: Attack = {
  row: 6,
  name: 'behind-proxy',
  against: ['secret'],
  isBrief: true,
  async run({ victim, peers, source }) {
    const proxy = createServer((client) => {
      const onward = open(victim.httpPort, LOOPBACK)
      client.on('error', () => onward.destroy())
      client.pipe(onward).pipe(client)
    })
    proxy.listen(0, LOOPBACK)
    await once(proxy, 'listening')
    const { port } = proxy.address() as AddressInfo
    const remove = JSON.stringify({ remove: [peers[2]?.peerId] })
    const json = ['Host: localhost', 'Content-Type: application/json']
    const findings = []
    for (const [path, body] of [
      ['/config/changes', remove],
      ['/config/new-epoch', '{"networkId":"00000000000000000000000000000000"}'],
    ] as const) {
      const { status } = await exchange(port, source, requestText('POST', path, json, body))
      findings.push(finding(status === 401 || status === 403, `POST ${path} through a proxy: ${status}`))
    }
    proxy.close()
    return findings
  },
}
