/**
 * `<replicator-plot>`: lines over the last minutes, as wide as its place. What it draws is told in
 * words beside it, so a screen reader is spared the canvas.
 */
import uPlot from 'uplot'

/** One line. */
export interface Line {
  readonly name: string
  /** Names a colour of the style sheet: `one` to `four`. */
  readonly colour: 'one' | 'two' | 'three' | 'four'
  readonly isDashed?: boolean
}

export interface Plotted {
  readonly lines: readonly Line[]
  /** Seconds since 1970. */
  readonly times: readonly number[]
  /** Of each line, a value for each time; null for a gap. */
  readonly values: readonly (readonly (number | null)[])[]
  readonly write: (value: number) => string
}

const HEIGHT = 150
const AXIS_WIDTH = 62
const SPAN_SECONDS = 180
const DASHES = [4, 4]
const FONT = '12px system-ui, sans-serif'
/** A scale never shows less than this, so that nothing at all is a flat line at the bottom. */
const LEAST_TOP = 1

export class PlotElement extends HTMLElement {
  #plotted: Plotted | undefined
  #plot: uPlot | undefined
  readonly #observer = new ResizeObserver(() => this.#resize())
  readonly #dark = matchMedia('(prefers-color-scheme: dark)')
  readonly #rebuild = (): void => {
    this.#plot?.destroy()
    this.#plot = undefined
    this.#draw()
  }

  set plotted(plotted: Plotted) {
    this.#plotted = plotted
    this.#draw()
  }

  connectedCallback(): void {
    this.setAttribute('aria-hidden', 'true')
    this.#observer.observe(this)
    this.#dark.addEventListener('change', this.#rebuild)
    this.#draw()
  }

  disconnectedCallback(): void {
    this.#observer.disconnect()
    this.#dark.removeEventListener('change', this.#rebuild)
    this.#plot?.destroy()
    this.#plot = undefined
  }

  #resize(): void {
    if (this.#plot !== undefined && this.clientWidth > 0) this.#plot.setSize({ width: this.clientWidth, height: HEIGHT })
  }

  #draw(): void {
    const plotted = this.#plotted
    if (plotted === undefined || !this.isConnected || this.clientWidth === 0) return
    const data = [plotted.times, ...plotted.values] as unknown as uPlot.AlignedData
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(plotted), data, this)
    else this.#plot.setData(data)
  }

  #options({ lines, write }: Plotted): uPlot.Options {
    const [quiet, rule] = [this.#colourOf('--quiet'), this.#colourOf('--line')]
    const axis: uPlot.Axis = { stroke: quiet, font: FONT, grid: { stroke: rule, width: 1 }, ticks: { show: false } }
    return {
      width: this.clientWidth,
      height: HEIGHT,
      padding: [8, 28, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: true, range: (_, __, to) => [to - SPAN_SECONDS, to] },
        y: { range: (_, __, most) => [0, Math.max(LEAST_TOP, most * 1.1)] },
      },
      axes: [
        {
          ...axis,
          space: 80,
          size: 28,
          grid: { show: false },
          values: (_, times) => times.map((time) => new Date(time * 1_000).toTimeString().slice(0, 8)),
        },
        { ...axis, space: 36, size: AXIS_WIDTH, values: (_, values) => values.map((value) => (value === 0 ? '0' : write(value))) },
      ],
      series: [
        {},
        ...lines.map(({ name, colour, isDashed }): uPlot.Series => ({
          label: name,
          stroke: this.#colourOf(`--line-${colour}`),
          width: 1.5,
          points: { show: false },
          ...(isDashed === true && { dash: DASHES }),
        })),
      ],
    }
  }

  /** The colour as it is now, which a canvas can take: of the pair, the one for light or dark. */
  #colourOf(name: string): string {
    this.style.color = `var(${name})`
    return getComputedStyle(this).color
  }
}
