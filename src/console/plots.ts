/** Two plots of the last minutes: writes a second, and how long clients of the asked peer waited. */
import { html } from 'lit-html'
import type { TemplateResult } from 'lit-html'
import type { Sample } from './history.ts'
import type { Line, Plotted } from './plot-element.ts'
import { milliseconds, rateText } from './words.ts'

const SECOND_MS = 1_000

interface Row extends Line {
  readonly of: (sample: Sample) => number | null
}

const WRITES: readonly Row[] = [
  { name: 'new keys, all clusters', colour: 'one', of: ({ keysPerSecond }) => keysPerSecond },
  { name: 'writes through this peer', colour: 'two', of: ({ writesPerSecond }) => writesPerSecond },
]
const LATENCIES: readonly Row[] = [
  { name: 'put, median', colour: 'two', of: ({ putMedianMs }) => putMedianMs },
  { name: 'put, 99 %', colour: 'two', isDashed: true, of: ({ putTailMs }) => putTailMs },
  { name: 'get, median', colour: 'three', of: ({ getMedianMs }) => getMedianMs },
  { name: 'get, 99 %', colour: 'three', isDashed: true, of: ({ getTailMs }) => getTailMs },
]

export function plots(samples: readonly Sample[]): TemplateResult {
  return html`
    <div class="plots">
      ${plot('Writes a second', 'now', WRITES, samples, rateText)}
      ${plot('Time to answer, through this peer', 'last 5 s', LATENCIES, samples, milliseconds)}
    </div>
  `
}

function plot(
  title: string,
  when: string,
  rows: readonly Row[],
  samples: readonly Sample[],
  write: (value: number) => string,
): TemplateResult {
  const plotted: Plotted = {
    lines: rows,
    times: samples.map(({ atMs }) => atMs / SECOND_MS),
    values: rows.map(({ of }) => samples.map(of)),
    write,
  }
  const last = samples.at(-1)
  return html`
    <figure>
      <figcaption>
        <h2>${title}</h2>
        <ul class="legend" aria-label=${`${title}, ${when}`}>
          ${rows.map(({ name, colour, isDashed, of }) => {
            const value = last === undefined ? null : of(last)
            return html`<li class="${colour} ${isDashed === true ? 'dashed' : ''}">
              ${name} <b>${value === null ? '–' : write(value)}</b>
            </li>`
          })}
        </ul>
      </figcaption>
      <replicator-plot .plotted=${plotted}></replicator-plot>
    </figure>
  `
}
