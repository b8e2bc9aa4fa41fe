/** `<replicator-keys>`: the write-once keys that the asked peer holds, one of them read, and puts. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { ClientFailed } from '../client/client.ts'
import type { GetOutcome, PutOutcome, Stored } from '../client/client.ts'
import { onSubmit, saidLine, TEXT_TYPE, typeField } from './forms.ts'
import type { Said } from './forms.ts'
import { valueView } from './value-view.ts'
import { ViewElement } from './view-element.ts'
import { agoText, bytesText, plural } from './words.ts'

const PAGE_KEYS = 50

/** A put that may have been stored: asked again with the same name, it is the same put. */
interface Doubt {
  readonly key: string
  readonly value: string
  readonly contentType: string
  readonly idempotencyKey: string
}

interface KeysState {
  readonly prefix: string
  readonly keys: readonly Stored[]
  readonly hasMore: boolean
  /** How many keys there were in all when the list was read. */
  readonly countThen: number
  /** Why there is no list. */
  readonly failed: string | undefined
  readonly key: string | undefined
  /** Undefined while it is read. */
  readonly read: GetOutcome | undefined
  readonly said: Said | undefined
  readonly doubt: Doubt | undefined
}

const START: KeysState = {
  prefix: '',
  keys: [],
  hasMore: false,
  countThen: 0,
  failed: undefined,
  key: undefined,
  read: undefined,
  said: undefined,
  doubt: undefined,
}

export class KeysElement extends ViewElement<KeysState> {
  #count: number | undefined

  constructor() {
    super(START)
  }

  /** How many keys the asked peer holds now; undefined until it has said so. */
  set count(count: number | undefined) {
    if (count === this.#count) return
    const isFirst = this.#count === undefined
    this.#count = count
    if (isFirst) this.store.change({ countThen: count ?? 0 })
    else this.draw()
  }

  protected begin(): void {
    void this.#list('')
  }

  protected template(state: KeysState): TemplateResult {
    return html`
      <h1 tabindex="-1">Keys</h1>
      <p class="lead">A key is written once and keeps its value for ever, the same at every peer of every cluster.</p>
      <div class="columns">
        <section aria-labelledby="keys-title">
          <h2 id="keys-title">At this peer</h2>
          ${this.#finder(state)} ${this.#table(state)}
        </section>
        <div class="side">${this.#reading(state)} ${this.#putting(state)}</div>
      </div>
    `
  }

  #finder({ prefix }: KeysState): TemplateResult {
    return html`
      <form class="line" role="search" @submit=${onSubmit((field) => void this.#list(field('prefix')))}>
        <label class="field"
          ><span>Begins with</span><input name="prefix" type="search" autocomplete="off" spellcheck="false" .value=${prefix}
        /></label>
        <button>Find</button>
      </form>
    `
  }

