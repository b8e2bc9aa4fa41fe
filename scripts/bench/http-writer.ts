/** Puts single keys over HTTP, for what wrk cannot do: filling, and one request at a given time. */
import { Agent, request } from 'node:http'
import type { Writer } from './contender.ts'

export interface HttpPut {
  readonly method: string
  readonly path: string
  readonly body: string
  /** The only status that means that the key is stored. */
  readonly status: number
}

export function httpWriter(origin: string, answerMs: number, build: (key: string) => HttpPut): Writer {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 })
  const put = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const { method, path, body, status } = build(key)
      const headers = { 'content-length': Buffer.byteLength(body) }
      const outgoing = request(`${origin}${path}`, { agent, method, headers, timeout: answerMs }, (answer) => {
        answer.resume()
        answer.on('error', reject)
        answer.on('end', () => (answer.statusCode === status ? resolve() : reject(new Error(`${origin} answered ${answer.statusCode}`))))
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${answerMs} ms`)))
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  return { put, close: () => agent.destroy() }
}

/** Puts keys, some at a time. @throws Error when one of them is not stored */
export async function putAll(writers: readonly Writer[], keys: Iterable<string>, width: number): Promise<void> {
  const rest = keys[Symbol.iterator]()
  const work = async (writer: Writer): Promise<void> => {
    for (let next = rest.next(); next.done !== true; next = rest.next()) await writer.put(next.value)
  }
  await Promise.all(Array.from({ length: width }, (_, number) => work(writers[number % writers.length] as Writer)))
}
