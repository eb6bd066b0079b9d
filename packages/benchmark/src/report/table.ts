import { escape } from './svg.ts'

/** An HTML table. The first column is text, the second too where it names a design; the rest are figures. */
export function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const cells =
    (row: readonly string[], name: string): string => `<tr>${row.map(cell => `<${name}>${escape(cell)}</${name}>`).join('')}</tr>`
  return `<div class="wide"><table${head[1] === 'design' || head[1] === 'rival'
    ? ' class="named"'
    : ''}><thead>${cells(head, 'th')}</thead><tbody>${rows.map(row => cells(row, 'td')).join('\n')}</tbody></table></div>`
}

/** The same for a terminal, columns aligned. */
export function textTable (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map(row => row[i]?.length ?? 0)))
  const lineOf = (row: readonly string[]): string => row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
    .join('  ').trimEnd()
  return [lineOf(head), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(lineOf)].join('\n')
}
