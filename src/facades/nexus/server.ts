/** The gRPC server of one log: its services behind their guard, its ports, and an orderly end. */
import type * as Grpc from '@grpc/grpc-js'
import { LOG_LIMITS } from '../../../protocols/log/limits.ts'
import type { HttpContext } from '../../http/context.ts'
import type { ListenAddress } from '../../http/listener.ts'
import { SINCE_HEADER, indexOf } from '../../http/logs/query.ts'
import { Sockets } from '../../http/sockets.ts'
import { OPERATOR } from '../../security/grant.ts'
import type { RateLimit } from '../../security/rate.ts'
import type { TlsMaterial } from '../../security/tls-files.ts'
import { Arrivals } from './arrivals.ts'
import { Connections } from './connections.ts'
import { mended } from './descriptors.ts'
import { GuardedCall } from './guard.ts'
import type { GuardInit } from './guard.ts'
import { SERVICE } from './messages.ts'
import type { ServerPackages } from './packages.ts'
import { CallRefused, CODE, statusOf } from './refusals.ts'
import type { Call, NexusService } from './service.ts'

/** A command, and what a message has beside it. */
const MESSAGE_BYTES_MAX: number = LOG_LIMITS.commandBytesMax + 65_536
/** Open at a time on a connection, as of HTTP. */
const STREAMS_MAX = 256
/** How long a call may take that names no deadline, and the longest it may name. */
const TIMEOUT_MS = 10_000
const TIMEOUT_MAX_MS = 60_000
/** Between looks at whether the log can be served, for who watches its health. */
const HEALTH_MS = 1_000
/** A connection without a call is closed after this, and one whose other end is silent is asked. */
const IDLE_MS = 300_000
const KEEPALIVE_MS = 30_000
const SINCE = SINCE_HEADER.toLowerCase()

export interface NexusServerInit {
  readonly packages: ServerPackages
  readonly service: NexusService
  readonly log: string
  /** What is counted with the requests of HTTP. */
  readonly context: HttpContext
  readonly rate: RateLimit | undefined
  readonly connectionsFull?: (() => void) | undefined
}

export class NexusServer {
  readonly #init: NexusServerInit
  readonly #arrivals: Arrivals = new Arrivals()
  readonly #sockets: Sockets
  readonly #doors: Door[] = []
  readonly #endless = new Set<() => void>()
  readonly #health: InstanceType<ServerPackages['health']['HealthImplementation']>
  readonly #healthTimer: NodeJS.Timeout
  #isClosing = false

  constructor(init: NexusServerInit) {
    const { load, clients, metrics } = init.context
    this.#init = init
    this.#sockets = new Sockets(load, clients, { cuts: metrics.cuts, full: init.connectionsFull })
    const { HealthImplementation } = init.packages.health
    this.#health = new HealthImplementation({ '': 'NOT_SERVING', [SERVICE]: 'NOT_SERVING' })
    const look = (): void => void this.#look()
    look()
    this.#healthTimer = setInterval(look, HEALTH_MS).unref()
  }

