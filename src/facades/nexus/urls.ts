/** How nodes of Nexus are named: by a URL, where peers have multiaddrs. */

const LOOPBACK = '127.0.0.1'

/** `http://HOST:PORT` as a multiaddr; undefined for what is no such URL. */
export function multiaddrOfUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, hostname, port } = new URL(text)
  if (protocol !== 'http:' || port === '') return undefined
  const host = hostname === 'localhost' ? LOOPBACK : hostname.replace(/^\[(.*)\]$/, '$1')
  const family = host.includes(':') ? 'ip6' : /^[0-9.]+$/.test(host) ? 'ip4' : 'dns4'
  return `/${family}/${host}/tcp/${port}`
}
