/**
 * A text without the spaces and tabs at its ends (OWS of RFC 9110, section 5.6.3), in one pass: regular expressions that look for
 * white space before an end try every run of it anew, and a field of 32 KB can be one run.
 */
export function trimWhiteSpace (text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isWhite(text.charCodeAt(start))) start++
  while (end > start && isWhite(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isWhite (code: number): boolean {
  return code === 0x20 || code === 0x09
}
