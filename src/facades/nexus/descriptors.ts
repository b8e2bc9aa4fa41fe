/**
 * The descriptions of our messages as reflection tells them to other languages. The package that
 * makes them leaves out which file needs which, writes names without their package, and names the
 * entries of maps otherwise than the compiler of protocol buffers does: clients in Go refuse that.
 */
import type { PackageDefinition } from '@grpc/proto-loader'
import type * as Descriptor from 'protobufjs/ext/descriptor/index.js'

type Message = Descriptor.IDescriptorProto
type File = Descriptor.IFileDescriptorProto & { dependency?: string[] }

/** A message or an enumeration has the files that describe it; a service has none. */
interface Described {
  readonly fileDescriptorProtos?: readonly Buffer[]
}

/** Where a name is used, and the package that it is used in. */
type Rename = (name: string, scopes: readonly string[]) => string

/** @returns the same definition, with descriptions that are whole */
export function mended(
  definition: PackageDefinition,
  { FileDescriptorProto }: Pick<typeof Descriptor, 'FileDescriptorProto'>,
): PackageDefinition {
  const described = Object.entries(definition as unknown as Readonly<Record<string, Described>>)
  const bytes = described.flatMap(([, { fileDescriptorProtos = [] }]) => fileDescriptorProtos)
  const files = new Map<string, File>()
  for (const each of bytes) {
    const file = FileDescriptorProto.decode(each) as File
    if (!files.has(file.name ?? '')) files.set(file.name ?? '', file)
  }
  const homes = new Map<string, string>()
  for (const [name, file] of files) for (const symbol of symbolsOf(file)) homes.set(symbol, name)
  for (const file of files.values()) mend(file, homes)
  const fileDescriptorProtos = [...files.values()].map((file) =>
    Buffer.from(FileDescriptorProto.encode(FileDescriptorProto.fromObject(file)).finish()),
  )
  const isDescribed = (each: Described): boolean => each.fileDescriptorProtos !== undefined
  return Object.fromEntries(
    described.map(([name, each]) => [name, isDescribed(each) ? { ...each, fileDescriptorProtos } : each]),
  ) as unknown as PackageDefinition
}

/** Full names of all messages and enumerations. */
function symbolsOf(file: File): string[] {
  const below = (prefix: string, { name, nestedType, enumType }: Message): string[] => {
    const own = `${prefix}.${name}`
    return [own, ...(enumType ?? []).map((each) => `${own}.${each.name}`), ...(nestedType ?? []).flatMap((each) => below(own, each))]
  }
  const scope = file.package ?? ''
  return [...(file.messageType ?? []).flatMap((each) => below(scope, each)), ...(file.enumType ?? []).map(({ name }) => `${scope}.${name}`)]
}

function mend(file: File, homes: ReadonlyMap<string, string>): void {
  const scope = file.package ?? ''
  const needed = new Set<string>()
  const resolve: Rename = (given, scopes) => {
    const name = given.replace(/^\./, '')
    const found = [...scopes.map((each) => `${each}.${name}`), name].find((full) => homes.has(full))
    if (found === undefined) return given
    const home = homes.get(found) as string
    if (home !== file.name) needed.add(home)
    return `.${found}`
  }
  for (const message of file.messageType ?? []) mendMessage(message, [scope], resolve)
  for (const { method } of file.service ?? [])
    for (const each of method ?? []) {
      each.inputType = resolve(each.inputType ?? '', [scope])
      each.outputType = resolve(each.outputType ?? '', [scope])
    }
  file.dependency = [...needed]
}

function mendMessage(message: Message, outer: readonly string[], resolve: Rename): void {
  const own = `${outer[0]}.${message.name}`
  const scopes = [own, ...outer]
  for (const field of message.field ?? []) if ((field.typeName ?? '') !== '') field.typeName = resolve(field.typeName ?? '', scopes)
  for (const nested of message.nestedType ?? []) {
    mendMessage(nested, scopes, resolve)
    if (nested.options?.mapEntry !== true) continue
    const [before, after] = [`.${own}.${nested.name}`, `${nested.name}Entry`]
    for (const field of message.field ?? []) if (field.typeName === before) field.typeName = `.${own}.${after}`
    nested.name = after
  }
}
