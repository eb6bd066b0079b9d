/** Bytes of a page in which it says its encoding (HTML, section 13.2.3.2). */
const PRESCAN = 1_024

/** How a page or style sheet is encoded: as its field says, as its first bytes say, or as most are. */
export function charsetOf (contentType: string, start: Uint8Array): string {
  const [a, b, c] = start
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8'
  if (a === 0xfe && b === 0xff) return 'utf-16be'
  if (a === 0xff && b === 0xfe) return 'utf-16le'
  const said =
    /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType)?.[1] ??
    /(?:<meta[^>]{0,200}?charset\s*=\s*["']?|^@charset ")([\w.:-]{1,40})/i.exec(
      Buffer.from(start.subarray(0, PRESCAN)).toString('latin1')
    )?.[1]
  return said?.toLowerCase() ?? 'utf-8'
}

/** A decoder for it; what nobody knows is read as the western one. */
export function decoderFor (charset: string): { decoder: InstanceType<typeof TextDecoder>, isUtf8: boolean } {
  try {
    const decoder = new TextDecoder(charset)
    return { decoder, isUtf8: decoder.encoding.startsWith('utf-') }
  } catch {
    return { decoder: new TextDecoder('windows-1252'), isUtf8: false }
  }
}
