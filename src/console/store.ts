/** Holds the state, and tells whoever draws it. Several changes of one moment are drawn once. */

export class Store<State> {
  #state: State
  readonly #draw: (state: State) => void
  #isDue = false

  constructor(state: State, draw: (state: State) => void) {
    this.#state = state
    this.#draw = draw
  }

  get state(): State {
    return this.#state
  }

  change(part: Partial<State>): void {
    this.#state = { ...this.#state, ...part }
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#draw(this.#state)
    })
  }
}
