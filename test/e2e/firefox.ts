/** Debian's Firefox over WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), as far as the tests need it. */
import { EventEmitter, once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { spawnBound } from './bound-process.ts'
import { ARTIFACTS } from './browser.ts'

export const FIREFOX = '/usr/bin/firefox-esr'

/** Longest wait for Firefox to start, and for the answer to any command, ms. */
const DEADLINE = 120_000
/** Bytes of the largest body that it hands out. */
const MAX_BODY = 10_000_000
/** What Firefox gets to end by itself, ms. */
const GRACE = 10_000

export type Preferences = Readonly<Record<string, string | number | boolean>>

/** What docs/guide/browsing.md lets the user enter into "Connection Settings". */
export function manualProxy (proxy: string): Preferences {
  const { hostname, port } = new URL(proxy)
  return {
    'network.proxy.type': 1,
    'network.proxy.http': hostname,
    'network.proxy.http_port': Number(port),
    'network.proxy.share_proxy_settings': true,
    // The dialog copies these when "Also use this proxy for HTTPS" is ticked.
    'network.proxy.ssl': hostname,
    'network.proxy.ssl_port': Number(port),
    'network.proxy.no_proxies_on': ''
  }
}

/** The other way of docs/guide/browsing.md. */
export const automaticProxy = (proxy: string): Preferences => ({
  'network.proxy.type': 2, 'network.proxy.autoconfig_url': `${proxy}/proxy.pac`
})

/** What docs/guide/browsing.md lets the user set in about:config. */
export const ABOUT_CONFIG: Preferences = {
  'media.peerconnection.enabled': false,
  'network.proxy.allow_bypass': false,
  'network.proxy.failover_direct': false,
  'browser.fixup.domainsuffixwhitelist.i2p': true,
  'browser.fixup.fallback-to-https': false,
  'dom.security.https_only_mode': false
}

/**
 * What Firefox would ask of the Internet by itself, before the remote agent's own list of such settings is in force. One thing is
 * left to it, under a
 * name that nobody has: its own requests do not keep to the proxy as those of pages do.
 */
const QUIET: Preferences = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'doh-rollout.disable-heuristics': true,
  'dom.push.connection.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'https://settings.invalid/v1',
  'termsofuse.bypassNotification': true,
  'toolkit.telemetry.server': ''
}

interface Answer {
  id?: number, type: string, result?: Record<string, any>, error?: string, message?: string, method?: string, params?: Record<string, any>
}

/** Host and port, and those of the proxy in between. */
export interface Connection { target: string, proxy: string | undefined }

export interface Firefox {
  version: string
  /** The page in its one tab. */
  page: Context
  /** The browser's own window. Needs `systemAccess`. */
  window: () => Promise<Context>
  /** A tab of somebody who shares nothing with the others: no cookies, caches or service workers. */
  newUser: (options?: UserOptions) => Promise<UserContext>
  /** Keeps a picture of that window with the other artifacts. */
  picture: (name: string) => Promise<void>
  /** Every connection that was begun, and every name that was looked up, by Firefox's own log. */
  connections: readonly Connection[]
  lookups: readonly string[]
  close: () => Promise<void>
}

export interface Context {
  /** Opens `url`, and resolves when everything of the page is loaded. */
  open: (url: string) => Promise<void>
  /** The value of an expression, which may be a promise, in the page. */
  evaluate: (expression: string) => Promise<any>
}

/** A response as a page got it, decoded; no `body` where Firefox does not hand it out. */
export interface Received { url: string, status: number, body: Buffer | undefined }

export interface UserOptions {
  /** `HOST:PORT` of a proxy. Without it: the browser's. */
  proxy?: string
  onResponse?: (response: Received) => void
}

export interface UserContext extends Context {
  /** Resolves when all responses that are here have been handed on, and nothing is left of this user. */
  close: () => Promise<void>
}

/**
 * Starts Firefox without a screen, on a profile of its own. `systemAccess` lets scripts into its own windows and pages;
 * `size` is that of the window, CSS px.
 */
