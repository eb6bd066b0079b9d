import type { HostPort } from '../address.ts'

export type Preferences = Readonly<Record<string, string | number | boolean>>

/** Everything through the proxy, whatever happens to it. */
const proxyOf = ({ host, port }: HostPort): Preferences => ({
  'network.proxy.type': 1,
  'network.proxy.http': host,
  'network.proxy.http_port': port,
  'network.proxy.share_proxy_settings': true,
  'network.proxy.ssl': host,
  'network.proxy.ssl_port': port,
  'network.proxy.socks': '',
  'network.proxy.socks_port': 0,
  'network.proxy.no_proxies_on': '',
  'network.proxy.autoconfig_url': '',
  // A page must not reach what listens on this machine: the proxy refuses that.
  'network.proxy.allow_hijacking_localhost': true,
  'network.proxy.allow_bypass': false,
  'network.proxy.failover_direct': false
})

/** No way past it: WebRTC, QUIC, and names that Firefox would look up itself. */
const NO_WAY_PAST: Preferences = {
  'media.peerconnection.enabled': false,
  'media.peerconnection.ice.proxy_only': true,
  'media.peerconnection.ice.no_host': true,
  'network.http.http3.enable': false,
  'network.webtransport.enabled': false,
  'network.trr.mode': 5,
  'network.dns.disablePrefetch': true,
  'network.dns.disablePrefetchFromHTTPS': true,
  'network.dns.native_https_query': false,
  'network.dns.upgrade_with_https_rr': false,
  'network.dns.use_https_rr_as_altsvc': false,
  'network.predictor.enabled': false,
  'network.prefetch-next': false,
  'network.http.speculative-parallel-limit': 0,
  'browser.urlbar.speculativeConnect.enabled': false,
  'browser.places.speculativeConnect.enabled': false,
  'network.gio.supported-protocols': '',
  'network.file.disable_unc_paths': true,
  'geo.enabled': false
}

/** Addresses of I2P are http, and what is typed is no question for a search engine. */
const ADDRESSES: Preferences = {
  'browser.fixup.domainsuffixwhitelist.i2p': true,
  'browser.fixup.fallback-to-https': false,
  'browser.fixup.alternate.enabled': false,
  'dom.security.https_only_mode': false,
  'dom.security.https_only_mode_pbm': false,
  'dom.security.https_first': false,
  'dom.security.https_first_pbm': false,
  'dom.security.https_first_schemeless': false,
  'keyword.enabled': false,
  'browser.search.suggest.enabled': false,
  'browser.urlbar.suggest.searches': false,
  'browser.urlbar.quicksuggest.enabled': false
}

/** What Firefox asks of its maker and of others by itself. */
const NO_CALLS_HOME: Preferences = {
  'app.normandy.enabled': false,
  'app.shield.optoutstudies.enabled': false,
  'app.update.auto': false,
  'app.update.background.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.contentblocking.report.lockwise.enabled': false,
  'browser.discovery.enabled': false,
  'browser.newtabpage.enabled': false,
  'browser.newtabpage.activity-stream.feeds.section.topstories': false,
  'browser.newtabpage.activity-stream.feeds.telemetry': false,
  'browser.newtabpage.activity-stream.telemetry': false,
  'browser.region.network.url': '',
  'browser.region.update.enabled': false,
  'browser.safebrowsing.blockedURIs.enabled': false,
  'browser.safebrowsing.downloads.enabled': false,
  'browser.safebrowsing.downloads.remote.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.safebrowsing.provider.google4.updateURL': '',
  'browser.safebrowsing.provider.google4.gethashURL': '',
  'browser.safebrowsing.provider.mozilla.updateURL': '',
  'browser.safebrowsing.provider.mozilla.gethashURL': '',
  'browser.search.update': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.healthreport.uploadEnabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.usage.uploadEnabled': false,
  'dom.push.connection.enabled': false,
  'dom.push.enabled': false,
  'extensions.getAddons.cache.enabled': false,
  'extensions.systemAddon.update.enabled': false,
  'extensions.update.enabled': false,
  'identity.fxaccounts.enabled': false,
  'media.gmp-manager.updateEnabled': false,
  'media.gmp-provider.enabled': false,
  'messaging-system.rsexperimentloader.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'https://settings.invalid/v1',
  'termsofuse.bypassNotification': true,
  'toolkit.telemetry.enabled': false,
  'toolkit.telemetry.server': '',
  'toolkit.telemetry.unified': false
}

/** Of the environment: without it `services.settings.server` is ignored. */
export const FIREFOX_ENVIRONMENT: Readonly<Record<string, string>> = { MOZ_REMOTE_SETTINGS_DEVTOOLS: '1', MOZ_CRASHREPORTER_DISABLE: '1' }

/** Every setting of a profile that browses through the proxy and nowhere else (docs/guide/browsing.md). */
export function firefoxSettings (proxy: HostPort, home: string): Preferences {
  return {
    ...proxyOf(proxy), ...NO_WAY_PAST, ...ADDRESSES, ...NO_CALLS_HOME, 'browser.startup.page': 1, 'browser.startup.homepage': home
  }
}

/** The file `user.js`, which Firefox reads at each start. */
export function userFile (preferences: Preferences): string {
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
  return `// Written by "minwww browse" at each start.\n${lines.join('\n')}\n`
}
