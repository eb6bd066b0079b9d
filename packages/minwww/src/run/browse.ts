import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Closers } from '@minwww/ground/node'
import { parseUrl } from '@minwww/protocol/parse-url'
import { formatHostPort, parseHostPort, type HostPort } from '../address.ts'
import { findBrowser, type Browser } from '../browse/find-browser.ts'
import { firefoxSettings } from '../browse/firefox-settings.ts'
import { overruled } from '../browse/overruled.ts'
import { openProfile, prepare } from '../browse/profile.ts'
import { isProxyAt } from '../browse/running-proxy.ts'
import { loaded } from '../early-end.ts'
import { CliError, explain, UsageError } from '../errors.ts'
import type { Reporter } from '../output.ts'

export interface BrowseFlags {
  proxy: string
  browser?: string
  profile?: string
  temporary?: true
}

export interface Browsing {
  flags: BrowseFlags
  url: string | undefined
  /** Given behind `--`, for the browser. */
  browserArgs: readonly string[]
  /** Options of `minwww proxy`, for the one that is started. */
  proxyArgs: readonly string[]
  reporter: Reporter
}

const HOME = 'http://minwww.i2p/'
/** What a new profile shows first. */
const DID_IT_WORK = `${HOME}did-it-work`
/** Between two looks whether the proxy listens already, ms; and how long it may take. */
const LOOK = 100
const START_TIME = 60_000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Starts a browser that is set, with the proxy if none runs, and ends both when either is told to end. */
export async function runBrowse ({ flags, url, browserArgs, proxyArgs, reporter }: Browsing): Promise<void> {
  const address = parseHostPort(flags.proxy, '--proxy')
  if (address.port === 0) throw new UsageError('--proxy: name a port: a browser must know it')
  const page = url === undefined ? undefined : addressOf(url)
  const browser = findBrowser(flags.browser)
  warn(browser, address, reporter)
  const closers = new Closers()
  const end = new AbortController()
  for (const signal of SIGNALS) process.on(signal, () => { end.abort() })
  loaded()
  try {
    await ensureProxy(closers, address, proxyArgs, reporter, end.signal)
    if (end.signal.aborted) return
    const profile = closers.add(openProfile(browser.family, flags.profile, flags.temporary === true), profile => { profile.remove() })
    const { program, args, env } = prepare(browser, profile.folder, address, HOME)
    const shown = page ?? (profile.isNew ? DID_IT_WORK : HOME)
    const all = [...args, ...browserArgs, shown]
    const child = spawn(program, all, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } })
    closers.add(child, ended)
    await once(child, 'spawn').catch((error: unknown) => { throw explain(error, program, '--browser') })
    reporter.ready({ browser: program, family: browser.family, profile: profile.folder, proxy: `http://${flags.proxy}`, url: shown }, [
      `${program} shows ${shown} through the proxy at ${flags.proxy}`,
      `  profile  ${profile.folder}${flags.temporary === true ? ', which goes when the browser ends' : ''}`
    ])
    await Promise.race([once(child, 'exit'), once(end.signal, 'abort')])
  } finally {
    await closers.close()
  }
}

/** An address as people write it: http where nothing is said. Throws UsageError. */
function addressOf (text: string): string {
  const url = parseUrl(text.includes('://') ? text : `http://${text}`)
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new UsageError(`'${text}' is not an address that a browser opens, for example http://demo.i2p/`)
  }
  return url.href
}

/** Says which settings of the profile are not in force, because the administrator of the machine has set others. */
function warn (browser: Browser, proxy: HostPort, reporter: Reporter): void {
  const lines = overruled(browser, firefoxSettings(proxy, HOME))
  for (const line of lines) process.stderr.write(`minwww: ${line} goes before the settings of this profile\n`)
  if (lines.length > 0) reporter.progress('not every setting could be had: pages or names may go past the proxy')
}

/** A proxy listens when this resolves: the one that runs, or one of its own, which ends with the browser. */
async function ensureProxy (
  closers: Closers, address: HostPort, args: readonly string[], reporter: Reporter, signal: AbortSignal
): Promise<void> {
  if (await isProxyAt(address)) {
    if (args.length > 0) reporter.progress(`a proxy runs at ${formatHostPort(address)}: it is used as it is, without ${args[0] ?? ''}`)
    return
  }
  reporter.progress(`starting the proxy at ${formatHostPort(address)}`)
  const own = [...process.execArgv, process.argv[1] ?? '', 'proxy', '--proxy', formatHostPort(address), ...args, '--json']
  const proxy = spawn(process.execPath, own, { stdio: ['ignore', 'ignore', 'inherit'] })
  closers.add(proxy, ended)
  const gone = once(proxy, 'exit')
  for (const end = performance.now() + START_TIME; performance.now() < end;) {
    const isGone = await Promise.race([gone.then(() => true), delay(LOOK, false)])
    // It has said why.
    if (isGone) throw new CliError('MINWWW_NO_PROXY', 'the proxy did not start', proxy.exitCode === 2 ? 2 : 1)
    if (signal.aborted || await isProxyAt(address)) return
  }
  throw new CliError('MINWWW_NO_PROXY', `the proxy did not start within ${START_TIME / 1_000} s`)
}

/** Ends a program, and waits until it has. */
async function ended (child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
