/** Numbers, sizes, times and ids as people read them. Pure. */

const SHOWN_OF_ID = 8
const THOUSAND = 1_000
const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'] as const
const SECOND_MS = 1_000
const MINUTE_S = 60
const HOUR_S = 3_600
const DAY_S = 86_400

/** The end of a peer id: it tells peers apart, and all of them begin alike. */
export function shortId(id: string): string {
  return id.length <= SHOWN_OF_ID ? id : `…${id.slice(-SHOWN_OF_ID)}`
}

/** What people call a peer, and the end of its id where nobody said. */
export function calledText({ id, name }: { readonly id: string; readonly name: string | null }): string {
  return name ?? shortId(id)
}

/** With its thousands apart. */
export function countText(count: number): string {
  return count.toLocaleString('en')
}

/** `1 key`, `2 keys`. */
export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}

export function bytesText(bytes: number): string {
  let size = bytes
  let step = 0
  while (size >= THOUSAND && step < SIZES.length - 1) {
    size /= THOUSAND
    step += 1
  }
  return `${step === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${SIZES[step]}`
}

export function milliseconds(ms: number): string {
  if (ms >= SECOND_MS) return `${(ms / SECOND_MS).toFixed(ms >= 10 * SECOND_MS ? 0 : 1)} s`
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

export function secondsText(seconds: number): string {
  if (seconds < MINUTE_S) return `${Math.round(seconds)} s`
  if (seconds < HOUR_S) return `${Math.round(seconds / MINUTE_S)} min`
  return seconds < DAY_S ? `${Math.round(seconds / HOUR_S)} h` : `${Math.round(seconds / DAY_S)} d`
}

/** How long ago something was. Clocks differ between machines, and nothing was in the future. */
export function agoText(at: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(at)) / SECOND_MS))
  return seconds < 2 ? 'now' : `${secondsText(seconds)} ago`
}

/** A rate, with a decimal only where it says something. */
export function rateText(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : countText(Math.round(perSecond))
}
