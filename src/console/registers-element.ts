/**
 * `<replicator-registers>`: keys that change. One is read and written on the version that was read,
 * so nobody overwrites here what they have not seen, and changes are shown as they come.
 */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { ClientFailed } from '../client/client.ts'
import type { DeleteOutcome, ReadOutcome, RegisterRow, WriteName, WriteOutcome } from '../client/client.ts'
import { onSubmit, saidLine, typeField } from './forms.ts'
import type { Said } from './forms.ts'
import { changeList, conditionField, readView } from './register-views.ts'
import type { Change } from './register-views.ts'
import { saidOfWrite } from './register-words.ts'
import { textOf } from './value-view.ts'
import { ViewElement } from './view-element.ts'
import { agoText, bytesText } from './words.ts'

const PAGE_REGISTERS = 50
const CHANGES_MAX = 20

interface RegistersState {
  readonly prefix: string
  readonly rows: readonly RegisterRow[]
  readonly hasMore: boolean
  /** Why there is no list. */
  readonly failed: string | undefined
  readonly key: string
  /** Of `key`; undefined while it is read, and before. */
  readonly read: ReadOutcome | undefined
  readonly said: Said | undefined
  /** Does again what is in doubt: the same write, by its name. */
  readonly again: (() => void) | undefined
  /** Undefined while nobody watches; the last one first. */
  readonly changes: readonly Change[] | undefined
  /** The watch has begun: from now on nothing is missed. */
  readonly isFollowed: boolean
}

const START: RegistersState = {
  prefix: '',
  rows: [],
  hasMore: false,
  failed: undefined,
  key: '',
  read: undefined,
  said: undefined,
  again: undefined,
  changes: undefined,
  isFollowed: false,
}

interface Write {
  readonly key: string
  readonly value: string
  readonly contentType: string
  readonly when: number | 'absent' | undefined
  readonly ttlSeconds: number | undefined
}

export class RegistersElement extends ViewElement<RegistersState> {
  #watch = new AbortController()

  constructor() {
    super(START)
  }

  protected begin(): void {
    void this.#list('')
    this.left.addEventListener('abort', () => this.#watch.abort())
  }

  protected template(state: RegistersState): TemplateResult {
    return html`
      <h1 tabindex="-1">Registers</h1>
      <p class="lead">A register changes, a version at a time. A write can ask that nothing was written since it was read.</p>
      <div class="columns">
        <section aria-labelledby="registers-title">
          <h2 id="registers-title">At this peer</h2>
          ${this.#finder(state)} ${this.#table(state)} ${this.#watching(state)}
        </section>
        <div class="side">${this.#reading(state)} ${this.#writing(state)}</div>
      </div>
    `
  }

  #finder({ prefix }: RegistersState): TemplateResult {
    return html`
      <form class="line" role="search" @submit=${onSubmit((field) => void this.#list(field('prefix')))}>
        <label class="field"
          ><span>Begins with</span><input name="prefix" type="search" autocomplete="off" spellcheck="false" .value=${prefix}
        /></label>
        <button>Find</button>
      </form>
    `
  }

