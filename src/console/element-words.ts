/** Elements of sets as people read and write them. Pure. */
import type { Element } from '../client/client.ts'
import { readJson, writeElement } from '../client/elements.ts'

/** Text as it is; anything else as JSON. */
export function elementText(element: Element): string {
  return typeof element === 'string' ? element : writeElement(element)
}

/** @returns undefined where the text is no element */
export function parseElement(text: string, isJson: boolean): Element | undefined {
  if (!isJson) return text
  try {
    const value = readJson(text)
    return isElement(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isElement(value: unknown): value is Element {
  if (Array.isArray(value)) return value.every(isElement)
  if (typeof value !== 'object' || value === null) return value !== undefined
  return 'tag' in value && 'value' in value
}
