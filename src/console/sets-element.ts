/** `<replicator-sets>`: the sets here, the members of one of them as they come and go, and changes. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { ClientFailed } from '../client/client.ts'
import type { ChangeOutcome, Element, SetRow } from '../client/client.ts'
import { writeElement } from '../client/elements.ts'
import { elementText, parseElement } from './element-words.ts'
import { onSubmit, saidLine } from './forms.ts'
import type { Said } from './forms.ts'
import { ViewElement } from './view-element.ts'
import { countText, plural } from './words.ts'

const LOOK_MS = 2_000
const READ_MS = 10_000
/** More are counted and not shown. */
const SHOWN_MAX = 200

interface SetsState {
  readonly sets: readonly SetRow[]
  readonly failed: string | undefined
  readonly name: string
  /** Of the set `name`, by how they are written; undefined while they are read, and before. */
  readonly members: ReadonlyMap<string, Element> | undefined
  readonly said: Said | undefined
}

const START: SetsState = { sets: [], failed: undefined, name: '', members: undefined, said: undefined }

export class SetsElement extends ViewElement<SetsState> {
  #watch = new AbortController()

  constructor() {
    super(START)
  }

  protected begin(): void {
    const timer = setInterval(() => {
      if (!document.hidden) void this.#list()
    }, LOOK_MS)
    this.left.addEventListener('abort', () => {
      clearInterval(timer)
      this.#watch.abort()
    })
    void this.#list()
  }

  protected template(state: SetsState): TemplateResult {
    return html`
      <h1 tabindex="-1">Sets</h1>
      <p class="lead">
        A set takes changes at every peer, also where no other is reached, and all peers come to hold the same. The last change of an
        element wins.
      </p>
      <div class="columns">
        <section aria-labelledby="sets-title">
          <h2 id="sets-title">At this peer</h2>
          <form class="line" @submit=${onSubmit((field) => this.#open(field('name')))}>
            <label class="field"
              ><span>Set</span><input name="name" required autocomplete="off" spellcheck="false" .value=${state.name}
            /></label>
            <button>Open</button>
          </form>
          ${this.#table(state)}
        </section>
        <div class="side">${state.name === '' ? nothing : this.#chosen(state)}</div>
      </div>
    `
  }

  #table({ sets, failed, name: chosen }: SetsState): TemplateResult {
    if (failed !== undefined) return html`<p class="bad">${failed}</p>`
    if (sets.length === 0) return html`<p class="quiet empty">There are no sets yet. Open one by a name: its first element makes it.</p>`
    return html`
      <div class="scroll" tabindex="0" role="group" aria-labelledby="sets-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Set</th>
              <th scope="col" class="number">Members</th>
              <th scope="col">Peers</th>
            </tr>
          </thead>
          <tbody>
            ${sets.map(
              ({ name, members, peers }) => html`
                <tr>
                  <th scope="row">
                    <button class="row" aria-current=${name === chosen ? 'true' : nothing} @click=${() => this.#open(name)}>${name}</button>
                  </th>
                  <td class="number">${countText(members)}</td>
                  <td class=${peers === 'different' ? 'warn' : ''}>${peers}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `
  }

  #chosen({ name, members, said }: SetsState): TemplateResult {
    const add = onSubmit((field) => void this.#add(field('element'), field('kind') === 'json'))
    return html`
      <section class="card" aria-labelledby="set-title">
        <h2 id="set-title">${name}</h2>
        <form class="line" @submit=${add}>
          <label class="field"><span>Element</span><input name="element" required autocomplete="off" spellcheck="false" /></label>
          <label class="field short"
            ><span>Written as</span
            ><select name="kind">
              <option value="text">text</option>
              <option value="json">JSON</option>
            </select></label
          >
          <button class="strong">Add</button>
        </form>
        ${saidLine(said)} ${members === undefined ? html`<p class="quiet">Asking …</p>` : this.#members(members)}
      </section>
    `
  }

  #members(members: ReadonlyMap<string, Element>): TemplateResult {
    const shown = [...members].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, SHOWN_MAX)
    return html`
      <p class="quiet small">
        ${plural(members.size, 'member')}${members.size > SHOWN_MAX ? `, the first ${SHOWN_MAX} shown` : ''}, as they are at this peer
      </p>
      <ul class="members" aria-label="Members">
        ${shown.map(
          ([, element]) => html`
            <li>
              <span class=${typeof element === 'string' ? '' : 'id'}>${elementText(element)}</span>
              <button class="plain" aria-label=${`Remove ${elementText(element)}`} @click=${() => void this.#remove(element)}>
                Remove
              </button>
            </li>
          `,
        )}
      </ul>
    `
  }

  async #list(): Promise<void> {
    try {
      this.store.change({
        sets: await this.client.sets({ signal: AbortSignal.any([this.left, AbortSignal.timeout(LOOK_MS)]) }),
        failed: undefined,
      })
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      if (!this.left.aborted) this.store.change({ failed: error.message })
    }
  }

  #open(name: string): void {
    this.#watch.abort()
    this.#watch = new AbortController()
    this.store.change({ name, members: undefined, said: undefined })
    this.show('#set-title')
    void this.#follow(name, this.#watch.signal)
  }

  /**
   * Reads the members and goes on with what changes: read again where the watch begins, so nothing
   * that changed in between is missed. A set that is not there has none, and is waited for.
   */
  async #follow(name: string, signal: AbortSignal): Promise<void> {
    const set = this.client.set(name)
    try {
      await this.#readMembers(name, signal)
      for await (const change of set.watch({ signal })) {
        if (change.kind === 'watching') await this.#readMembers(name, signal)
        else this.#changed(change.kind, change.entry.element)
      }
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      if (!signal.aborted) this.store.change({ said: { kind: 'bad', text: error.message } })
    }
  }

  async #readMembers(name: string, signal: AbortSignal): Promise<void> {
    const members = await this.client.set(name).members({ signal: AbortSignal.any([signal, AbortSignal.timeout(READ_MS)]) })
    if (!signal.aborted) this.store.change({ members: new Map(members.map((element) => [writeElement(element), element])) })
  }

  #changed(kind: 'insert' | 'delete', element: Element): void {
    const members = new Map(this.store.state.members)
    if (kind === 'insert') members.set(writeElement(element), element)
    else members.delete(writeElement(element))
    this.store.change({ members })
  }

  async #add(text: string, isJson: boolean): Promise<void> {
    const { name } = this.store.state
    const element = parseElement(text, isJson)
    if (element === undefined)
      return this.store.change({ said: { kind: 'bad', text: 'That is no JSON of a text, a number, true, false, null or a list.' } })
    const outcome = await this.client.set(name).insert([element])
    this.#told('insert', element, outcome)
    const field = this.querySelector<HTMLInputElement>('input[name=element]')
    if (outcome.kind === 'stored' && field !== null) {
      field.value = ''
      field.focus()
    }
  }

  async #remove(element: Element): Promise<void> {
    this.#told('delete', element, await this.client.set(this.store.state.name).delete([element]))
  }

  #told(kind: 'insert' | 'delete', element: Element, outcome: ChangeOutcome): void {
    if (outcome.kind === 'stored') {
      this.#changed(kind, element)
      this.store.change({ said: { kind: 'good', text: `${kind === 'insert' ? 'Added' : 'Removed'} ${elementText(element)}.` } })
      void this.#list()
    } else {
      this.store.change({ said: { kind: outcome.kind === 'in-doubt' ? 'warn' : 'bad', text: outcome.detail } })
    }
  }
}