export async function startFirefox (
  preferences: Preferences, { systemAccess = false, size: [width, height] = [1000, 800] } = {}
): Promise<Firefox> {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-firefox-'))
  const user = Object.entries({ ...QUIET, ...preferences })
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  writeFileSync(join(folder, 'user.js'), user.join(''))
  const args = ['--headless', '--no-remote', '--profile', folder, '--remote-debugging-port', '0', ...systemAccess
    ? ['--remote-allow-system-access']
    : []]
  const env = {
    ...process.env,
    HOME: folder,
    MOZ_HEADLESS_WIDTH: String(width),
    MOZ_HEADLESS_HEIGHT: String(height),
    MOZ_CRASHREPORTER_DISABLE: '1',
    // Else `services.settings.server` is ignored.
    MOZ_REMOTE_SETTINGS_DEVTOOLS: '1',
    MOZ_LOG: 'nsSocketTransport:4,nsHostResolver:4'
  }
  const child = spawnBound(FIREFOX, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  const ended = once(child, 'close')
  const [connections, lookups]: [Connection[], string[]] = [[], []]
  const close = async (end?: () => Promise<unknown>): Promise<void> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), end === undefined ? 0 : GRACE)
    await end?.().catch(() => {})
    await ended
    clearTimeout(timer)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const url = await withDeadline('Firefox', new Promise<string>((resolve, reject) => {
      child.stdout.resume()
      let said = ''
      createInterface({ input: child.stderr }).on('line', line => {
        const [, target, proxy] = /nsSocketTransport::Init \[.* host=(\S+) .* proxy=(\S+)\]/.exec(line) ?? []
        if (target !== undefined && proxy !== undefined) connections.push({ target, proxy: proxy === ':0' ? undefined : proxy })
        const [, host] = /lookup completed for host \[(.+?)\]/.exec(line) ?? []
        if (host !== undefined) lookups.push(host)
        const [, url] = /WebDriver BiDi listening on (ws:\S+)/.exec(line) ?? []
        if (url !== undefined) resolve(url)
        if (!line.includes('Logger')) said = `${said}${line}\n`.slice(-2_000)
      })
      child.once('close', status => { reject(new Error(`ended with status ${String(status)}: ${said}`)) })
    }))
    const { version, page, window, newUser, command } = await attachFirefox(url)
    return {
      version,
      page,
      window,
      newUser,
      picture: async name => {
        const data: string = await (await window()).evaluate(DRAW)
        mkdirSync(ARTIFACTS, { recursive: true })
        writeFileSync(join(ARTIFACTS, `${name}.png`), data.split(',')[1] ?? '', 'base64')
      },
      connections,
      lookups,
      close: async () => { await close(async () => await command('browser.close')) }
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A session with a Firefox whose BiDi listens at `url`. */
export async function attachFirefox (url: string): Promise<Pick<Firefox, 'version' | 'page' | 'window' | 'newUser'> & { command: Send }> {
  const { command, on } = await connect(`${url}/session`)
  const { capabilities } = await command('session.new', { capabilities: {} })
  const contexts = async (scope?: string): Promise<Context> => {
    const { contexts } = await command('browsingContext.getTree', scope === undefined ? {} : { 'moz:scope': scope })
    return contextOf(command, contexts[0].context)
  }
  const newUser: Firefox['newUser'] = async ({ proxy, onResponse } = {}) => {
    const { userContext } = await command('browser.createUserContext', proxy === undefined
      ? {}
      : { proxy: { proxyType: 'manual', httpProxy: proxy, sslProxy: proxy } })
    const { context } = await command('browsingContext.create', { type: 'tab', userContext })
    await command('session.subscribe', { events: ['network.responseCompleted'], contexts: [context] })
    const looks: Array<Promise<void>> = []
    let end = (): void => {}
    if (onResponse !== undefined) {
      await command('network.addDataCollector', { dataTypes: ['response'], maxEncodedDataSize: MAX_BODY, contexts: [context] })
      end = on('network.responseCompleted', ({ context: where, request: { request }, response: { url, status } }) => {
        if (where === context) looks.push(bodyOf(command, request).then(body => onResponse({ url, status, body })))
      })
    }
    return {
      ...contextOf(command, context),
      close: async () => {
        await Promise.all(looks)
        end()
        await command('browser.removeUserContext', { userContext })
      }
    }
  }
  return { version: capabilities.browserVersion, page: await contexts(), window: async () => await contexts('chrome'), newUser, command }
}

/** Nothing but the proxy was connected to, and no name was looked up: neither for pages nor for what Firefox asks by itself. */
export function passesProxy (t: Test, { connections, lookups }: Firefox, proxy: string): void {
  const { host } = new URL(proxy)
  t.ok(connections.some(({ target, proxy }) => target === 'demo.i2p:80' && proxy === host), 'pages come through the proxy')
  t.strictSame(connections.filter(({ target, proxy }) => proxy !== host && target !== host), [], 'nothing past the proxy')
  t.strictSame(lookups, [], 'no name is looked up')
}

type Send = (method: string, params?: Record<string, unknown>) => Promise<Record<string, any>>
/** Returns what ends it. */
type Listen = (method: string, listener: (params: Record<string, any>) => void) => () => void

async function bodyOf (command: Send, request: string): Promise<Buffer | undefined> {
  try {
    const { bytes: { type, value } } = await command('network.getData', { dataType: 'response', request })
    return Buffer.from(value, type === 'base64' ? 'base64' : 'utf8')
  } catch {
    return undefined
  }
}

/** Opens the WebSocket of a session; each command waits for its own answer. */
async function connect (url: string): Promise<{ command: Send, on: Listen }> {
  const socket = new WebSocket(url)
  const events = new EventEmitter()
  const waiting = new Map<number, { resolve: (result: Record<string, any>) => void, reject: (error: Error) => void }>()
  let last = 0
  socket.on('message', data => {
    const { id, type, result = {}, error, message, method = '', params = {} } = JSON.parse(data.toString()) as Answer
    if (type === 'event') {
      events.emit(method, params)
      return
    }
    const asked = waiting.get(id ?? 0)
    waiting.delete(id ?? 0)
    if (type === 'error') asked?.reject(new Error(`${error}: ${message}`))
    else asked?.resolve(result)
  })
  socket.once('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('Firefox is gone'))
    waiting.clear()
  })
  await withDeadline('WebSocket', once(socket, 'open'))
  socket.once('error', () => {})
  const command: Send = async (method, params = {}) => await withDeadline(method, new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject })
    socket.send(JSON.stringify({ id: last, method, params }))
  }))
  const on: Listen = (method, listener) => {
    events.on(method, listener)
    return () => { events.off(method, listener) }
  }
  return { command, on }
}

