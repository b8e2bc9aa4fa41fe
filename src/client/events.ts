/** Server-sent events of a stream of bytes, as much of them as peers send. */

export interface ServerEvent {
  readonly name: string
  readonly data: string
  /** Of the last event that had one; undefined before. */
  readonly id: string | undefined
  /** True where this one had it. A comment has neither name nor id. */
  readonly hasId: boolean
}

/** Ends with the stream. @throws what ends it before its end */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  let id: string | undefined
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = new Map(
          block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
        )
        id = fields.get('id') ?? id
        yield { name: fields.get('event') ?? '', data: fields.get('data') ?? '', id, hasId: fields.has('id') }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