  #table({ keys, hasMore, failed, prefix, key: chosen, countThen }: KeysState): TemplateResult {
    if (failed !== undefined) return html`<p class="bad">${failed}</p>`
    const fresh = (this.#count ?? countThen) - countThen
    const now = Date.now()
    return html`
      ${keys.length === 0 ? html`<p class="quiet empty">${prefix === '' ? 'There are no keys yet.' : 'No key begins so.'}</p>` : this.#rows(keys, chosen, now)}
      <p class="more">
        ${hasMore ? html`<button class="plain" @click=${() => void this.#more()}>Show more</button>` : nothing}
        ${fresh > 0 ? html`<button class="plain" @click=${() => void this.#list(prefix)}>Read again: ${plural(fresh, 'new key')}</button>` : nothing}
      </p>
    `
  }

  #rows(keys: readonly Stored[], chosen: string | undefined, now: number): TemplateResult {
    return html`
      <div class="scroll" tabindex="0" role="group" aria-labelledby="keys-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Key</th>
              <th scope="col" class="number">Size</th>
              <th scope="col" class="wide">Written</th>
            </tr>
          </thead>
          <tbody>
            ${keys.map(
              ({ key, size, writtenAt }) => html`
                <tr>
                  <th scope="row">
                    <button class="row" aria-current=${key === chosen ? 'true' : nothing} @click=${() => void this.#read(key)}>
                      ${key}
                    </button>
                  </th>
                  <td class="number">${bytesText(size)}</td>
                  <td class="wide">${agoText(writtenAt, now)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `
  }

  #reading({ key, read }: KeysState): TemplateResult {
    return html`
      <section class="card" aria-labelledby="read-title">
        <h2 id="read-title">Read</h2>
        <form class="line" @submit=${onSubmit((field) => void this.#read(field('key')))}>
          <label class="field"
            ><span>Key</span><input name="key" required autocomplete="off" spellcheck="false" .value=${key ?? ''}
          /></label>
          <button>Read</button>
        </form>
        <div role="status">${key === undefined ? nothing : read === undefined ? html`<p class="quiet">Asking …</p>` : readView(read)}</div>
      </section>
    `
  }

  #putting({ said, doubt }: KeysState): TemplateResult {
    const send = onSubmit((field) => void this.#put({ key: field('key'), value: field('value'), contentType: field('type') }))
    return html`
      <section class="card" aria-labelledby="put-title">
        <h2 id="put-title">Put</h2>
        <form @submit=${send}>
          <label class="field"
            ><span>New key</span><input name="key" required maxlength="1024" autocomplete="off" spellcheck="false"
          /></label>
          <label class="field"><span>Value</span><textarea name="value" rows="4" spellcheck="false"></textarea></label>
          ${typeField()}
          <p class="line end"><button class="strong">Put, for good</button></p>
        </form>
        ${saidLine(said)}
        ${doubt === undefined ? nothing : html`<button @click=${() => void this.#put(doubt)}>Ask what became of it</button>`}
      </section>
    `
  }

  async #list(prefix: string): Promise<void> {
    const counted = this.#count
    await this.#page({ prefix, after: undefined }, ({ keys, hasMore }) => {
      return { prefix, keys, hasMore, countThen: counted ?? this.#count ?? 0, failed: undefined }
    })
  }

  async #more(): Promise<void> {
    const { prefix, keys: before } = this.store.state
    await this.#page({ prefix, after: before.at(-1)?.key }, ({ keys, hasMore }) => ({ keys: [...before, ...keys], hasMore }))
  }

  async #page(
    { prefix, after }: { readonly prefix: string; readonly after: string | undefined },
    made: (page: { readonly keys: readonly Stored[]; readonly hasMore: boolean }) => Partial<KeysState>,
  ): Promise<void> {
    try {
      const found = []
      // One more than is shown tells whether there are more.
      const options = { prefix, limit: PAGE_KEYS + 1, signal: this.left, ...(after !== undefined && { after }) }
      for await (const stored of this.client.list(options)) found.push(stored)
      this.store.change(made({ keys: found.slice(0, PAGE_KEYS), hasMore: found.length > PAGE_KEYS }))
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      this.store.change({ failed: error.message })
    }
  }

  async #read(key: string): Promise<void> {
    this.store.change({ key, read: undefined })
    this.show('#read-title')
    const read = await this.client.get(key)
    if (this.store.state.key === key) this.store.change({ read })
  }

  async #put({ key, value, contentType, idempotencyKey }: Omit<Doubt, 'idempotencyKey'> & Partial<Doubt>): Promise<void> {
    this.store.change({ said: { kind: 'warn', text: 'Putting …' }, doubt: undefined })
    const outcome = await this.client.put(key, value, {
      contentType: contentType || TEXT_TYPE,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })
    const doubt = outcome.kind === 'in-doubt' ? { key, value, contentType, idempotencyKey: outcome.idempotencyKey } : undefined
    this.store.change({ said: saidOf(key, outcome), doubt })
    if (outcome.kind === 'created') await Promise.all([this.#list(this.store.state.prefix), this.#read(key)])
  }
}

function readView(outcome: GetOutcome): TemplateResult {
  switch (outcome.kind) {
    case 'found':
      return html`
        ${valueView(outcome.value, outcome.contentType)}
        <p class="quiet small">${bytesText(outcome.value.length)}, ${outcome.contentType}, ETag <span class="id">${outcome.etag}</span></p>
      `
    case 'absent':
      return html`<p>Nobody has put this key: a quorum says so.</p>`
    case 'unavailable':
      return html`<p class="bad">No quorum answered in time: ${outcome.detail}</p>`
    case 'refused':
      return html`<p class="bad">${outcome.detail}</p>`
  }
}

function saidOf(key: string, outcome: PutOutcome): Said {
  switch (outcome.kind) {
    case 'created':
      return { kind: 'good', text: `Stored ${key}, for good.` }
    case 'stored-before':
      return { kind: 'good', text: `${key} was stored by the put that was in doubt.` }
    case 'conflict':
      return { kind: 'bad', text: `${key} is taken, for good. Nothing was changed; choose another key.` }
    case 'reused':
      return { kind: 'bad', text: `${key} was stored by this put with another value.` }
    case 'in-doubt':
      return { kind: 'warn', text: `It may be stored, now or later: ${outcome.detail}` }
    case 'unavailable':
      return { kind: 'bad', text: `Nothing was stored: ${outcome.detail}` }
    case 'refused':
      return { kind: 'bad', text: outcome.detail }
  }
}
