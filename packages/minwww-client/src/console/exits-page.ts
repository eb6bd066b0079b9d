import { escapeHtml } from '../pages/html.ts'

/** The frame of the page of the exits; its script fills it. */
export const exitsPage = (nonce: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="minwww-nonce" content="${escapeHtml(nonce)}">
<title>Exits: MinWWW console</title>
<link rel="stylesheet" href="/console/app.css">
<link rel="stylesheet" href="/console/exits.css">
<script src="/console/exits.js" defer></script>
</head>
<body>
<header>
<h1>Exits</h1>
<p id="state" role="status">connecting</p>
<nav><a href="/">Start page</a> <a href="/console">Console</a></nav>
</header>
<main>
<noscript><p>This page needs JavaScript.</p></noscript>
<section aria-labelledby="exits-title">
<h2 id="exits-title">Exits in use</h2>
<p class="hint">Each exit signs what it says of itself, but nobody checks that it is true. The measurements are this proxy's own.</p>
<ul id="exits" class="cards"></ul>
<form id="add"><label for="destination">Add an exit</label><input id="destination" name="destination" required autocomplete="off" spellcheck="false" placeholder="b32 address, name or base64 Destination"><button>Add</button></form>
<p id="message" role="alert"></p>
</section>
<section aria-labelledby="lists-title">
<h2 id="lists-title">Lists</h2>
<p id="rule" class="hint"></p>
<div class="scroll"><table id="lists"><thead><tr><th scope="col">List</th><th scope="col">State</th><th scope="col" class="n">Exits</th><th scope="col">Read</th></tr></thead><tbody></tbody></table></div>
</section>
<section id="bans" aria-labelledby="bans-title" hidden>
<h2 id="bans-title">Banned exits</h2>
<ul id="banned" class="plain"></ul>
</section>
</main>
</body>
</html>
`
