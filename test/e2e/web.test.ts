import t from 'tap'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fetchPage, logLines, missing, startService, temporaryFolder, until } from './harness.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'
import { makeCertificate, RESOURCES, sha256, startSecureSite, startWebSite } from './web-site.ts'

const MEGABYTE = 1024 * 1024

t.test('Chromium does on I2P what it does on the web', { skip: missing(CHROMIUM, '/usr/bin/openssl') }, async t => {
  const certificate = makeCertificate(temporaryFolder(t))
  const [site, secure, unknown] = [
    await startWebSite(t), await startSecureSite(t, certificate), await startSecureSite(t, makeCertificate(temporaryFolder(t)))
  ]
  const demo =
    await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '20', '--jitter', '4', '--loss', '0.2', '--log-level', 'debug',
      '--allow-web', '--site', `web.i2p=${site.origin}`,
      ...[site, secure, unknown].flatMap(({ port }) => ['--allow-address', `127.0.0.1/32:${port}`])])
  const proxy = demo.json.proxy as string
  const browser = await startBrowser(t, proxy, [`--ignore-certificate-errors-spki-list=${certificate.spki}`])
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } })
  const text = async (): Promise<string | null> => await page.textContent('#got')

  await t.test(`a page with ${RESOURCES} sub-resources`, async t => {
    const failed: string[] = []
    page.on('requestfailed', request => failed.push(request.url()))
    const before = demo.stderr().length
    await page.goto('http://web.i2p/many', { waitUntil: 'load' })
    t.ok(await page.evaluate(() => [...document.images].every(image => image.naturalWidth === 30)), 'pictures')
    t.equal(await page.evaluate(() => (window as unknown as { parts: number }).parts), RESOURCES / 4, 'scripts')
    t.equal(await page.evaluate(() => document.styleSheets.length), RESOURCES / 4, 'styles')
    t.strictSame(failed, [])
    t.equal(new Set(site.requests.filter(entry => entry.includes('/part/'))).size, RESOURCES)
    // A request whose reply was lost or late goes to another exit, which fetches it again: there it is the first attempt, in an OPEN.
    // What an exit promised and was late with is cancelled, and asked for.
    const repeated = (): number => logLines(demo.stderr().slice(before)).filter(({ msg, type, attempt }) =>
      msg === 'minwww message out' && ((type !== 'want' && Number(attempt) > 0) || type === 'open' || type === 'cancel')).length
    // The log may be behind.
    t.ok(await until(() => site.requests.filter(entry => entry.includes('/part/')).length <= RESOURCES + repeated()),
      `nothing was fetched twice, but for ${repeated()} repeated requests`)
    await screenshot(page, 'many-resources')
  })

  await t.test('a form is posted once', async t => {
    await page.goto('http://web.i2p/form')
    await page.fill('input', 'Grüße & 1 + 1')
    await page.click('button')
    t.equal(await text(), 'Grüße & 1 + 1')
    t.equal(site.requests.filter(entry => entry === 'POST /form').length, 1)
    await screenshot(page, 'form-posted')
  })

  await t.test('a file of 1 MB goes up', async t => {
    const file = randomBytes(MEGABYTE)
    await page.goto('http://web.i2p/upload')
    await page.setInputFiles('input', { name: 'up.bin', mimeType: 'application/octet-stream', buffer: file })
    const began = performance.now()
    await Promise.all([page.waitForNavigation(), page.click('button')])
    t.equal(await text(), sha256(file))
    t.comment(`1 MB up in ${Math.round(performance.now() - began)} ms`)
    await screenshot(page, 'upload')
  })

  await t.test('a file of 5 MB comes down', async t => {
    await page.goto('http://web.i2p/form')
    const began = performance.now()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.evaluate(() => { const link = document.createElement('a'); link.href = '/download'; document.body.append(link); link.click() })
    ])
    t.equal(sha256(readFileSync(await download.path())), sha256(site.download))
    t.comment(`5 MB down in ${Math.round(performance.now() - began)} ms`)
    t.equal(site.requests.filter(entry => entry === 'GET /download').length, 1, 'the exit goes on with the response that it has')
  })

  await t.test('cookies and redirects', async t => {
    await page.goto('http://web.i2p/cookies/set')
    t.equal(page.url(), 'http://web.i2p/cookies/show?q=a%20b')
    t.equal(await text(), 'second=two; first=1')
    const kept = await page.context().cookies()
    t.strictSame(kept.map(({ name, domain }) => `${name} ${domain}`).sort(), ['first web.i2p', 'second web.i2p'])
    await screenshot(page, 'cookies')
  })

  await t.test('a WebSocket, to a name and to an address', async t => {
    await page.goto('http://web.i2p/socket')
    for (const url of ['ws://web.i2p/echo', `ws://127.0.0.1:${site.port}/echo`]) {
      const answers = await page.evaluate(async url => await new Promise<string[]>((resolve, reject) => {
        const socket = new WebSocket(url)
        const answers: string[] = []
        socket.onopen = () => { socket.send('hello'); socket.send('x'.repeat(100_000)) }
        socket.onmessage = ({ data }) => { if (answers.push(String(data)) === 2) socket.close(1000) }
        socket.onclose = ({ code }) => {
          document.body.append(`${url}: ${answers.map(({ length }) => length).join(' and ')} characters came back, closed with ${code}. `)
          resolve([...answers, String(code)])
        }
        socket.onerror = () => { reject(new Error(`${url} failed`)) }
      }), url)
      t.strictSame(answers, ['hello', 'x'.repeat(100_000), '1000'], url)
    }
    await screenshot(page, 'websocket')
  })

  await t.test('an HTTPS site through CONNECT, and one of an unknown CA', async t => {
    const response = await page.goto(`https://127.0.0.1:${secure.port}/form`)
    t.equal(response?.status(), 200)
    t.match(await response?.securityDetails(), { issuer: 'MinWWW test CA', protocol: 'TLS 1.3' })
    await page.fill('input', 'secret')
    await page.click('button')
    t.equal(await text(), 'secret')
    await screenshot(page, 'https')
    const other = await browser.newPage()
    await t.rejects(other.goto(`https://127.0.0.1:${unknown.port}/form`), /ERR_CERT/)
    await other.close()
    t.equal(unknown.requests.length, 0)
  })

  await t.test('a plain address that the operator allows, and one beside it', async t => {
    // A page of its own: nothing that is still under way on the other one can come between.
    const page = await browser.newPage({ viewport: { width: 1000, height: 800 } })
    const allowed = await page.goto(`http://127.0.0.1:${site.port}/socket`)
    t.equal(allowed?.status(), 200)
    const refused = await page.goto('http://127.0.0.1:8081/')
    t.equal(refused?.status(), 403)
    t.equal(refused?.headers()['x-minwww-error'], 'MINWWW_POLICY')
    await screenshot(page, 'error-policy')
    const gone = await page.goto('http://nobody.i2p/')
    t.equal(gone?.status(), 502)
    await screenshot(page, 'error-unknown-name')
  })

  await t.test('proxy.pac is taken by the browser', async t => {
    const pac = await fetchPage(`${proxy}/proxy.pac?mode=i2p`)
    t.equal(pac.headers['content-type'], 'application/x-ns-proxy-autoconfig')
    const other = await startBrowser(t, undefined, [`--proxy-pac-url=${proxy}/proxy.pac`])
    const page = await other.newPage()
    const response = await page.goto('http://web.i2p/socket')
    t.equal(response?.status(), 200)
    t.equal(await page.textContent('h1'), 'Socket')
    const direct = await page.goto(`${proxy}/`)
    t.equal(direct?.status(), 200)
  })
})
