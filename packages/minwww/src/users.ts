import { SettingsError } from './errors.ts'

/**
 * Reads `USER:PASSWORD` lines; a password may have colons. Throws SettingsError with `name` (of the setting), file and
 * line. The lines are secrets: none is shown.
 */
export function parseUsers (text: string, file: string, name = file): Record<string, string> {
  const users = new Map<string, string>()
  const problems: string[] = []
  const where = (index: number): string => `${name === file ? '' : `${name}: `}${file}:${index + 1}`
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    const user = line.slice(0, colon)
    if (colon < 1) problems.push(`${where(index)}: is not USER:PASSWORD`)
    else if (users.has(user)) problems.push(`${where(index)}: this user is there twice`)
    else users.set(user, line.slice(colon + 1))
  }
  if (users.size === 0 && problems.length === 0) {
    problems.push(`${name === file ? '' : `${name}: `}${file}: no user is in it; write a line USER:PASSWORD for each`)
  }
  if (problems.length > 0) throw new SettingsError(problems)
  return Object.fromEntries(users)
}
