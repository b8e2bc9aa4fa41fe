/**
 * An element inside this type: a text with one character a byte, so that it can be the key of a
 * map. V8 keeps such a text in one byte a character.
 */
import { assert } from '../base/assert.ts'
import { ELEMENT_BYTES_MAX } from './requests.ts'
import type { Element } from './requests.ts'

/** The canonical bytes of an element, a character (U+0000 to U+00FF) for each. */
export type ElementKey = string & { readonly __brand: 'ElementKey' }

/** Characters that are made at a time: each is an argument of a call. */
const PIECE_BYTES = 1_024

export function keyOfElement(element: Element): ElementKey {
  if (element.length === 0 || element.length > ELEMENT_BYTES_MAX) assert(false, `an element of ${element.length} bytes`)
  if (element.length <= PIECE_BYTES) return String.fromCharCode(...element) as ElementKey
  let key = ''
  for (let at = 0; at < element.length; at += PIECE_BYTES) key += String.fromCharCode(...element.subarray(at, at + PIECE_BYTES))
  return key as ElementKey
}

export function elementOfKey(key: ElementKey): Element {
  const element = new Uint8Array(key.length)
  for (let index = 0; index < key.length; index += 1) element[index] = key.charCodeAt(index)
  return element
}
