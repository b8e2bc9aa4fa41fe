/**
 * What a backup holds of a peer that goes on taking writes, and how a file that is not whole is
 * found out.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Client } from '../../src/client/client.ts'
import { footLine, footOf, headLine, keyLine, parseHead, registerLine, sectionLine, sectionOf } from '../../src/commands/backup/format.ts'
import { keyLines } from '../../src/commands/backup/keys.ts'
import { verify } from '../../src/commands/backup/verify.ts'
import { createHash } from 'node:crypto'

const PAGE_KEYS = 1_000
const READING = { inFlight: 8, timeoutMs: 10_000 }

/** A peer that lists its keys and tells of new ones; keys arrive while it is asked. */
class Peer {
  readonly keys: string[] = []
  /** Called when a page was read, before it is answered. */
  onPage: (page: number) => void = () => undefined
  readonly #start = 'run'
  readonly #fed: string[] = []
  readonly #watchers = new Set<() => void>()
  #pages = 0

  readonly fetch: typeof fetch = async (input, init = {}) => {
    const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input.toString())
    if (searchParams.has('watch')) return this.#watch(init.signal ?? undefined)
    if (pathname !== '/store') return this.#value(decodeURIComponent(pathname.slice('/store/'.length)))
    const after = searchParams.get('after') ?? ''
    const found = this.keys.filter((key) => key > after).toSorted()
    const page = found.slice(0, PAGE_KEYS)
    const next = found.length > page.length ? page.at(-1) : undefined
    this.onPage((this.#pages += 1))
    // What is told of new keys overtakes the page.
    await new Promise((resolve) => setTimeout(resolve, 1))
    const facts = { size: 1, etag: '""', writtenAt: '2026-11-20T10:11:12.345Z' }
    return Response.json({ keys: page.map((key) => ({ key, ...facts })), next })
  }

  put(key: string, isFed: boolean = true): void {
    this.keys.push(key)
    if (isFed) this.feed(key)
  }

  /** Tells of a key, perhaps later than it was listed. */
  feed(key: string): void {
    this.#fed.push(key)
    for (const told of this.#watchers) told()
  }

  #value(key: string): Response {
    if (!this.keys.includes(key)) return new Response(null, { status: 500 })
    const headers = { 'Content-Type': 'text/plain', ETag: '""', 'Replicator-Consistency': 'local' }
    return new Response(`value of ${key}`, { headers })
  }

  #watch(signal: AbortSignal | undefined): Response {
    let place = this.#fed.length
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        const say = (event: string, data: object): void =>
          stream.enqueue(new TextEncoder().encode(`id: ${this.#start}.${place}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`))
        const tell = (): void => {
          for (; place < this.#fed.length;) {
            const key = this.#fed[place]
            place += 1
            say('put', { key, size: 1, etag: '""', writtenAt: '2026-11-20T10:11:12.345Z' })
          }
        }
        say('watching', {})
        this.#watchers.add(tell)
        signal?.addEventListener('abort', () => {
          this.#watchers.delete(tell)
          stream.error(new Error('aborted'))
        })
      },
    })
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
  }
}

async function backedUp(peer: Peer): Promise<string[]> {
  const client = new Client({ peers: ['http://peer:1'], fetch: peer.fetch })
  const keys: string[] = []
  for await (const line of keyLines(client, READING)) {
    const { key, value } = JSON.parse(line) as { readonly key: string; readonly value: string }
    assert.equal(value, `value of ${key}`)
    keys.push(key)
  }
  return keys
}

function peerOf(count: number): Peer {
  const peer = new Peer()
  for (let index = 0; index < count; index += 1) peer.put(`m${String(index).padStart(5, '0')}`)
  return peer
}

suite('the keys of a backup', () => {
  test('are those of the peer, in their order, while nothing is written', async () => {
    const peer = peerOf(2_500)
    assert.deepEqual(await backedUp(peer), peer.keys)
  })

  test('are all that the peer held when the list ended, each once, wherever they arrived', async () => {
    const peer = peerOf(2_500)
    peer.onPage = (page) => {
      for (const key of [`a${page}`, `m01500-${page}`, `z${page}`]) peer.put(key)
    }
    const keys = await backedUp(peer)
    assert.deepEqual(keys.toSorted(), peer.keys.toSorted())
  })

  test('have a key once that was listed before it was told of', async () => {
    const peer = peerOf(10)
    peer.put('early', false)
    peer.onPage = () => peer.feed('early')
    assert.equal((await backedUp(peer)).filter((key) => key === 'early').length, 1)
  })
})

const HEAD = headLine({ networkId: 'n', peerId: 'p', startedAt: '2026-11-20T10:11:12.345Z' })
const BODY = [
  HEAD,
  sectionLine('keys'),
  keyLine('a', Buffer.from('1'), 'a/b'),
  keyLine('b', Buffer.of(0xff), 'a/b'),
  sectionLine('kv'),
].join('')
const WHOLE = BODY + footLine({ keys: 2, kv: 0, sets: 0 }, createHash('sha256').update(BODY).digest('hex'))

async function* streamOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text)
}

suite('a backup file', () => {
  test('that is whole is taken', async () => {
    const { head, counts } = await verify(streamOf(WHOLE), () => undefined)
    assert.deepEqual([head.networkId, counts], ['n', { keys: 2, kv: 0, sets: 0 }])
  })

  test('tells which line of a register holds', async () => {
    const content = { value: Buffer.from('1'), contentType: 'a/b', ttl: undefined }
    const lines = [registerLine('a', content, false), registerLine('b', content, true), registerLine('a', content, true)]
    const text = [HEAD, sectionLine('kv'), ...lines, registerLine('a', undefined, true)].join('')
    const whole = text + footLine({ keys: 0, kv: 4, sets: 0 }, createHash('sha256').update(text).digest('hex'))
    const { lastLines } = await verify(streamOf(whole), () => undefined)
    assert.deepEqual(
      [...lastLines],
      [
        ['b', 4],
        ['a', 6],
      ],
    )
  })

  test('that was cut anywhere is refused', async () => {
    for (let length = 1; length < WHOLE.length - 1; length += 7) {
      await assert.rejects(
        verify(streamOf(WHOLE.slice(0, length)), () => undefined),
        /cut|no file of/,
        String(length),
      )
    }
    await assert.rejects(
      verify(streamOf(''), () => undefined),
      /empty/,
    )
  })

  test('in which a byte is another is refused', async () => {
    await assert.rejects(
      verify(streamOf(WHOLE.replace('"a"', '"c"')), () => undefined),
      /SHA-256/,
    )
    await assert.rejects(
      verify(streamOf(WHOLE.replace('"keys":2', '"keys":1')), () => undefined),
      /as it was written/,
    )
  })

  test('of a later version is refused, and so is what is none', () => {
    assert.throws(() => parseHead('{"replicator":"backup","version":2}'), /version 2/)
    assert.throws(() => parseHead('{"key":"a","value":"b"}'), /no file of/)
  })

  test('has lines that cannot be taken for one another, whatever a client stored', () => {
    const line = keyLine('{"end":"backup"', Buffer.from('{"section":"kv"}\n{"section":"sets"}'), 'text/plain')
    assert.deepEqual([line.split('\n').length, sectionOf(line), footOf(line)], [2, undefined, undefined])
  })
})
