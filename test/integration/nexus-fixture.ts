/** A gRPC server over made-up logs, and a client of the package's own. */
import type * as Grpc from '@grpc/grpc-js'
import type { HttpInit } from '../../src/http/app.ts'
import { loadServerPackages } from '../../src/facades/nexus/packages.ts'
import type { ServerPackages } from '../../src/facades/nexus/packages.ts'
import { NexusServer } from '../../src/facades/nexus/server.ts'
import { NexusService } from '../../src/facades/nexus/service.ts'
import { SERVICE } from '../../src/facades/nexus/messages.ts'
import type { RateLimit } from '../../src/security/rate.ts'
import { FakeLogs } from './fake-logs.ts'
import { startHttp } from './http-fixture.ts'
import type { Fixture } from './http-fixture.ts'

const DEADLINE_MS = 30_000

export const PACKAGES: ServerPackages = await loadServerPackages('a test')

/** What a call ends with; `code` is 0 for an answer. */
export interface Ended {
  readonly code: number
  readonly details: string
  readonly message: Readonly<Record<string, unknown>> | undefined
  readonly metadata: Readonly<Record<string, unknown>>
}

export interface NexusFixture extends AsyncDisposable {
  readonly http: Fixture
  readonly logs: FakeLogs
  readonly server: NexusServer
  readonly port: number
  readonly client: Grpc.Client
}

export function clientOf(port: number, credentials?: Grpc.ChannelCredentials, options?: Grpc.ClientOptions): Grpc.Client {
  const { grpc } = PACKAGES
  return new grpc.Client(`127.0.0.1:${port}`, credentials ?? grpc.credentials.createInsecure(), options)
}

export async function startNexus(options: Partial<HttpInit> & { readonly limit?: RateLimit } = {}): Promise<NexusFixture> {
  const logs = new FakeLogs()
  const http = await startHttp({ logs, ...options })
  const service = new NexusService({ logs, log: 'orders', peers: () => http.replicator.peers(), database: '3' })
  const server = new NexusServer({ packages: PACKAGES, service, log: 'orders', context: http.server.app.context, rate: options.limit })
  const port = await server.listen({ host: '127.0.0.1', port: 0 })
  const client = clientOf(port)
  return {
    http,
    logs,
    server,
    port,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close()
      await server.close(0)
      await http.server.close(0)
    },
  }
}

/** One call. @param headers metadata of it */
export function call(
  client: Grpc.Client,
  method: string,
  request: object,
  headers: Readonly<Record<string, string>> = {},
  deadlineMs: number = DEADLINE_MS,
): Promise<Ended> {
  const { grpc, definition } = PACKAGES
  const { path, requestSerialize, responseDeserialize } = (definition[SERVICE] as Grpc.ServiceDefinition)[method] as Grpc.MethodDefinition<
    object,
    object
  >
  const metadata = new grpc.Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const deadline = Date.now() + deadlineMs
  let message: Ended['message']
  client
    .makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, (_error, response) => {
      message = response as Ended['message']
    })
    .on('status', ({ code, details, metadata: trailer }) => {
      // The answer is told before or after the status.
      setImmediate(() => resolve({ code, details, message, metadata: trailer.getMap() }))
    })
  return promise
}
