import { escapeHtml, page } from './html.ts'

/** How to set a browser, under the address at which this listener was reached. */
export function startPage (address: string, { ready, state, notice }: { ready: boolean, state: string, notice?: string | undefined }): string {
  const at = address.lastIndexOf(':')
  const host = escapeHtml(address.slice(0, at))
  const port = address.slice(at + 1)
  const proxy = `http://${escapeHtml(address)}`
  return page('MinWWW proxy', `<p class="brand"><span>MinWWW proxy</span><a href="/console">console</a></p>
<h1>${ready ? 'The proxy is ready' : 'The proxy is getting ready'}</h1>
<p>${ready ? 'Pages come through a pool of exits in I2P, as a rule with one message there and one reply.' : `The router is not ready yet (${escapeHtml(state)}). Pages load by themselves once it is.`}</p>
${notice === undefined ? '' : noticeBox(notice)}<div class="box"><dl class="facts"><dt>HTTP proxy</dt><dd><code>${host}</code></dd><dt>Port</dt><dd><code>${port}</code></dd>
<dt>Automatic</dt><dd><code>${proxy}/proxy.pac</code></dd><dt>Only .i2p</dt><dd><code>${proxy}/proxy.pac?mode=i2p</code></dd></dl></div>
<h2>Set the browser</h2>
<ul><li><strong>Firefox</strong>: Settings, Privacy and security, Connection and software security, Configure proxy (in older versions General, Network Settings). Choose manual configuration and enter the address and port above as HTTP proxy, also for HTTPS; or enter the address above for automatic configuration. Write addresses with <code>http://</code>: it searches the web for names that it does not know.</li>
<li><strong>Chromium</strong>: <code>chromium --proxy-server=${proxy}</code></li>
<li><strong>curl</strong>: <code>curl -x ${proxy} http://demo.i2p/</code></li></ul>
<h2>What others see</h2>
<p>An exit sees the address and the content of a plain http page, as any proxy does; with https it sees only the host. Sites see the address of the exit. That hides yours only if the exit is on another machine, reached over real I2P. Every browser behind a MinWWW proxy sends the same User-Agent and the same Accept fields.</p>
<h2>When a page does not load</h2>
<p>Error pages of the proxy say what failed and carry a cause such as <code>MINWWW_TIMEOUT</code>. The <a href="/console">console</a> shows the exits and the last requests.</p>`, ready ? '' : '<meta http-equiv="refresh" content="3">')
}

const noticeBox = (notice: string): string => `<p class="box"><strong>${escapeHtml(notice)}</strong></p>\n`