  /**
   * Lets clients in at one more address. Who comes by a socket file is the operator: see that
   * nobody else can open it.
   *
   * @throws the system's error when the address cannot be had
   */
  async listen(address: ListenAddress, tls?: TlsMaterial): Promise<number> {
    const { grpc } = this.#init.packages
    const door: { connections?: Connections } = {}
    const server = this.#serve({
      grant: 'path' in address ? OPERATOR : undefined,
      isSecure: tls !== undefined,
      connectionOf: (end) => door.connections?.of(end),
    })
    const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
    const connections = new Connections({ sockets: this.#sockets, tls, take: (socket) => injector.injectConnection(socket) })
    door.connections = connections
    const port = await connections.listen(address)
    this.#doors.push({ server, connections })
    return port
  }

  renew(tls: TlsMaterial): void {
    for (const { connections } of this.#doors) connections.renew(tls)
  }

  /** Begins nothing more, and waits for what was begun. @param graceMs the longest to wait */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#healthTimer)
    this.#health.setStatus('', 'NOT_SERVING')
    this.#health.setStatus(SERVICE, 'NOT_SERVING')
    for (const end of this.#endless) end()
    await Promise.all(this.#doors.map((door) => this.#shut(door, graceMs)))
  }

  /** The package takes a connection with calls under way for a closed one, so it is the sockets that are waited for. */
  async #shut({ server, connections }: Door, graceMs: number): Promise<void> {
    const cut = setTimeout(() => {
      server.forceShutdown()
      connections.destroy()
    }, graceMs)
    const gone = connections.stop()
    server.tryShutdown(() => undefined)
    await gone
    clearTimeout(cut)
  }

  #serve(entrance: Pick<GuardInit, 'grant' | 'isSecure' | 'connectionOf'>): Grpc.Server {
    const { packages, context, rate, log } = this.#init
    const { grpc, definition, reflection, descriptor } = packages
    const guard: GuardInit = {
      ...entrance,
      grpc,
      context,
      rate,
      arrivals: this.#arrivals,
      standsFor: `/logs/${log}`,
      endless: this.#endless,
      isClosing: () => this.#isClosing,
    }
    const server = new grpc.Server({
      ...OPTIONS,
      interceptors: [(method, call) => new grpc.ServerInterceptingCall(call, new GuardedCall(guard, method, call))],
    })
    server.addService(definition[SERVICE] as Grpc.ServiceDefinition, this.#handlers())
    this.#health.addToServer(server)
    new reflection.ReflectionService(mended(definition, descriptor)).addToServer(server)
    return server
  }

  #handlers(): Grpc.UntypedServiceImplementation {
    const { service } = this.#init
    const serve: Readonly<Record<string, (request: never, call: Call) => Promise<unknown>>> = {
      Check: (request) => service.check(request),
      Save: (request, call) => service.save(request, call),
      Load: (request, call) => service.load(request, call),
      AddNode: (request, call) => service.addNode(request, call),
      RemoveNode: (request, call) => service.removeNode(request, call),
      ListNodes: () => service.listNodes(),
      Replicate: (request, call) => service.replicate(request, call),
    }
    return Object.fromEntries(Object.entries(serve).map(([name, each]) => [name, this.#handler(each)]))
  }

  #handler(serve: (request: never, call: Call) => Promise<unknown>): Grpc.handleUnaryCall<unknown, unknown> {
    return (call, answer) => {
      const trailer = new this.#init.packages.grpc.Metadata()
      const since = sinceOf(call.metadata)
      if (since === undefined) return answer({ code: CODE.invalid, details: `${SINCE} is a whole number, as an answer has it.` })
      const aborting = new AbortController()
      call.on('cancelled', () => aborting.abort())
      const tellSince = (index: number): void => trailer.set(SINCE, String(index))
      serve(call.request as never, { timeoutMs: timeoutOf(call.getDeadline()), signal: aborting.signal, since, tellSince }).then(
        (message) => answer(null, message, trailer),
        (error: unknown) => answer(this.#errorOf(error)),
      )
    }
  }

  #errorOf(error: unknown): Partial<Grpc.StatusObject> {
    const { grpc } = this.#init.packages
    if (error instanceof CallRefused) return statusOf(grpc, error.refusal)
    this.#init.context.logger.error({ err: error }, 'a call failed by a mistake of ours')
    return { code: CODE.internal, details: 'This peer made a mistake; its log says more. Whether anything was stored is not known.' }
  }

  async #look(): Promise<void> {
    const status = await this.#init.service.serving()
    if (this.#isClosing) return
    for (const name of ['', SERVICE]) this.#health.setStatus(name, status)
  }
}

interface Door {
  readonly server: Grpc.Server
  readonly connections: Connections
}

const OPTIONS: Grpc.ServerOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
  // What a store answers is bounded there.
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': STREAMS_MAX,
  'grpc.max_connection_idle_ms': IDLE_MS,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.enable_channelz': 0,
}

/** Milliseconds; a call that names no deadline gets the usual one. */
function timeoutOf(deadline: Grpc.Deadline): number {
  const atMs = deadline instanceof Date ? deadline.getTime() : deadline
  if (!Number.isFinite(atMs)) return TIMEOUT_MS
  return Math.min(Math.max(atMs - Date.now(), 1), TIMEOUT_MAX_MS)
}

/** 0 where the client does not say; undefined when it says what is none. */
function sinceOf(metadata: Grpc.Metadata): number | undefined {
  const [given] = metadata.get(SINCE)
  return given === undefined ? 0 : indexOf(String(given))
}
