import type { HttpRequest } from '../src/index.ts'

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0'
const EEPSITE = 'MYOB/6.66 (AN/ON)'
const HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const IMAGE = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5'
const STYLE = 'text/css,*/*;q=0.1'

/** Requests as the proxy sends them, of sites that the dictionary was not built from. */
export const HELD_OUT: HttpRequest[] = [
  get('http://notbob.i2p/', HTML, ['Upgrade-Insecure-Requests', '1']),
  get(
    'http://i2pforum.i2p/viewforum.php?f=12', HTML,
    ['Referer', 'http://i2pforum.i2p/index.php'],
    ['Cookie', 'phpbb3_jnsd3_sid=5d1c7a86b7f24e1f9a3be01d; phpbb3_jnsd3_u=1; phpbb3_jnsd3_k=']
  ),
  get(
    'http://git.idk.i2p/i2p-hackers/i2p.i2p/-/blob/master/core/java/src/net/i2p/data/Base64.java?ref_type=heads', HTML,
    ['Referer', 'http://git.idk.i2p/i2p-hackers/i2p.i2p/-/tree/master/core/java/src/net/i2p/data'],
    ['Cookie', 'preferred_language=en; _gitlab_session=3b7c1d9e2a4f6b8c0d1e2f3a4b5c6d7e']
  ),
  get('http://stats.i2p/cgi-bin/newhosts.txt', '*/*'),
  get(
    'http://udhdrtrhjstxoykiltgvjjpmmfmiykoxpmlwnkpttvmlbunijtka.b32.i2p/assets/css/main.min.css?ver=6.4.3', STYLE,
    ['Referer', 'http://udhdrtrhjstxoykiltgvjjpmmfmiykoxpmlwnkpttvmlbunijtka.b32.i2p/']
  ),
  get(
    'http://udhdrtrhjstxoykiltgvjjpmmfmiykoxpmlwnkpttvmlbunijtka.b32.i2p/wp-content/uploads/2023/11/header-1024x341.jpg', IMAGE,
    ['Referer', 'http://udhdrtrhjstxoykiltgvjjpmmfmiykoxpmlwnkpttvmlbunijtka.b32.i2p/']
  ),
  get(
    'http://zzz.i2p/topics/3462-java-i2p-2-4-0-release-notes', HTML,
    ['If-Modified-Since', 'Wed, 20 Dec 2023 14:01:30 GMT'],
    ['If-None-Match', 'W/"8a6f0d3c2b1e49f5a7c8d9e0f1a2b3c4"'],
    ['Cache-Control', 'max-age=0']
  ),
  get('https://en.wikipedia.org/wiki/I2P', HTML, ['Upgrade-Insecure-Requests', '1']),
  get('https://upload.wikimedia.org/wikipedia/commons/thumb/9/9f/I2P_logo.svg/220px-I2P_logo.svg.png', IMAGE),
  get(
    'https://en.wikipedia.org/w/load.php?lang=en' +
      '&modules=ext.cite.styles%7Cext.uls.interlanguage%7Cskins.vector.icons%2Cstyles%7Cwikibase.client.init&only=styles&skin=vector-2022',
    STYLE,
    ['Referer', 'https://en.wikipedia.org/wiki/I2P']
  ),
  get(
    'https://news.ycombinator.com/item?id=39291838', HTML,
    ['Referer', 'https://news.ycombinator.com/news'],
    ['Cookie', 'user=someone&Zl0sK2mVq9xY7bT4cN1dR8eW6fH3gJ5a']
  ),
  get('https://duckduckgo.com/html/?q=how+does+garlic+routing+work&kl=us-en', HTML, ['Referer', 'https://duckduckgo.com/']),
  get('https://www.heise.de/assets/akwa/v33/js/akwa.js?51e6a6c4d8f2b1a09e73', '*/*', ['Referer', 'https://www.heise.de/']),
  get(
    'https://api.github.com/repos/PurpleI2P/i2pd/releases?per_page=10', 'application/json',
    ['Origin', 'https://i2pd.website'],
    ['Range', 'bytes=0-1023']
  )
]

function get (url: string, accept: string, ...more: Array<[string, string]>): HttpRequest {
  return {
    method: 'GET',
    url,
    headers: [
      ['Host', new URL(url).host],
      ['User-Agent', new URL(url).host.endsWith('.i2p') ? EEPSITE : FIREFOX],
      ['Accept', accept],
      ['Accept-Language', 'en-US,en;q=0.5'],
      ['Accept-Encoding', 'gzip, br'],
      ...more
    ]
  }
}
