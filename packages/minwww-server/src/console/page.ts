/** The console's frame; its script fills it from the event stream. `nonce` is hexadecimal. */
export const consolePage = (nonce: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="minwww-nonce" content="${nonce}">
<title>MinWWW exit</title>
<link rel="stylesheet" href="/uplot.css">
<link rel="stylesheet" href="/app.css">
<script src="/uplot.js" defer></script>
<script src="/app.js" defer></script>
</head>
<body>
<header>
<h1>MinWWW exit</h1>
<p id="state" role="status">connecting</p>
<nav><a href="/metrics">Metrics</a> <a href="/healthz">Health</a></nav>
</header>
<main>
<noscript><p>The console needs JavaScript. <a href="/metrics">The metrics</a> have the figures as text.</p></noscript>
<dl id="figures" class="figures" aria-label="Now"></dl>
<section class="charts">
<figure><figcaption>Traffic against limits, KB/s</figcaption><div id="traffic"></div></figure>
<figure><figcaption>Requests under way; requests and answers that wait</figcaption><div id="load"></div></figure>
</section>
<section aria-labelledby="quota-title">
<h2 id="quota-title">Quota</h2>
<div id="quota" class="bars"></div>
</section>
<section class="tables">
<div><h2>Answers</h2><div class="scroll"><table id="outcomes">
<thead><tr><th scope="col">Path and outcome</th><th scope="col" class="n">Count</th></tr></thead>
<tbody></tbody></table></div></div>
<div><h2>Refusals by cause</h2><div class="scroll"><table id="refusals">
<thead><tr><th scope="col">Cause</th><th scope="col" class="n">Count</th></tr></thead>
<tbody></tbody></table></div></div>
<div><h2>Answers by size</h2><div id="sizes" class="bars"></div></div>
<div><h2>Answers by time</h2><div id="latency" class="bars"></div></div>
</section>
<section aria-labelledby="about-title">
<h2 id="about-title">What it offers</h2>
<dl id="about" class="about"></dl>
<details><summary>Descriptor: what the exit says of itself to everybody</summary><pre id="descriptor"></pre></details>
</section>
<section aria-labelledby="operation-title">
<h2 id="operation-title">Operation</h2>
<p class="actions"><button id="reload" type="button">Read the lists again</button> <button id="drain" type="button">Drain</button></p>
<p id="message" role="alert"></p>
</section>
</main>
</body>
</html>
`