  #table({ rows, hasMore, failed, prefix, key: chosen }: RegistersState): TemplateResult {
    if (failed !== undefined) return html`<p class="bad">${failed}</p>`
    if (rows.length === 0)
      return html`<p class="quiet empty">${prefix === '' ? 'There are no registers yet.' : 'No register begins so.'}</p>`
    const now = Date.now()
    return html`
      <div class="scroll" tabindex="0" role="group" aria-labelledby="registers-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Register</th>
              <th scope="col" class="number">Version</th>
              <th scope="col" class="number">Size</th>
              <th scope="col" class="wide">Written</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ({ key, version, size, writtenAt }) => html`
                <tr>
                  <th scope="row">
                    <button class="row" aria-current=${key === chosen ? 'true' : nothing} @click=${() => void this.#read(key)}>
                      ${key}
                    </button>
                  </th>
                  <td class="number">${version}</td>
                  <td class="number">${bytesText(size)}</td>
                  <td class="wide">${agoText(writtenAt, now)}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
      ${hasMore ? html`<p class="more"><button class="plain" @click=${() => void this.#more()}>Show more</button></p>` : nothing}
    `
  }

  #watching({ changes, isFollowed }: RegistersState): TemplateResult {
    const isOn = changes !== undefined
    return html`
      <p class="more"><button aria-pressed=${isOn ? 'true' : 'false'} @click=${() => this.#toggleWatch()}>Watch changes</button></p>
      ${isOn && changes.length === 0 ? html`<p class="quiet">${isFollowed ? 'Watching. Nothing has changed yet.' : 'Beginning to watch …'}</p>` : nothing}
      ${isOn && changes.length > 0 ? changeList(changes) : nothing}
    `
  }

  #reading({ key, read }: RegistersState): TemplateResult {
    return html`
      <section class="card" aria-labelledby="read-title">
        <h2 id="read-title">Read</h2>
        <form class="line" @submit=${onSubmit((field) => void this.#read(field('key')))}>
          <label class="field"
            ><span>Register</span><input name="key" required autocomplete="off" spellcheck="false" .value=${key}
          /></label>
          <button>Read</button>
        </form>
        <div role="status">${key === '' ? nothing : read === undefined ? html`<p class="quiet">Asking …</p>` : readView(read)}</div>
      </section>
    `
  }

  #writing({ key, read, said, again }: RegistersState): TemplateResult {
    const version = read?.kind === 'found' ? read.version : undefined
    const send = onSubmit((field) => {
      const asked = field('when')
      const ttl = Number(field('ttl'))
      const name = field('key')
      // A version is one of the register that was read: nobody has seen what is under another name.
      const seen = name === key ? version : 'absent'
      const when = asked === 'same' ? seen : asked === 'absent' ? 'absent' : undefined
      void this.#put({ key: name, value: field('value'), contentType: field('type'), when, ttlSeconds: ttl > 0 ? ttl : undefined })
    })
    return html`
      <section class="card" aria-labelledby="write-title">
        <h2 id="write-title">Write</h2>
        <form @submit=${send}>
          <label class="field"
            ><span>Register</span><input name="key" required maxlength="1024" autocomplete="off" spellcheck="false" .value=${key}
          /></label>
          <label class="field"><span>Value</span><textarea name="value" rows="4" spellcheck="false"></textarea></label>
          <div class="line">
            ${typeField(read?.kind === 'found' ? read.contentType : undefined)}
            <label class="field short"
              ><span>Seconds to live</span><input name="ttl" type="number" min="1" max="31536000" placeholder="no end"
            /></label>
          </div>
          ${conditionField(version)}
          <p class="line end">
            ${version === undefined ? nothing : html`<button type="button" @click=${() => void this.#delete(key, version)}>Delete version ${version}</button>`}
            <button class="strong">Write</button>
          </p>
        </form>
        ${saidLine(said)} ${again === undefined ? nothing : html`<button @click=${again}>Ask what became of it</button>`}
      </section>
    `
  }

  async #list(prefix: string): Promise<void> {
    const isOther = prefix !== this.store.state.prefix
    await this.#page(prefix, undefined, ({ rows, hasMore }) => ({ prefix, rows, hasMore, failed: undefined }))
    if (isOther && this.store.state.changes !== undefined) this.#startWatch()
  }

  async #more(): Promise<void> {
    const { prefix, rows: before } = this.store.state
    await this.#page(prefix, before.at(-1)?.key, ({ rows, hasMore }) => ({ rows: [...before, ...rows], hasMore }))
  }

  async #page(
    prefix: string,
    after: string | undefined,
    made: (page: { readonly rows: readonly RegisterRow[]; readonly hasMore: boolean }) => Partial<RegistersState>,
  ): Promise<void> {
    try {
      const rows = []
      // One more than is shown tells whether there are more.
      const options = { prefix, limit: PAGE_REGISTERS + 1, signal: this.left, ...(after !== undefined && { after }) }
      for await (const row of this.client.registers.list(options)) rows.push(row)
      this.store.change(made({ rows: rows.slice(0, PAGE_REGISTERS), hasMore: rows.length > PAGE_REGISTERS }))
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      this.store.change({ failed: error.message })
    }
  }

  /** @param keepsDraft what somebody has typed stays, where it could not be written */
  async #read(key: string, keepsDraft: boolean = false): Promise<void> {
    this.store.change({ key, read: undefined, said: undefined, again: undefined })
    this.show('#read-title')
    const read = await this.client.registers.get(key)
    if (this.store.state.key !== key) return
    this.store.change({ read })
    const field = this.querySelector('textarea')
    if (field !== null && !keepsDraft) field.value = read.kind === 'found' ? (textOf(read.value) ?? '') : ''
  }

  async #put(write: Write, name?: WriteName): Promise<void> {
    const { key, value, contentType, when, ttlSeconds } = write
    this.store.change({ said: { kind: 'warn', text: 'Writing …' }, again: undefined })
    const outcome = await this.client.registers.put(key, value, {
      contentType,
      ...(when !== undefined && { when }),
      ...(ttlSeconds !== undefined && { ttlSeconds }),
      ...(name !== undefined && { name }),
    })
    await this.#wrote(key, outcome, (doubt) => void this.#put(write, doubt))
  }

  async #delete(key: string, version: number, name?: WriteName): Promise<void> {
    this.store.change({ said: { kind: 'warn', text: 'Deleting …' }, again: undefined })
    const outcome = await this.client.registers.delete(key, { when: version, ...(name !== undefined && { name }) })
    await this.#wrote(key, outcome, (doubt) => void this.#delete(key, version, doubt))
  }

  /** What is there now is read, so that the next write is on top of it. */
  async #wrote(key: string, outcome: WriteOutcome | DeleteOutcome, again: (name: WriteName) => void): Promise<void> {
    const doubt = outcome.kind === 'in-doubt' ? outcome.name : undefined
    const isSettled = ['written', 'written-before', 'deleted', 'deleted-before', 'mismatch'].includes(outcome.kind)
    if (isSettled) await Promise.all([this.#list(this.store.state.prefix), this.#read(key, outcome.kind === 'mismatch')])
    this.store.change({ said: saidOfWrite(key, outcome), again: doubt === undefined ? undefined : () => again(doubt) })
  }

  #toggleWatch(): void {
    if (this.store.state.changes === undefined) return this.#startWatch()
    this.#watch.abort()
    this.store.change({ changes: undefined })
  }

  #startWatch(): void {
    this.#watch.abort()
    this.#watch = new AbortController()
    this.store.change({ changes: [], isFollowed: false })
    void this.#follow(this.store.state.prefix, this.#watch.signal)
  }

  async #follow(prefix: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.client.registers.watch({ prefix, signal })) {
        if (event.kind === 'watching') this.store.change({ isFollowed: true })
        if (event.kind !== 'put' && event.kind !== 'delete') continue
        const { changes = [], rows } = this.store.state
        this.store.change({ changes: [event, ...changes].slice(0, CHANGES_MAX), rows: rows.map((row) => rowAfter(row, event)) })
      }
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      this.store.change({ changes: undefined, failed: error.message })
    }
  }
}

/** A row that is shown, after a change. What is new, or gone, shows when the list is read again. */
function rowAfter(row: RegisterRow, change: Change): RegisterRow {
  if (row.key !== change.key || change.kind === 'delete') return row
  return { ...row, version: change.version, size: change.size, writtenAt: new Date().toISOString() }
}
