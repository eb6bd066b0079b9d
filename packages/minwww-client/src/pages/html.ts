import { createHash } from 'node:crypto'

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for an HTML element or a quoted attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, character => ENTITIES[character] ?? '')

/** Style of the error pages and of the start page: no picture, no font, light and dark. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--fg:#1c2126;--bg:#fbfaf7;--soft:#5d6670;--line:#d9d6cd;--mark:#0b5a6b;--panel:#fff;--good:#1d6b3a;--bad:#a1261b}
@media (prefers-color-scheme:dark){:root{--fg:#e5e7e6;--bg:#16191b;--soft:#9aa4a8;--line:#333a3d;--mark:#6fc3d4;--panel:#1d2123;--good:#7bc796;--bad:#f2988c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:1rem/1.55 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:3rem 1.25rem}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .75rem}
h2{font-size:1.1rem;margin:2rem 0 .5rem}
p,ul,ol,table,form{margin:.5rem 0}
a{color:var(--mark)}
code,kbd{font:.92em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.brand{color:var(--soft);font-size:.9rem;margin:0 0 1.5rem;display:flex;gap:1rem}
.brand a{text-decoration:none}
.brand strong{color:var(--good);font-weight:600}
.status{color:var(--soft);font-variant-numeric:tabular-nums}
.box{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:1rem 1.1rem;margin:1rem 0}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:1.25rem 0}
.box .facts{margin:0}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere;min-width:0}
button{font:inherit;padding:.4rem .9rem;border:1px solid var(--line);border-radius:5px;background:var(--panel);color:var(--fg);cursor:pointer}
button:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
button.main,a.main{background:var(--mark);color:var(--bg);border-color:var(--mark)}
a.main{display:inline-block;padding:.4rem .9rem;border-radius:5px;text-decoration:none}
pre{margin:.5rem 0;padding:.75rem .9rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;white-space:pre-wrap}
pre code{overflow-wrap:anywhere}
pre span{display:inline-block;max-width:100%}
tbody th{white-space:nowrap;padding-right:1rem}
details{margin:1.25rem 0}summary{cursor:pointer;color:var(--mark)}
.good{color:var(--good)}.bad{color:var(--bad)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
thead th,tbody th{color:var(--soft);font-weight:500}
@media (max-width:36rem){.gain{grid-template-columns:1fr;gap:.1rem}.gain dd{margin-bottom:.5rem}main{padding:1.5rem 1rem}.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.5rem}
table,tbody,tr,td,th{display:block;border:0}thead{display:none}tr{border-bottom:1px solid var(--line);padding:.35rem 0}th,td{padding:0}
td[data-name]::before{content:attr(data-name)": ";color:var(--soft)}}
section.box h2{margin-top:0}
.gain{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:.75rem 0;align-items:center}
.gain dd{margin:0;display:flex;gap:.6rem;align-items:center;white-space:nowrap;font-variant-numeric:tabular-nums}
.gain meter{flex:1;max-width:24rem;height:1.1rem}
progress{width:100%;accent-color:var(--mark)}
`

const STYLE_HASH = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`

/** Content-Security-Policy of a page made by `page()`: its own style and nothing else. */
export const PAGE_POLICY = `default-src 'none'; style-src ${STYLE_HASH}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`
/** The same for a page with a script of the proxy's own. */
export const SCRIPT_POLICY = `${PAGE_POLICY}; script-src 'self'`
/** The same for an error page, which appears under the site's own address and has no form. */
export const ERROR_POLICY = `default-src 'none'; style-src ${STYLE_HASH}; base-uri 'none'; form-action 'none'`

/** The first line of every page: whose it is, the mode of the proxy where it has one, and links (HTML). */
export const brand = (i2pOnly: boolean, links: string): string =>
  `<p class="brand"><span>MinWWW proxy</span>${i2pOnly ? '<strong>I2P only</strong>' : ''}${links}</p>`

/** A whole page; `body` is HTML, `title` is text, `head` is HTML for the head. */
export function page (title: string, body: string, head = ''): string {
  return '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">' +
    '<meta name="viewport" content="width=device-width,initial-scale=1">' +
    `<title>${escapeHtml(title)}</title>${head}<style>${PAGE_STYLE}</style></head>\n<body><main>\n${body}\n</main></body></html>\n`
}
