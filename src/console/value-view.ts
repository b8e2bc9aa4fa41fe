/** A value as people can read it: text as it is, JSON indented, and the first bytes of anything else. */
import { html, nothing } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import { bytesText } from './words.ts'

/** More than that makes a page slow, and nobody reads it. */
const SHOWN_CHARACTERS = 20_000
const SHOWN_BYTES = 512
const ROW_BYTES = 16
const HEX = 16

export function valueView(value: Uint8Array, contentType: string): TemplateResult {
  const shown = shownOf(value, contentType)
  const cut = shown.isCut ? html`<p class="quiet">The beginning of ${bytesText(value.length)}.</p>` : nothing
  if (value.length === 0) return html`<p class="quiet">The value is empty.</p>`
  return html`<pre tabindex="0" role="group" aria-label="Value as stored">${shown.text}</pre>
    ${cut}`
}

interface Shown {
  readonly text: string
  readonly isCut: boolean
}

export function shownOf(value: Uint8Array, contentType: string): Shown {
  const text = textOf(value)
  if (text === undefined) return { text: hexOf(value.subarray(0, SHOWN_BYTES)), isCut: value.length > SHOWN_BYTES }
  const readable = /[/+]json\b/.test(contentType) ? indented(text) : text
  return { text: readable.slice(0, SHOWN_CHARACTERS), isCut: readable.length > SHOWN_CHARACTERS }
}

/** Undefined where it is no text. */
export function textOf(value: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(value)
    return text.includes('\u0000') ? undefined : text
  } catch {
    return undefined
  }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return text
  }
}

function hexOf(bytes: Uint8Array): string {
  const rows = Array.from({ length: Math.ceil(bytes.length / ROW_BYTES) }, (_, index) =>
    bytes.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES),
  )
  return rows.map((row) => [...row].map((byte) => byte.toString(HEX).padStart(2, '0')).join(' ')).join('\n')
}
