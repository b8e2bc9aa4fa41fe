/** The packages that speak gRPC. They are optional, and loaded when a log is served, or asked, so. */
import type * as Grpc from '@grpc/grpc-js'
import type * as ProtoLoader from '@grpc/proto-loader'
import type * as Reflection from '@grpc/reflection'
import type * as Health from 'grpc-health-check'
import type * as Descriptor from 'protobufjs/ext/descriptor/index.js'
import { join } from 'node:path'

const CLIENT_PACKAGES = '@grpc/grpc-js @grpc/proto-loader'
const SERVER_PACKAGES = `${CLIENT_PACKAGES} @grpc/reflection grpc-health-check protobufjs`
const PROTO = 'nexus.proto'
/** Numbers of 64 bits as texts, enumerations by their names, nothing left out. */
const LOADING: ProtoLoader.Options = {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  includeDirs: [import.meta.dirname],
}

export interface ClientPackages {
  readonly grpc: typeof Grpc
  readonly definition: ProtoLoader.PackageDefinition
}

export interface ServerPackages extends ClientPackages {
  readonly health: typeof Health
  readonly reflection: typeof Reflection
  readonly descriptor: typeof Descriptor
}

/** @throws Error of one line when they are not installed */
export async function loadClientPackages(why: string): Promise<ClientPackages> {
  return installed(why, CLIENT_PACKAGES, async () => {
    const [grpc, loader] = await Promise.all([import('@grpc/grpc-js'), import('@grpc/proto-loader')])
    return { grpc, definition: loader.loadSync(join(import.meta.dirname, PROTO), LOADING) }
  })
}

/** @throws Error of one line when they are not installed */
export async function loadServerPackages(why: string): Promise<ServerPackages> {
  return installed(why, SERVER_PACKAGES, async () => {
    const [grpc, loader, health, reflection, { default: descriptor }] = await Promise.all([
      import('@grpc/grpc-js'),
      import('@grpc/proto-loader'),
      import('grpc-health-check'),
      import('@grpc/reflection'),
      import('protobufjs/ext/descriptor/index.js') as unknown as Promise<{ readonly default: typeof Descriptor }>,
    ])
    const definition = loader.loadSync([join(import.meta.dirname, PROTO), health.protoPath], LOADING)
    return { grpc, definition, health, reflection, descriptor }
  })
}

async function installed<Packages>(why: string, names: string, load: () => Promise<Packages>): Promise<Packages> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Error(`${why} needs packages that are not installed: npm install ${names}`, { cause: error })
  }
}
