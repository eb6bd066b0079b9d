import { allowedName, isListUrl, MAX_PUBLISHERS } from '@minwww/client'
import { isLoopback } from '@minwww/i2cp'
import { parseHostPort, parseJump } from '../address.ts'
import { SettingsError, UsageError } from '../errors.ts'
import { checkExitName, MAX_EXITS } from '../exits.ts'
import { exists } from '../key-file.ts'
import { parseUsers } from '../users.ts'
import { checkRouterAccess } from './check-router.ts'
import { checkCanBeMade, checkDirectory, checkPortIsFree, readLines, readText } from './places.ts'
import { nameOf } from './origin.ts'
import type { Moment, Report } from './report.ts'
import type { Settings } from './schema.ts'

type PoolSettings = Pick<Settings<'proxy'>,
  'proxy' | 'hosts' | 'jump' | 'cacheMemory' | 'cacheDir' | 'auth' | 'isolate' |
  'administrator' | 'hostname' | 'allowField' | 'acceptLanguage'>

/** What `demo` and `proxy` have in common. */
export async function checkBrowserSide (report: Report<PoolSettings>, moment: Moment): Promise<void> {
  const { settings } = report
  await report.each('proxy', async (value, name, origin) => {
    const { host } = parseHostPort(value, name)
    if (!isLoopback(host) && settings.auth === undefined) {
      throw new UsageError(`${name}: ${host} can be reached by others: name users with --auth FILE, or listen on 127.0.0.1`)
    }
    if (moment === 'start') await checkPortIsFree(value, origin)
  })
  await report.each('hosts', async (file, _name, origin) => {
    if (await exists(file)) await readText(file, origin)
    else await checkCanBeMade(file, origin)
  })
  await report.each('jump', parseJump)
  await report.each('cacheDir', async (directory, name, origin) => {
    if (settings.cacheMemory === 0) {
      throw new UsageError(`${name}: there is no cache at all with --cache-memory 0; give it some MB, or leave out the directory`)
    }
    await checkDirectory(directory, origin, moment === 'start')
  })
  let users: Record<string, string> = {}
  await report.each('auth', async (file, name, origin) => { users = parseUsers(await readText(file, origin), file, name) })
  if (settings.isolate && settings.auth === undefined) report.wrong('isolate', 'needs users: name them with --auth FILE')
  if (settings.administrator.length > 0 && !settings.isolate) {
    report.wrong('administrator', 'has a meaning with --isolate only: otherwise every user may do all of it')
  }
  await report.each('administrator', (user, name) => {
    if (settings.isolate && !Object.hasOwn(users, user)) throw new UsageError(`${name}: '${user}' is no user of --auth`)
  })
  await report.each('hostname', (value, name) => {
    if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(value)) parseHostPort(value, name)
  })
  await report.each('allowField', allowedName)
  await report.each('acceptLanguage', (value, name) => {
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw new UsageError(`${name}: '${value}' is not the value of Accept-Language, for example de,en;q=0.5`)
    }
  })
}

/** The settings of `proxy`. */
export async function checkProxySection (report: Report<Settings<'proxy'>>, moment: Moment): Promise<void> {
  const { settings } = report
  await checkRouterAccess(report)
  await checkBrowserSide(report, moment)
  await report.each('exit', checkExitName)
  let named = settings.exit.length
  await report.each('exits', async (file, _name, origin) => {
    const lines = await readLines(file, origin)
    named += lines.length
    const name = nameOf(origin)
    const problems = lines.flatMap(({ text, number }) => problemOf(() => { checkExitName(text, `${name}: ${file}:${number}`) }))
    if (problems.length > 0) throw new SettingsError(problems)
    if (lines.length === 0 && settings.exit.length === 0) {
      throw new UsageError(`${name}: ${file}: no exit is in it; write an address a line`)
    }
  })
  const publishers = new Set<string>()
  await report.each('exitList', (url, name) => {
    if (!isListUrl(url)) throw new UsageError(`${name}: '${url.slice(0, 80)}' is not the http URL of a list on a site of I2P`)
    publishers.add(new URL(url).host)
  })
  if (settings.exitList.length > MAX_PUBLISHERS) {
    report.wrong('exitList', `${settings.exitList.length} lists are named; a proxy subscribes to ${MAX_PUBLISHERS} at most`)
  }
  if (settings.exitListAgree !== undefined && settings.exitListAgree > Math.max(1, publishers.size)) {
    report.wrong('exitListAgree', `so many publishers could never agree: --exit-list names ${publishers.size}`)
  }
  await report.each('neverExit', (b32, name) => {
    if (/^[a-z2-7]{52}\.b32\.i2p$/.test(b32)) return
    throw new UsageError(`${name}: '${b32.slice(0, 60)}' is not a b32 address: 52 characters before .b32.i2p`)
  })
  // A file may leave the exits to the flags.
  if (moment === 'start' && settings.exits === undefined && named + settings.exitList.length === 0 && !settings.i2pOnly) {
    report.missing(
      'no exit is named; give --exit DEST, --exits FILE or --exit-list URL, or --i2p-only if sites of I2P are all that you want'
    )
  }
  if (settings.i2pOnly && (named + settings.exitList.length > 0 || settings.exits !== undefined)) {
    report.wrong('i2pOnly', 'nothing would ever go to the exits that are named beside it: leave one of them away')
  }
  if (named > MAX_EXITS) report.missing(`${named} exits are named; the pool takes ${MAX_EXITS}`)
  await report.each('state', async (directory, _name, origin) => { await checkDirectory(directory, origin, moment === 'start') })
}

function problemOf (check: () => void): string[] {
  try {
    check()
    return []
  } catch (error) {
    return [(error as Error).message]
  }
}
