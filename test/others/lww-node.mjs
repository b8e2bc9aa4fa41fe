/**
 * A stand-in for lww-node: its five endpoints, read and written by transit-js, with its rules. An element has the highest
 * stamps that were told, and is in the set while its removal is lower than its addition. Nothing is kept on a disk.
 * Prints its URL, and goes on until it is killed.
 */
import { createServer } from 'node:http'
import transit from 'transit-js'

const reader = transit.reader('json')
const writer = transit.writer('json')
const SETS = ['add-set', 'del-set'].map((name) => transit.keyword(name))
const [added, removed] = SETS.map(() => transit.map([]))

function raise(stamps, element, stamp) {
  stamps.set(element, Math.max(stamp, stamps.get(element) ?? 0))
}

function members() {
  return transit.set([...added.keys()].filter((element) => !removed.has(element) || removed.get(element) < added.get(element)))
}

function changedSince(since) {
  const above = (stamps) => transit.map([...stamps.entries()].filter(([, stamp]) => stamp > since).flat())
  return transit.map([SETS[0], above(added), SETS[1], above(removed)])
}

function stampAll(stamps, elements) {
  const now = Date.now()
  for (const element of elements) raise(stamps, element, now)
}

function merge(replica) {
  for (const [place, stamps] of [added, removed].entries())
    for (const [element, stamp] of replica.get(SETS[place])?.entries() ?? []) raise(stamps, element, stamp)
}

const CHANGES = {
  '/insert': (elements) => stampAll(added, elements),
  '/delete': (elements) => stampAll(removed, elements),
  '/update': merge,
}

async function answer({ method, url, headers }, body) {
  const { pathname, searchParams } = new URL(url, `http://${headers.host}`)
  if (method === 'GET' && pathname === '/') return writer.write(members())
  if (method === 'GET' && pathname === '/updates') return writer.write(changedSince(Number(searchParams.get('since'))))
  if (method !== 'POST' || CHANGES[pathname] === undefined) return undefined
  CHANGES[pathname](reader.read(body))
  return 'ok'
}

const server = createServer(async (request, response) => {
  const body = (await request.toArray()).join('')
  const text = await answer(request, body)
  const type = text === 'ok' ? 'text/plain' : 'application/transit+json'
  response.writeHead(text === undefined ? 404 : 200, { 'Content-Type': type }).end(text ?? 'Not Found')
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${server.address().port}\n`))
