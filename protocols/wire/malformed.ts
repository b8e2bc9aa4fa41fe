/** Thrown for bytes that no peer of this protocol writes. The text is a short reason. */
export class MalformedBytes extends Error {
  static override readonly name = 'MalformedBytes'
  override readonly name = 'MalformedBytes'
}

/** @throws MalformedBytes always */
export function refuse(reason: string): never {
  throw new MalformedBytes(reason)
}
