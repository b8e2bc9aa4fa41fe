/** Requests that are almost HTTP, over sockets of their own. */
import type { Chance } from '../../test/simulation/chance.ts'
import { opened } from '../attacks/raw-http.ts'
import { pause } from '../attacks/waiting.ts'
import { mutated } from './mutate.ts'
import type { Subject } from './subject.ts'
import { Found } from './subject.ts'

const HOST = 'Host: localhost\r\n'
const CORPUS: readonly Uint8Array[] = [
  `GET /store/anchor HTTP/1.1\r\n${HOST}\r\n`,
  `HEAD /store/anchor HTTP/1.1\r\n${HOST}If-None-Match: "00"\r\n\r\n`,
  `GET /store/a%2Fb?timeout=100&consistency=local HTTP/1.1\r\n${HOST}\r\n`,
  `GET /store?prefix=a&after=b&limit=10 HTTP/1.1\r\n${HOST}\r\n`,
  `GET /store/none?wait=100 HTTP/1.1\r\n${HOST}\r\n`,
  `PUT /store/fuzz HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nvalue`,
  `PUT /store/fuzz-2 HTTP/1.1\r\n${HOST}Idempotency-Key: "w-1"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nvalue\r\n0\r\n\r\n`,
  `PUT /store/fuzz-3?timeout=100 HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
  `PUT /store/fuzz-4 HTTP/1.1\r\n${HOST}If-Match: "x"\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n`,
  `POST /config/changes HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"withdraw":true}`,
  `GET http://localhost/status HTTP/1.1\r\n${HOST}Authorization: Bearer abc\r\n\r\n`,
  `GET /peers HTTP/1.1\r\n${HOST}Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n\r\n`,
  `GET /swagger/start.js HTTP/1.1\r\n${HOST}X-Forwarded-For: 10.0.0.1\r\nConnection: keep-alive\r\n\r\n`,
  `GET /metrics HTTP/1.0\r\n\r\nGET /openapi.json HTTP/1.1\r\n${HOST}\r\n`,
].map((text) => Buffer.from(text, 'latin1'))

/** Sockets at once. */
const TOGETHER = 64
/** How long an answer is waited for: most come at once, and what is not complete gets none. */
const ANSWER_MS = 80
const SOURCE = '127.0.0.66'
/** Errors that an answer may tell: what is not served, and what was not done in time. */
const SERVER_ERRORS = new Set(['501', '503', '504', '505'])

/** @throws Found when an answer is of a wrong class */
export async function fuzzHttp(subject: Subject, chance: Chance): Promise<number> {
  const requests = Array.from({ length: TOGETHER }, () => mutated(chance, CORPUS))
  await Promise.all(requests.map((request) => askOne(subject, request)))
  return requests.length
}

async function askOne({ peer }: Subject, request: Uint8Array): Promise<void> {
  const socket = await opened(peer.httpPort, SOURCE)
  let text = ''
  const answered = new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (read: string) => {
      text += read
      resolve()
    })
    socket.on('close', () => resolve())
  })
  socket.write(request)
  await Promise.race([answered, pause(ANSWER_MS)])
  socket.destroy()
  if (text === '') return
  const [, status = ''] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? []
  const isRight = /^[1-4]/.test(status) || SERVER_ERRORS.has(status)
  if (!isRight)
    throw new Found(`answered ${JSON.stringify(text.slice(0, 100))} to ${JSON.stringify(Buffer.from(request).toString('latin1'))}`)
}
