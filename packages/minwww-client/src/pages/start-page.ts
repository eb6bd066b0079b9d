import { isWell } from '../sessions/pool-health.ts'
import type { Gain, LocalProxy } from './local.ts'
import { brand, escapeHtml, page } from './html.ts'

/** How to set a browser, under the address at which this listener was reached. What is safe stands first. */
export function startPage (address: string, { ready, state, health, i2pOnly, notice, gain }: LocalProxy): string {
  const at = address.lastIndexOf(':')
  const host = escapeHtml(address.slice(0, at))
  const port = address.slice(at + 1)
  const proxy = `http://${escapeHtml(address)}`
  const isWorking = ready && isWell(health)
  const title = isWorking ? 'The proxy is ready' : ready ? 'No exit works' : 'The proxy is getting ready'
  const how = isWorking
    ? i2pOnly
      ? 'It opens sites of I2P only: nothing is ever sent to an exit, and no page of the web is opened.'
      : 'Pages come through a pool of exits in I2P: usually one message goes out, and one burst brings the page.'
    : ready
      ? `${escapeHtml(health.text)} The <a href="/console">console</a> shows more.`
      : `The router is not ready yet (${escapeHtml(state)}). Pages load by themselves once it is.`
  return page('MinWWW proxy', `${brand(i2pOnly, '<a href="/did-it-work">did it work?</a><a href="/console">console</a>')}
<h1>${title}</h1>
<p>${how}</p>
${gain === undefined ? '' : gainBox(gain)}${notice === undefined ? '' : noticeBox(notice)}<h2>Chromium</h2>
<p>This command starts a browser with a profile of its own, beside the one that you use. WebRTC in it does not go past the proxy.</p>
<pre><code>${chromium(proxy)}</code></pre>
<h2>Firefox</h2>
<ol><li>Settings, Privacy and security, Connection and software security, Configure proxy (in older versions: General, Network Settings).</li>
<li>Manual proxy configuration: HTTP Proxy <code>${host}</code>, Port <code>${port}</code>. Tick "Also use this proxy for HTTPS", and leave "No proxy for" empty.</li>
<li>Open <code>about:config</code>, and set <code>media.peerconnection.enabled</code>, <code>network.proxy.allow_bypass</code> and
<code>network.proxy.failover_direct</code> to false: else WebRTC, and Firefox itself, connect past the proxy.</li></ol>
<h2>Then</h2>
<p><a class="main" href="http://minwww.i2p/did-it-work">Did it work?</a></p>
<p>Write addresses with <code>http://</code>: browsers search the web for names that they do not know. For programs: <code>curl -x ${proxy} http://minwww.i2p/did-it-work</code></p>
<details><summary>Automatic configuration (PAC), and why not</summary>
<p><code>${proxy}/proxy.pac</code> sends everything through the proxy, <code>${proxy}/proxy.pac?mode=i2p</code> only <code>.i2p</code>: all other sites then see you.</p>
<p><strong>A browser that cannot load this file goes without a proxy.</strong> Firefox does so while this proxy does not run: it opens pages directly, and looks up <code>.i2p</code> names in the DNS. The ways above fail safely.</p></details>
<h2>What others see</h2>
<p>An exit sees the address and the content of a plain http page, as any proxy does; with https it sees only the host. Sites see the address of the exit. That hides yours only if the exit is on another machine, reached over real I2P. Every browser behind a MinWWW proxy sends the same User-Agent and the same Accept fields over http.</p>
<h2>When a page does not load</h2>
<p>Error pages of the proxy say what failed and carry a cause such as <code>MINWWW_TIMEOUT</code>. The <a href="/console">console</a> shows the exits and the last requests.</p>`, ready &&
  gain?.ways.some(({ ms }) => ms === undefined) !== true
    ? ''
    : '<meta http-equiv="refresh" content="3">')
}

/** The same under the name of today and under that of older versions: each ignores the other. */
const WEBRTC = ['--webrtc-ip-handling-policy=disable_non_proxied_udp', '--force-webrtc-ip-handling-policy=disable_non_proxied_udp']

/** The command of docs/guide/browsing.md. A line ends between two options, not inside one. */
function chromium (proxy: string): string {
  const options = ['--user-data-dir="$HOME/.config/chromium-i2p"', `--proxy-server=${proxy}`, ...WEBRTC]
  return ['chromium', ...options.map(option => `<span>${option}</span>`)].join(' ')
}

const noticeBox = (notice: string): string => `<p class="box"><strong>${escapeHtml(notice)}</strong></p>\n`

/** Bars of the same scale, the slowest being whole. */
function gainBox ({ what, ways, link }: Gain): string {
  const slowest = Math.max(...ways.map(({ ms = 0 }) => ms))
  const rows = ways.map(({ name, ms }) => `<dt>${escapeHtml(name)}</dt><dd>${ms === undefined
    ? 'being measured'
    : `<meter max="${Math.round(slowest)}" value="${Math.round(ms)}"></meter> ${(ms / 1000).toFixed(1)} s`}</dd>`)
  return `<section class="box"><h2>What it is for</h2>
<p>${escapeHtml(what)}</p>
<dl class="gain">${rows.join('')}</dl>
<p><a class="main" href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p></section>
`
}
