/**
 * A view that has a state of its own: an element, so that it begins anew whenever somebody comes to
 * it, and what it has begun ends when they leave.
 */
import { render } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { Client } from '../client/client.ts'
import { Store } from './store.ts'

export abstract class ViewElement<State> extends HTMLElement {
  /** Set by the page before the view is shown, and again when the token changes. */
  client!: Client
  protected readonly store: Store<State>
  #left = new AbortController()

  constructor(start: State) {
    super()
    this.store = new Store(start, () => this.draw())
  }

  /** Aborted when the view is left. */
  protected get left(): AbortSignal {
    return this.#left.signal
  }

  connectedCallback(): void {
    this.#left = new AbortController()
    this.draw()
    this.begin()
  }

  disconnectedCallback(): void {
    this.#left.abort()
  }

  protected draw(): void {
    if (this.isConnected) render(this.template(this.store.state), this)
  }

  /** Brings what somebody asked for into sight, where it is not: on a phone it lies below the list. */
  protected show(selector: string): void {
    queueMicrotask(() => this.querySelector(selector)?.scrollIntoView({ block: 'nearest' }))
  }

  /** Called each time the view is shown. */
  protected abstract begin(): void

  protected abstract template(state: State): TemplateResult
}
