/** `<replicator-logs>`: the logs, who leads one of them, and how far its replicas and stores are. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { ClientFailed } from '../client/client.ts'
import type { LogRow, LogStatus, PeerRow } from '../client/client.ts'
import { onSubmit, saidLine } from './forms.ts'
import type { Said } from './forms.ts'
import { logHeadline, replicaRows, resultText } from './log-words.ts'
import type { ReplicaRow } from './log-words.ts'
import { ViewElement } from './view-element.ts'
import { calledText, plural } from './words.ts'

const LOOK_MS = 2_000
const QUERY_MS = 10_000

interface LogsState {
  readonly logs: readonly LogRow[]
  /** For their names; none for a token that opens logs alone. */
  readonly peers: readonly PeerRow[]
  readonly failed: string | undefined
  /** Of the log that is looked at; empty for none. */
  readonly name: string
  readonly status: LogStatus | undefined
  readonly said: Said | undefined
  /** What the last query found, as JSON. */
  readonly found: string | undefined
}

const START: LogsState = { logs: [], peers: [], failed: undefined, name: '', status: undefined, said: undefined, found: undefined }

export class LogsElement extends ViewElement<LogsState> {
  constructor() {
    super(START)
  }

  protected begin(): void {
    const timer = setInterval(() => {
      if (!document.hidden) void this.#look()
    }, LOOK_MS)
    this.left.addEventListener('abort', () => clearInterval(timer))
    void this.#look()
  }

  protected template(state: LogsState): TemplateResult {
    return html`
      <h1 tabindex="-1">Logs</h1>
      <p class="lead">
        A log puts commands into one order, and each of its replicas applies them to a store of its own. It takes commands for as long as a
        majority of its voters is in touch.
      </p>
      <div class="columns">
        <section aria-labelledby="logs-title">
          <h2 id="logs-title">Known here</h2>
          ${this.#table(state)}
        </section>
        <div class="side">${state.name === '' ? nothing : this.#chosen(state)}</div>
      </div>
    `
  }

  #table({ logs, failed, name: chosen }: LogsState): TemplateResult {
    if (failed !== undefined) return html`<p class="bad">${failed}</p>`
    if (logs.length === 0)
      return html`<p class="quiet empty">There are no logs yet. Peers that are started with -log NAME=kv: make one.</p>`
    return html`
      <div class="scroll" tabindex="0" role="group" aria-labelledby="logs-title">
        <table>
          <thead>
            <tr>
              <th scope="col">Log</th>
              <th scope="col">Store</th>
              <th scope="col" class="number">Members</th>
              <th scope="col">This peer</th>
            </tr>
          </thead>
          <tbody>
            ${logs.map(
              ({ name, store, members, role }) => html`
                <tr>
                  <th scope="row">
                    <button class="row" aria-current=${name === chosen ? 'true' : nothing} @click=${() => this.#open(name)}>${name}</button>
                  </th>
                  <td>${store}</td>
                  <td class="number">${members.length}</td>
                  <td>${role ?? 'no replica'}</td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    `
  }

  #chosen({ name, status, peers, said, found }: LogsState): TemplateResult {
    const ask = onSubmit((field) => void this.#query(field('query')))
    return html`
      <section class="card" aria-labelledby="log-title">
        <h2 id="log-title">${name}</h2>
        ${status === undefined ? html`<p class="quiet">Asking …</p>` : this.#status(status, peers)}
        <form class="line" @submit=${ask}>
          <label class="field"
            ><span>Query</span><input name="query" required autocomplete="off" spellcheck="false" placeholder=${'{"list":""}'} />
          </label>
          <button>Ask</button>
        </form>
        ${saidLine(said)} ${found === undefined ? nothing : html`<pre tabindex="0" role="group" aria-label="Found">${found}</pre>`}
      </section>
    `
  }

  #status(status: LogStatus, peers: readonly PeerRow[]): TemplateResult {
    const calling = (id: string): string => calledText({ id, name: peers.find((peer) => peer.id === id)?.name ?? null })
    return html`
      <p class=${status.leader === null ? 'bad' : ''}>${logHeadline(status, calling)}</p>
      <div class="scroll" tabindex="0" role="group" aria-label="Replicas">
        <table>
          <thead>
            <tr>
              <th scope="col">Replica</th>
              <th scope="col">Role</th>
              <th scope="col">Store</th>
              <th scope="col" class="number">Behind</th>
            </tr>
          </thead>
          <tbody>
            ${replicaRows(status).map((row) => replicaRow(row, calling(row.peer)))}
          </tbody>
        </table>
      </div>
    `
  }

  #open(name: string): void {
    this.store.change({ name, status: undefined, said: undefined, found: undefined })
    this.show('#log-title')
    void this.#look()
  }

  async #look(): Promise<void> {
    const signal = AbortSignal.any([this.left, AbortSignal.timeout(LOOK_MS)])
    const { name } = this.store.state
    try {
      const [logs, peers, status] = await Promise.all([
        this.client.logs({ signal }),
        this.client.peers({ signal }).catch(() => []),
        name === '' ? undefined : this.client.log(name).status({ signal }),
      ])
      // Another one may have been opened meanwhile.
      if (this.store.state.name === name) this.store.change({ logs, peers, failed: undefined, status })
    } catch (error) {
      if (!(error instanceof ClientFailed)) throw error
      if (!this.left.aborted) this.store.change({ failed: error.message })
    }
  }

  async #query(query: string): Promise<void> {
    const { name } = this.store.state
    const outcome = await this.client.log(name).query(query, { signal: AbortSignal.timeout(QUERY_MS) })
    if (this.store.state.name !== name) return
    if (outcome.kind !== 'answered') return this.store.change({ said: { kind: 'bad', text: outcome.detail }, found: undefined })
    const { term, index } = outcome.position
    this.store.change({ said: { kind: 'good', text: `As of ${term}.${index}.` }, found: resultText(outcome.result) })
  }
}

function replicaRow({ peer, role, store, kind, lag }: ReplicaRow, called: string): TemplateResult {
  return html`
    <tr>
      <th scope="row"><span class="id" title=${peer}>${called}</span></th>
      <td>${role}</td>
      <td class=${kind}>${store}</td>
      <td class="number">${lag === undefined ? '–' : plural(lag, 'entry', 'entries')}</td>
    </tr>
  `
}
