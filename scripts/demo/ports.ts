/** Ports for a demo: those that its page names, where they are free. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

/** @param wanted 0 for any. @returns as many others in the place of those that somebody has */
export async function portsOr(wanted: readonly number[]): Promise<number[]> {
  const servers = await Promise.all(wanted.map(async (port) => opened(port).catch(() => opened(0))))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function opened(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
