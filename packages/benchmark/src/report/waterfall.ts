import { formatMs, formatSize } from './format.ts'
import { el, line, linearScale, svg, text } from './svg.ts'
import type { Waterfall } from './types.ts'

const WIDTH = 400
const NAME = 92
const ROW = 18
const TOP = 8
const BOTTOM = 24

/** Each resource of a page from when it was asked for until it was complete. */
export function waterfallChart ({ design, label, load, resources }: Waterfall, until: number): string {
  const height = TOP + resources.length * ROW + BOTTOM
  const scale = linearScale([0, until], [NAME, WIDTH - 56], 4)
  const bottom = height - BOTTOM
  return svg(WIDTH, height, `${label}: loaded after ${formatMs(load)}`,
    ...scale.ticks.map(tick => line(
      scale(tick), TOP, scale(tick), bottom, { class: 'grid' }
    ) + text(scale(tick), bottom + 16, formatMs(tick), { 'text-anchor': 'middle' })),
    ...resources.map(({ name, start, end, bytes }, i) => {
      const y = TOP + i * ROW
      return text(NAME - 8, y + 13, name, { 'text-anchor': 'end' }) +
        el('rect', {
          x: scale(start), y: y + 3, width: Math.max(1, scale(end) - scale(start)), height: ROW - 6, class: `fill d-${design}`
        }, el('title', {}, `${formatMs(start)} to ${formatMs(end)}`)) +
        (bytes > 0 ? text(scale(end) + 5, y + 13, formatSize(bytes)) : '')
    }),
    line(scale(load), TOP, scale(load), bottom, { class: 'done' }))
}
