/**
 * The segments of a path as an HTTPD may see it: percent-decoded once, without empty segments, in lower case, since some
 * file systems tell no case. Undefined for a path that HTTPDs read in different ways, so that a rule could be passed by:
 * dot segments (also with a parameter, `..;`), parameters (`;`), backslashes, encoded slashes, control characters, what
 * is encoded twice or not well encoded, and a dot or space at a segment's end.
 */
export function readPath (target: string): string[] | undefined {
  const path = target.split('?', 1)[0] ?? '/'
  const segments: string[] = []
  for (const coded of path.split('/')) {
    const segment = decode(coded)
    if (segment === undefined || ODD.test(segment)) return undefined
    if (segment !== '') segments.push(plain(segment))
  }
  return segments
}

/** How many segments of the rule's path a path begins with, all of them; -1 if not all. */
export function depthOf (path: readonly string[], rule: string): number {
  const wanted = rule.split('/').filter(segment => segment !== '').map(segment => plain(decode(segment) ?? segment))
  return wanted.every((segment, index) => path[index] === segment) ? wanted.length : -1
}

// eslint-disable-next-line no-control-regex
const ODD = /[\x00-\x1f\x7f\\/;%]|[. ]$|^ /

/** Letters that some file systems take for one another: case, and the two ways to write an accent. */
function plain (segment: string): string {
  return segment.normalize('NFKC').toLowerCase()
}

function decode (segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
