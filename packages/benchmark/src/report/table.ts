import { escape } from './svg.ts'

/** An HTML table. The first column is text, the second too where it names a design; the rest are figures. */
export function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const top = `<tr>${head.map(cell => `<th scope="col">${escape(cell)}</th>`).join('')}</tr>`
  // On a phone each row is a block of its own, and each cell says what it is.
  const cell = (text: string, i: number): string =>
    `<td data-name="${escape(head[i] ?? '')}"${text === '-' ? ' class="none"' : ''}>${escape(text)}</td>`
  const cells = (row: readonly string[]): string => `<tr>${row.map(cell).join('')}</tr>`
  return `<div class="wide"><table${head[1] === 'design' || head[1] === 'rival'
    ? ' class="named"'
    : ''}><thead>${top}</thead><tbody>${rows.map(cells).join('\n')}</tbody></table></div>`
}

/** The same for a terminal, columns aligned. */
export function textTable (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map(row => row[i]?.length ?? 0)))
  const lineOf = (row: readonly string[]): string => row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))
    .join('  ').trimEnd()
  return [lineOf(head), widths.map(width => '-'.repeat(width)).join('  '), ...rows.map(lineOf)].join('\n')
}
