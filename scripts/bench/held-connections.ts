/** Posts JSON to one peer over connections that are kept. */
import { Agent, request } from 'node:http'

export class HeldConnections {
  readonly #host: string
  readonly #port: number
  readonly #agent: Agent

  constructor(host: string, port: number, width: number) {
    this.#host = host
    this.#port = port
    this.#agent = new Agent({ keepAlive: true, maxSockets: width })
  }

  /** @throws Error when it is not answered by 200 */
  post(path: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
      const outgoing = request({ host: this.#host, port: this.#port, path, method: 'POST', agent: this.#agent, headers }, (answer) => {
        answer.resume()
        answer.on('error', reject)
        answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${path} answered ${answer.statusCode}`))))
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
