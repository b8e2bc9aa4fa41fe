/** Parts of the view of registers: what was read, what changed, and what a write may ask for. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { ReadOutcome, RegisterEvent } from '../client/client.ts'
import { valueView } from './value-view.ts'
import { bytesText } from './words.ts'

export type Change = Extract<RegisterEvent, { readonly kind: 'put' | 'delete' }>

/** What a write may find, by the names of the form. */
const CONDITIONS = { same: '', absent: 'nothing is there', any: 'whatever is there' } as const

/** @param version that was read, which a write is made on unless somebody chooses otherwise */
export function conditionField(version: number | undefined): TemplateResult {
  const chosen = version === undefined ? 'absent' : 'same'
  const offered = Object.entries(CONDITIONS).filter(([name]) => name !== 'same' || version !== undefined)
  return html`
    <label class="field">
      <span>Only if</span>
      <select name="when">
        ${offered.map(
          ([name, text]) =>
            html`<option value=${name} ?selected=${name === chosen}>${name === 'same' ? `it still is version ${version}` : text}</option>`,
        )}
      </select>
    </label>
  `
}

/** @param changes the last one first */
export function changeList(changes: readonly Change[]): TemplateResult {
  return html`
    <ol class="changes" aria-label="Changes, the last one first">
      ${changes.map(
        (change) => html`
          <li>
            <span class="id">${change.key}</span>
            ${
              change.kind === 'delete'
                ? html`<b class="bad">deleted</b>`
                : html`<span>version <b>${change.version}</b>, ${bytesText(change.size)}</span>`
            }
          </li>
        `,
      )}
    </ol>
  `
}

export function readView(outcome: ReadOutcome): TemplateResult {
  switch (outcome.kind) {
    case 'found':
      return html`
        ${valueView(outcome.value, outcome.contentType)}
        <p class="quiet small">Version <b>${outcome.version}</b>, ${bytesText(outcome.value.length)}, ${outcome.contentType}</p>
      `
    case 'absent':
      return html`<p>Nothing is live.${outcome.number > 0 ? html` The last version was ${outcome.number}.` : nothing}</p>`
    case 'unavailable':
      return html`<p class="bad">No quorum answered in time: ${outcome.detail}</p>`
    case 'refused':
      return html`<p class="bad">${outcome.detail}</p>`
  }
}