function contextOf (command: Send, context: string): Context {
  const evaluate: Context['evaluate'] = async expression => {
    const functionDeclaration = `async () => JSON.stringify(await (${expression})) ?? 'null'`
    const { type, result, exceptionDetails } = await command(
      'script.callFunction', { functionDeclaration, target: { context }, awaitPromise: true }
    )
    if (type !== 'success') throw new Error(`${expression}: ${exceptionDetails.text}`)
    return JSON.parse(result.value)
  }
  return {
    evaluate,
    open: async url => { await command('browsingContext.navigate', { context, url, wait: 'complete' }) }
  }
}

/** The window with everything in it, as a data URL. BiDi itself takes pictures of pages only. */
const DRAW = `(async () => {
  const picture = await browsingContext.currentWindowGlobal.drawSnapshot(new DOMRect(0, 0, innerWidth, innerHeight), 1, 'white')
  const canvas = document.createElementNS('http://www.w3.org/1999/xhtml', 'canvas')
  Object.assign(canvas, { width: picture.width, height: picture.height }).getContext('bitmaprenderer').transferFromImageBitmap(picture)
  return canvas.toDataURL()
})()`

async function withDeadline<T> (what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>(
    (resolve, reject) => { timer = setTimeout(() => { reject(new Error(`${what}: nothing within ${DEADLINE} ms`)) }, DEADLINE) }
  )
  return await Promise.race([promise, late]).finally(() => { clearTimeout(timer) })
}
