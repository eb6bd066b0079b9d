import { escapeHtml } from '../pages/html.ts'

/** The console's frame; its script fills it from the event stream. */
export const consolePage = (
  nonce: string,
  { notice, i2pOnly }: { notice: string | undefined; i2pOnly: boolean }
): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="minwww-nonce" content="${escapeHtml(nonce)}">
<title>MinWWW console</title>
<link rel="stylesheet" href="/console/uplot.css">
<link rel="stylesheet" href="/console/app.css">
<script src="/console/uplot.js" defer></script>
<script src="/console/charts.js" defer></script>
<script src="/console/app.js" defer></script>
</head>
<body>
<header>
<h1>MinWWW proxy${i2pOnly ? ': I2P only' : ''}</h1>
<p id="state" role="status">connecting</p>
<nav><a href="/">Start page</a> <a href="/metrics">Metrics</a> <a href="/console/exits">Exits</a></nav>
</header>
<main>
<noscript><p>The console needs JavaScript. <a href="/metrics">The metrics</a> have the figures as text.</p></noscript>
${notice === undefined ? '' : noticeLine(notice)}<p id="notice" class="notice" role="status"></p>
<dl id="figures" class="figures" aria-label="Totals"></dl>
<section aria-labelledby="exits-title">
<h2 id="exits-title">Exits</h2>
<div class="scroll"><table id="exits"><thead><tr><th scope="col">Exit</th><th scope="col">State</th><th scope="col" class="n">RTT</th><th scope="col" class="n">Loss</th><th scope="col" class="n">Rate</th><th scope="col" class="n">Answered</th><th scope="col" class="n">Failed</th><th scope="col"><span class="sr">Actions</span></th></tr></thead><tbody></tbody></table></div>
<button class="more" data-of="exits" type="button" hidden></button>
<form id="add"><label for="destination">Add an exit</label><input id="destination" name="destination" required autocomplete="off" spellcheck="false" placeholder="b32 address, name or base64 Destination"><button>Add</button></form>
<p id="message" role="alert"></p>
</section>
<details class="fold"><summary>Charts of the last ten minutes</summary>
<div class="charts">
<figure><figcaption>Time to load, ms</figcaption><div id="latency"></div></figure>
<figure><figcaption>Traffic, KB/s</figcaption><div id="traffic"></div></figure>
</div>
</details>
<section aria-labelledby="requests-title">
<h2 id="requests-title">Requests</h2>
<div class="scroll"><table id="requests"><thead><tr><th scope="col">Request</th><th scope="col">Path</th><th scope="col" class="n">Status</th><th scope="col" class="n">Traversals</th><th scope="col" class="n">Size</th><th scope="col" class="n">First byte</th><th scope="col" class="n">Time</th><th scope="col">Exit</th></tr></thead><tbody></tbody></table></div>
<button class="more" data-of="requests" type="button" hidden></button>
</section>
<details class="fold"><summary>Cache</summary>
<dl id="cache" class="figures"></dl>
<button id="clear" type="button">Clear the cache</button>
</details>
<details><summary>Limits</summary>
<div class="scroll"><table id="limits"><thead><tr><th scope="col">What can grow</th><th scope="col" class="n">Now</th><th scope="col" class="n">At most</th><th scope="col">What happens then</th></tr></thead><tbody></tbody></table></div>
</details>
</main>
</body>
</html>
`

const noticeLine = (notice: string): string => `<p class="notice">${escapeHtml(notice)}</p>\n`
