/** The frame of the page: who is asked, how it is, where one can go, and the view. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { Client } from '../client/client.ts'
import { networkView } from './network-view.ts'
import { VIEWS } from './state.ts'
import type { State, View } from './state.ts'
import { tokenForm } from './token-view.ts'
import type { Actions } from './token-view.ts'
import { calledText, secondsText, shortId } from './words.ts'

export const TITLES: Readonly<Record<View, string>> = {
  network: 'Network',
  keys: 'Keys',
  registers: 'Registers',
  sets: 'Sets',
  logs: 'Logs',
}
const SECOND_MS = 1_000

export function page(state: State, client: Client, actions: Actions): TemplateResult {
  return html`
    <header class="top">
      <p class="brand">Replicator</p>
      ${whoIsAsked(state)} ${tokenButton(state, actions)} ${condition(state)}
    </header>
    <nav aria-label="Views">
      <ul>
        ${VIEWS.map((view) => html`<li><a href="#${view}" aria-current=${view === state.view ? 'page' : nothing}>${TITLES[view]}</a></li>`)}
      </ul>
    </nav>
    <main id="main">
      ${silentNote(state)} ${isShut(state) || state.asksToken ? tokenForm(state, actions) : nothing}
      ${isShut(state) ? nothing : content(state, client)}
    </main>
  `
}

function whoIsAsked({ network }: State): TemplateResult | typeof nothing {
  if (network === undefined) return nothing
  const { peerId, name, clusterId, version, networkId } = network.status
  return html`
    <p class="asked">
      seen by <span class="id" title=${peerId}>${calledText({ id: peerId, name })}</span> of <b>${clusterId}</b>
      <span class="quiet"
        >network ${networkId === null ? 'none yet' : html`<span class="id" title=${networkId}>${shortId(networkId)}</span>`}, version
        ${version}</span
      >
    </p>
  `
}

function condition({ network, trouble, nowMs }: State): TemplateResult | typeof nothing {
  if (trouble?.kind === 'silent') return pill('bad', `No answer for ${secondsText((nowMs - trouble.sinceMs) / SECOND_MS)}`)
  if (trouble !== undefined) return pill('warn', trouble.kind === 'token' ? 'Token needed' : 'Not allowed')
  if (network === undefined) return pill('', 'Asking')
  return network.status.ready ? pill('good', 'Ready') : pill('bad', 'Not ready')
}

/** A token may help where tokens are in force, and can be forgotten where one is held. */
function tokenButton({ network, hasToken, asksToken, trouble }: State, actions: Actions): TemplateResult | typeof nothing {
  if (trouble?.kind === 'token' || (!hasToken && (network === undefined || network.status.tokens === null))) return nothing
  return html`<button class="plain" aria-expanded=${asksToken ? 'true' : 'false'} @click=${() => actions.askToken()}>Token</button>`
}

/** Nothing is shown without a token where one is asked for. */
function isShut({ trouble }: State): boolean {
  return trouble?.kind === 'token'
}

/** What is seen is old then, and another peer may tell what is so now. */
function silentNote({ trouble, network }: State): TemplateResult | typeof nothing {
  if (trouble?.kind !== 'silent') return nothing
  return html`
    <section class="warnings" aria-label="No answer">
      <p class="serious">
        This peer does not answer${network === undefined ? nothing : ', and what is shown is from before'}. See whether it runs; any other
        peer has this page too, at /console.
      </p>
    </section>
  `
}

function pill(kind: string, text: string): TemplateResult {
  return html`<p class="pill ${kind}">${text}</p>`
}

function content(state: State, client: Client): TemplateResult {
  const count = state.network?.status.keys.count
  switch (state.view) {
    case 'network':
      return networkView(state)
    case 'keys':
      return html`<replicator-keys .client=${client} .count=${count}></replicator-keys>`
    case 'registers':
      return html`<replicator-registers .client=${client}></replicator-registers>`
    case 'sets':
      return html`<replicator-sets .client=${client}></replicator-sets>`
    case 'logs':
      return html`<replicator-logs .client=${client}></replicator-logs>`
  }
}
