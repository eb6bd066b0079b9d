/**
 * The URL, or undefined. Not URL.canParse: once it is compiled, node 20 reads Latin-1 text as UTF-8 there, and says yes to
 * what `new URL` refuses (found by fuzzing).
 */
export function parseUrl (text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
