/** What a peer under attack says of itself, asked as a client of its own asks. */
import { exchange, requestText } from './raw-http.ts'

const CLIENT = '127.0.0.1'

export async function readJson<T>(port: number, path: string): Promise<T> {
  const { body } = await exchange(port, CLIENT, requestText('GET', path, ['Host: localhost']))
  return JSON.parse(Buffer.from(body, 'latin1').toString()) as T
}

/** The warnings of `/status`, as text. */
export async function warningsOf(port: number): Promise<string[]> {
  const { warnings } = await readJson<{ readonly warnings: readonly unknown[] }>(port, '/status')
  return warnings.map((warning) => JSON.stringify(warning))
}
