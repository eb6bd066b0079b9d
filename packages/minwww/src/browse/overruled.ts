import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Browser } from './find-browser.ts'
import type { Preferences } from './firefox-settings.ts'

/** Largest file of policies that is read, bytes. */
const MAX_BYTES = 1_048_576

/** Policies of Firefox that change what this profile needs. */
const FIREFOX_POLICIES = ['Proxy', 'DNSOverHTTPS', 'HttpsOnlyMode', 'ExtensionSettings', 'Extensions', 'CaptivePortal']
const CHROMIUM_POLICIES = [
  'ProxySettings', 'ProxyMode', 'ProxyServer', 'ProxyServerMode', 'ProxyPacUrl', 'ProxyBypassList', 'WebRtcIPHandling',
  'WebRtcIPHandlingUrl', 'DnsOverHttpsMode', 'BuiltInDnsClientEnabled', 'HttpsOnlyMode', 'ExtensionInstallForcelist', 'UserDataDir',
  'NetworkPredictionOptions', 'SafeBrowsingProtectionLevel', 'MetricsReportingEnabled', 'SyncDisabled'
]
const CHROMIUM_FOLDERS = ['/etc/chromium/policies/managed', '/etc/opt/chrome/policies/managed', '/etc/brave/policies/managed']
/** Options that undo the proxy's; the last of the others wins, and that is ours. */
const UNDOES = /(?:^|\s|")(--(?:no-proxy-server|proxy-auto-detect|proxy-pac-url|test-type)(?:=[^\s"]*)?)/

/** What the machine's administrator has set for this browser, so that a setting of ours is not in force: a line each. */
export function overruled ({ family, program }: Browser, preferences: Preferences, root = '/'): string[] {
  return family === 'firefox' ? firefox(program, preferences, root) : chromium(root)
}

function firefox (program: string, preferences: Preferences, root: string): string[] {
  const folder = join(root, dirname(real(program)))
  const policies = [join(root, 'etc/firefox/policies/policies.json'), join(folder, 'distribution/policies.json'),
    join(root, 'usr/lib/firefox-esr/distribution/policies.json'), join(root, 'usr/lib/firefox/distribution/policies.json')]
  const locks = [...new Set([folder, join(root, 'usr/lib/firefox-esr'), join(root, 'usr/lib/firefox')])]
    .flatMap(place => list(place).filter(name => name.endsWith('.cfg')).map(name => join(place, name)))
  return [
    ...[...new Set(policies)].flatMap(file => {
      const { policies = {} } = json(file) as { policies?: Record<string, unknown> }
      const own = Object.keys((policies.Preferences ?? {}) as object).filter(name => Object.hasOwn(preferences, name))
      return [...FIREFOX_POLICIES.filter(name => Object.hasOwn(policies, name)), ...own].map(name => `${file}: the policy ${name}`)
    }),
    ...locks.flatMap(file => [...text(file).matchAll(/lockPref\(\s*["']([^"']+)["']/g)].map(([, name = '']) => name)
      .filter(name => Object.hasOwn(preferences, name)).map(name => `${file}: ${name} is locked`))
  ]
}

function chromium (root: string): string[] {
  const policies = CHROMIUM_FOLDERS.map(folder => join(root, folder))
    .flatMap(folder => list(folder).filter(name => name.endsWith('.json')).map(name => join(folder, name)))
  const flags = list(join(root, 'etc/chromium.d')).map(name => join(root, 'etc/chromium.d', name))
  return [
    ...policies.flatMap(
      file => CHROMIUM_POLICIES.filter(name => Object.hasOwn(json(file), name)).map(name => `${file}: the policy ${name}`)
    ),
    ...flags.flatMap(file => text(file).split('\n').filter(line => !/^\s*#/.test(line)).map(line => UNDOES.exec(line)?.[1])
      .filter(option => option !== undefined).map(option => `${file}: the option ${option}`))
  ]
}

function text (file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, MAX_BYTES)
  } catch {
    return ''
  }
}

/** What is no JSON is none for the browser either. */
function json (file: string): object {
  try {
    const value: unknown = JSON.parse(text(file))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function list (folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function real (program: string): string {
  try {
    return realpathSync(program)
  } catch {
    return program
  }
}
