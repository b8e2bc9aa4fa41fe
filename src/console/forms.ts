/** What the forms of all views share: fields with their labels, and what became of what was sent. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'

/** What somebody is told of what they did. */
export interface Said {
  readonly kind: 'good' | 'warn' | 'bad'
  readonly text: string
}

export const TEXT_TYPE = 'text/plain; charset=utf-8'
export const CONTENT_TYPES: readonly string[] = [TEXT_TYPE, 'application/json', 'text/html; charset=utf-8', 'application/octet-stream']

/** The place where it is said is always there, so that a screen reader notices the words. */
export function saidLine(said: Said | undefined): TemplateResult {
  return html`<p class="said ${said?.kind ?? ''}" role="status">${said?.text ?? nothing}</p>`
}

/** Handles a form without a page load. @param send takes its fields by their names */
export function onSubmit(send: (fields: (name: string) => string) => void): (event: SubmitEvent) => void {
  return (event) => {
    event.preventDefault()
    const data = new FormData(event.target as HTMLFormElement)
    send((name) => {
      const value = data.get(name)
      return typeof value === 'string' ? value : ''
    })
  }
}

/** @param chosen the content type that is chosen at first; it is offered also where it is another one */
export function typeField(chosen: string = TEXT_TYPE): TemplateResult {
  const offered = CONTENT_TYPES.includes(chosen) ? CONTENT_TYPES : [chosen, ...CONTENT_TYPES]
  return html`
    <label class="field">
      <span>Content type</span>
      <select name="type">
        ${offered.map((type) => html`<option ?selected=${type === chosen}>${type}</option>`)}
      </select>
    </label>
  `
}
