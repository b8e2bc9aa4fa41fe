/** A client of Nexus: calls of one peer, by its address or by its operator socket. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type * as Grpc from '@grpc/grpc-js'
import { utf8 } from '../../bytes.ts'
import { loadClientPackages } from '../../facades/nexus/packages.ts'
import { SERVICE } from '../../facades/nexus/messages.ts'
import type { DataRequest, DataResponse, ListNodesResponse, NodeRequest, Status } from '../../facades/nexus/messages.ts'
import { nexusAddressOf } from '../../settings/repl-command.ts'
import type { NodeVerb, ReplCommand } from '../../settings/repl-command.ts'
import { CommandFailed } from '../failed.ts'
import { operatorSocketAt } from '../way.ts'

/** What a store finds is at most 16 MiB, and stands in a message with what was asked. */
const MESSAGE_BYTES_MAX = 20 * 1_048_576

type Method = 'Save' | 'Load' | 'ListNodes' | 'AddNode' | 'RemoveNode'

export class NexusClient {
  readonly #client: Grpc.Client
  readonly #grpc: typeof Grpc
  readonly #service: Grpc.ServiceDefinition
  readonly #metadata: Grpc.Metadata
  readonly #timeoutMs: number

  private constructor(grpc: typeof Grpc, client: Grpc.Client, service: Grpc.ServiceDefinition, { token, timeoutMs }: ReplCommand) {
    this.#grpc = grpc
    this.#client = client
    this.#service = service
    this.#timeoutMs = timeoutMs
    this.#metadata = new grpc.Metadata()
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`)
  }

  /** @throws CommandFailed when the packages are not installed, or a file cannot be read */
  static async open(command: ReplCommand, address: string): Promise<NexusClient> {
    const { grpc, definition } = await loadClientPackages('replicator repl').catch((error: unknown) => {
      throw new CommandFailed((error as Error).message, { cause: error })
    })
    const url = nexusAddressOf(address) as URL
    const socket = command.token === undefined ? await operatorSocketAt(url) : undefined
    const credentials = socket === undefined && isSecure(command, url) ? secured(grpc, command) : grpc.credentials.createInsecure()
    const client = new grpc.Client(socket === undefined ? url.host : `unix:${socket}`, credentials, {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      ...(socket !== undefined && { 'grpc.default_authority': 'localhost' }),
    })
    return new NexusClient(grpc, client, definition[SERVICE] as Grpc.ServiceDefinition, command)
  }

  /** @returns JSON */
  async run(statement: string, isQuery: boolean): Promise<string> {
    const args: Record<string, Uint8Array> = isQuery ? {} : { id: utf8.encode(randomUUID()) }
    const request: DataRequest = { data: utf8.encode(statement), args }
    const { resData } = (await this.#call(isQuery ? 'Load' : 'Save', request)) as DataResponse
    return utf8.decode(resData)
  }

  async nodes(): Promise<ListNodesResponse> {
    return (await this.#call('ListNodes', {})) as ListNodesResponse
  }

  async change(verb: Exclude<NodeVerb, 'listNodes'>, nodeUrl: string): Promise<Status> {
    const request: NodeRequest = { nodeUrl }
    return (await this.#call(verb === 'addNode' ? 'AddNode' : 'RemoveNode', request)) as Status
  }

  close(): void {
    this.#client.close()
  }

  /** @throws CommandFailed with what the peer says */
  #call(method: Method, request: object): Promise<unknown> {
    const { path, requestSerialize, responseDeserialize } = this.#service[method] as Grpc.MethodDefinition<object, object>
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const deadline = Date.now() + this.#timeoutMs
    this.#client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, this.#metadata, { deadline }, (error, response) => {
      if (error === null) resolve(response)
      else reject(new CommandFailed(this.#told(error), { cause: error }))
    })
    return promise
  }

  #told({ code, details, metadata }: Grpc.ServiceError): string {
    const why = metadata.get('replicator-code').map(String)
    const name = (this.#grpc.status[code] ?? String(code)).toLowerCase().replaceAll('_', ' ')
    return [`${name}:`, details, ...why.filter((each) => !details.includes(each)).map((each) => `(${each})`)].join(' ')
  }
}

/** Whoever names certificates means TLS. */
function isSecure({ ca, cert }: ReplCommand, { protocol }: URL): boolean {
  return protocol === 'https:' || ca !== undefined || cert !== undefined
}

function secured(grpc: typeof Grpc, { ca, cert, key }: ReplCommand): Grpc.ChannelCredentials {
  return grpc.credentials.createSsl(read(ca), read(key), read(cert))
}

function read(path: string | undefined): Buffer | null {
  if (path === undefined) return null
  try {
    return readFileSync(path)
  } catch (error) {
    throw new CommandFailed(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
