/**
 * The directives of Cache-Control in lower case (RFC 9111, section 5.2); of one that comes twice, the first (section 4.2.1). A comma in
 * quotes ends a directive, too: no `no-store` is overlooked.
 */
export function readDirectives (value: string | string[] | undefined): Map<string, string | undefined> {
  const directives = new Map<string, string | undefined>()
  for (const part of String(value ?? '').toLowerCase().split(',')) {
    const [name = '', argument] = part.split('=', 2).map(text => text.trim())
    if (name !== '' && !directives.has(name)) directives.set(name, argument?.replace(/^"|"$/g, ''))
  }
  return directives
}

/** One value of Cache-Control, as programs read it that compare directives as they are. */
export const writeDirectives = (directives: Iterable<readonly [string, string | undefined]>): string =>
  [...directives].map(([name, argument]) => argument === undefined ? name : `${name}=${argument}`).join(', ')
