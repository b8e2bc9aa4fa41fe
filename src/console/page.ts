/** The frame of the page: who is asked, how it is, where one can go, and the view. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { networkView } from './network-view.ts'
import { VIEWS } from './state.ts'
import type { State, View } from './state.ts'
import { secondsText, shortId } from './words.ts'

const TITLES: Readonly<Record<View, string>> = { network: 'Network', keys: 'Keys', registers: 'Registers', sets: 'Sets' }
const SECOND_MS = 1_000

export interface Actions {
  giveToken(token: string): void
  forgetToken(): void
  askToken(): void
}

export function page(state: State, actions: Actions): TemplateResult {
  return html`
    <header class="top">
      <p class="brand">Replicator</p>
      ${whoIsAsked(state)} ${condition(state)}
    </header>
    <nav aria-label="Views">
      <ul>
        ${VIEWS.map((view) => html`<li><a href="#${view}" aria-current=${view === state.view ? 'page' : nothing}>${TITLES[view]}</a></li>`)}
      </ul>
    </nav>
    <main id="main">${content(state, actions)}</main>
  `
}

function whoIsAsked({ network }: State): TemplateResult | typeof nothing {
  if (network === undefined) return nothing
  const { peerId, clusterId, version, networkId } = network.status
  return html`
    <p class="asked">
      seen by <span class="id" title=${peerId}>${shortId(peerId)}</span> of <b>${clusterId}</b>
      <span class="quiet"
        >network ${networkId === null ? 'none yet' : html`<span class="id" title=${networkId}>${shortId(networkId)}</span>`}, version
        ${version}</span
      >
    </p>
  `
}

function condition({ network, trouble, nowMs }: State): TemplateResult | typeof nothing {
  if (trouble?.kind === 'silent') return pill('bad', `No answer for ${secondsText((nowMs - trouble.sinceMs) / SECOND_MS)}`)
  if (trouble !== undefined) return pill('warn', 'Not allowed')
  if (network === undefined) return pill('', 'Asking')
  return network.status.ready ? pill('good', 'Ready') : pill('bad', 'Not ready')
}

function pill(kind: string, text: string): TemplateResult {
  return html`<p class="pill ${kind}">${text}</p>`
}

function content(state: State, _actions: Actions): TemplateResult {
  return networkView(state)
}
