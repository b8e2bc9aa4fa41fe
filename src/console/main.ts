/** Starts the page: one state, drawn anew whenever it changes, and a look at the network a second. */
import { render } from 'lit-html'
import { Client } from '../client/client.ts'
import { page, TITLES } from './page.ts'
import { KeysElement } from './keys-element.ts'
import { LogsElement } from './logs-element.ts'
import { PictureElement } from './picture-element.ts'
import { PlotElement } from './plot-element.ts'
import { RegistersElement } from './registers-element.ts'
import { SetsElement } from './sets-element.ts'
import { START, viewOf } from './state.ts'
import type { State } from './state.ts'
import { Store } from './store.ts'
import type { Actions } from './token-view.ts'
import { toldOf } from './told.ts'
import { keepToken, readToken } from './token.ts'
import { Watcher } from './watcher.ts'

/** The folder that the page lies in, so that a proxy may put the peer below a path. */
const PEER = new URL('.', location.href).href

const root = document.getElementById('page') as HTMLElement
const told = document.getElementById('told') as HTMLElement
let drawn: State = START
let client = clientWith(readToken())

const store = new Store<State>({ ...START, view: viewOf(location.hash), hasToken: readToken() !== undefined }, draw)
const watcher = new Watcher(store, () => client)
const actions: Actions = {
  giveToken: (token) => useToken(token),
  forgetToken: () => useToken(undefined),
  askToken: () => store.change({ asksToken: !store.state.asksToken }),
}

function clientWith(token: string | undefined): Client {
  return new Client({ peers: [PEER], ...(token !== undefined && { token }) })
}

function useToken(token: string | undefined): void {
  keepToken(token)
  client = clientWith(token)
  store.change({ hasToken: token !== undefined, asksToken: false, network: undefined, samples: [] })
  watcher.start()
}

function draw(state: State): void {
  const words = toldOf(drawn, state)
  drawn = state
  render(page(state, client, actions), root)
  document.title = `${TITLES[state.view]} – Replicator`
  if (words !== undefined) told.textContent = words
}

/** Whoever goes to a view by the keyboard finds themselves at its beginning. */
function goTo(): void {
  store.change({ view: viewOf(location.hash) })
  queueMicrotask(() => document.querySelector<HTMLElement>('main h1')?.focus())
}

customElements.define('replicator-picture', PictureElement)
customElements.define('replicator-plot', PlotElement)
customElements.define('replicator-keys', KeysElement)
customElements.define('replicator-registers', RegistersElement)
customElements.define('replicator-sets', SetsElement)
customElements.define('replicator-logs', LogsElement)
addEventListener('hashchange', goTo)
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) watcher.start()
})
store.change({})
watcher.start()
