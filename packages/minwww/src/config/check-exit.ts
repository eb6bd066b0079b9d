import { Resolver } from 'node:dns'
import { METHODS } from 'node:http'
import { isLoopback } from '@minwww/i2cp'
import { checkContact, DestinationList, parseAddress, parseAddressRule, parseUpstream } from '@minwww/server'
import { parseHostPort, parseSites } from '../address.ts'
import { SettingsError, UsageError } from '../errors.ts'
import { parseSitePath } from '../exit-options.ts'
import { exists, readKeys } from '../key-file.ts'
import { checkRouterAccess } from './check-router.ts'
import { checkCanBeMade, checkDirectory, checkPortIsFree, readLines } from './places.ts'
import { nameOf, type Origin } from './origin.ts'
import type { Moment, Report } from './report.ts'
import type { Settings } from './schema.ts'

type CommonSettings = Pick<Settings<'demo'>, 'site' | 'allowAddress' | 'state'>

/** What `demo` and `exit` have in common. */
export async function checkExitSide (report: Report<CommonSettings>, moment: Moment): Promise<void> {
  const names = new Set<string>()
  await report.each('site', (entry, name) => {
    const [site = ''] = Object.keys(parseSites([entry], name))
    if (names.has(site)) throw new UsageError(`${name}: ${site} is given twice`)
    names.add(site)
  })
  await report.each('allowAddress', checkRange)
  await report.each('state', async (directory, _name, origin) => { await checkDirectory(directory, origin, moment === 'start') })
}

/** The settings of `exit`. */
export async function checkExitSection (report: Report<Settings<'exit'>>, moment: Moment): Promise<void> {
  const { settings } = report
  await checkRouterAccess(report)
  await checkExitSide(report, moment)
  await checkKeys(report)
  await checkConsole(report, moment)
  if (settings.ownSitesOnly && settings.site.length === 0) {
    report.wrong('ownSitesOnly', 'there is no own site, so nothing would be served: name one with --site NAME=URL')
  }
  await report.each('denyAddress', checkRange)
  await report.each('ownAddress', (value, name) => {
    if (parseAddress(value) === undefined) throw new UsageError(`${name}: '${value}' is not an IP address, for example 203.0.113.7`)
  })
  await report.each('nameServer', (value, name) => {
    try {
      new Resolver().setServers([value])
    } catch {
      throw new UsageError(`${name}: '${value}' is not ADDRESS[:PORT] of a name server, for example 9.9.9.9 or [2620:fe::fe]:53`)
    }
  })
  await report.each('upstream', parseUpstream)
  if (settings.upstream !== undefined && settings.nameServer.length > 0) {
    report.wrong('nameServer', 'is never asked: with --upstream names are resolved there; leave one of them away')
  }
  await report.each('contact', checkContact)
  await checkLists(report)
  await checkRules(report)
}

/** The key file that is there, or can be made. */
export async function checkKeys (report: Report<Pick<Settings<'exit'>, 'keys'>>): Promise<void> {
  await report.each('keys', async (file, _name, origin) => {
    if (!await exists(file)) return await checkCanBeMade(file, origin)
    await readKeys(file, origin.kind === 'flag' ? origin.flag : undefined).catch((error: unknown) => {
      throw origin.kind === 'flag' ? error : new SettingsError([`${nameOf(origin)}: ${(error as Error).message}`], 1)
    })
  })
}

/** Where the operator's console listens. */
export async function checkConsole (report: Report<Pick<Settings<'exit'>, 'console'>>, moment: Moment): Promise<void> {
  await report.each('console', async (value, name, origin) => {
    const { host } = parseHostPort(value, name)
    if (!isLoopback(host)) {
      throw new UsageError(
        `${name}: the console is for this machine only, and ${host} is not loopback: write 127.0.0.1:PORT, and reach it from afar ` +
        'through SSH'
      )
    }
    if (moment === 'start') await checkPortIsFree(value, origin)
  })
}

async function checkLists (report: Report<Settings<'exit'>>): Promise<void> {
  for (const key of ['allowHosts', 'denyHosts'] as const) {
    await report.each(key, async (file, _name, origin) => { await checkLines(file, origin, checkHost) })
  }
  await checkDestinations(report)
}

/** The lists of those who are served, and of those who are not. */
export async function checkDestinations (
  report: Report<Pick<Settings<'exit'>, 'allowDestinations' | 'denyDestinations'>>
): Promise<void> {
  for (const key of ['allowDestinations', 'denyDestinations'] as const) {
    await report.each(key, async (file, _name, origin) => { await checkLines(file, origin, line => new DestinationList([line])) })
  }
}

async function checkRules (report: Report<Settings<'exit'>>): Promise<void> {
  const { settings } = report
  await report.each('methods', checkMethod)
  const sites = new Set(settings.site.map(entry => entry.slice(0, entry.indexOf('=')).toLowerCase()))
  const rules = new Set<string>()
  await report.each('sitePath', (entry, name) => {
    const { site, path, methods } = parseSitePath(entry, name)
    if (!sites.has(site)) {
      throw new UsageError(`${name}: '${entry}': ${site} is none of the sites; name it with --site ${site}=URL, or correct the rule`)
    }
    if (rules.has(`${site}${path}`)) throw new UsageError(`${name}: there are two rules for ${site}${path}`)
    rules.add(`${site}${path}`)
    for (const method of methods === false ? [] : methods) checkMethod(method, name)
  })
  await report.each('denyContentType', (value, name) => {
    if (!/^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/.test(value)) {
      throw new UsageError(`${name}: '${value}' is not a media type, for example video/* or application/zip`)
    }
  })
  await report.each('hideField', (value, name) => {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(value)) throw new UsageError(`${name}: '${value}' is not the name of a field, for example Server`)
  })
}

export function checkMethod (value: string, name: string): void {
  if (!METHODS.includes(value.toUpperCase())) {
    throw new UsageError(`${name}: '${value}' is not a method of HTTP, for example GET or PROPFIND`)
  }
}

const checkRange = (value: string): unknown => parseAddressRule(value)

function checkHost (line: string): void {
  const host = line.replace(/^=/, '').replace(/^(\*\.|\.)/, '')
  if (!/^[\w-]+(\.[\w-]+)*\.?$/.test(host) && !/^\[?[0-9a-f:.]+\]?$/i.test(host)) {
    throw new UsageError(`'${line}' is not a host; write example.com, or =example.com for that host alone`)
  }
}

async function checkLines (file: string, origin: Origin, check: (line: string) => unknown): Promise<void> {
  const problems = (await readLines(file, origin)).flatMap(({ text, number }) => {
    try {
      check(text)
      return []
    } catch (error) {
      return [`${nameOf(origin)}: ${file}:${number}: ${(error as Error).message}`]
    }
  })
  if (problems.length > 0) throw new SettingsError(problems)
}
