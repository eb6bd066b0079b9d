import { formatHostPort, type HostPort } from '../address.ts'

/** Parts of Chromium that would go elsewhere by themselves, or turn an address into https. */
const FEATURES_OFF = [
  'AsyncDns', 'AutofillServerCommunication', 'CertificateTransparencyComponentUpdater', 'DnsOverHttpsUpgrade', 'HttpsFirstBalancedMode',
  'HttpsFirstBalancedModeAutoEnable', 'HttpsUpgrades', 'InterestFeedContentSuggestions', 'MediaRouter', 'NetworkTimeServiceQuerying',
  'OptimizationHints', 'OptimizationHintsFetching', 'Translate', 'WebTransport'
]

/** Options of the command line that send everything through the proxy, and keep Chromium from calling home. */
export function chromiumOptions (proxy: HostPort, profile: string): string[] {
  const address = formatHostPort(proxy)
  return [
    `--user-data-dir=${profile}`,
    `--proxy-server=http://${address}`,
    // Addresses of this machine too: the proxy refuses them.
    '--proxy-bypass-list=<-loopback>',
    // Under its name of today, and under that of older versions.
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
    // No name is looked up but that of the proxy, which is an address as a rule.
    `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${proxy.host}`,
    `--disable-features=${FEATURES_OFF.join(',')}`,
    '--disable-background-networking',
    '--disable-breakpad',
    '--disable-client-side-phishing-detection',
    '--disable-component-update',
    '--disable-default-apps',
    '--disable-domain-reliability',
    '--disable-field-trial-config',
    '--disable-quic',
    '--disable-sync',
    '--metrics-recording-only',
    '--no-default-browser-check',
    '--no-first-run',
    '--no-pings',
    '--no-service-autorun'
  ]
}

/** Settings of the profile, in the file `Default/Preferences`; they are put in again at each start. */
export function chromiumPreferences (home: string): Record<string, unknown> {
  return {
    alternate_error_pages: { enabled: false },
    browser: { check_default_browser: false },
    dns_prefetching: { enabled: false },
    homepage: home,
    homepage_is_newtabpage: false,
    https_only_mode_auto_enabled: false,
    https_only_mode_enabled: false,
    net: { network_prediction_options: 2 },
    safebrowsing: { enabled: false, enhanced: false },
    search: { suggest_enabled: false },
    session: { restore_on_startup: 4, startup_urls: [home] },
    signin: { allowed: false, allowed_on_next_startup: false },
    spellcheck: { use_spelling_service: false },
    translate: { enabled: false },
    url_keyed_anonymized_data_collection: { enabled: false },
    webrtc: { ip_handling_policy: 'disable_non_proxied_udp', multiple_routes_enabled: false, nonproxied_udp_enabled: false }
  }
}

/** The same for all profiles of the folder, in the file `Local State`. */
export const CHROMIUM_STATE: Readonly<Record<string, unknown>> = {
  background_mode: { enabled: false },
  dns_over_https: { mode: 'off', templates: '' },
  async_dns: { enabled: false },
  user_experience_metrics: { reporting_enabled: false }
}

/** `settings` put into a file's content that is there already, part by part. */
export function mergeSettings (present: unknown, settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = isObject(present) ? { ...present } : {}
  for (const [name, value] of Object.entries(settings)) merged[name] = isObject(value) ? mergeSettings(merged[name], value) : value
  return merged
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
