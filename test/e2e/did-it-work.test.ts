import t from 'tap'
import { commandsOf } from '../docs/commands.ts'
import { CHROMIUM, startBrowser } from './browser.ts'
import { missing, startService } from './harness.ts'

/** Options of the command for Chromium, but for its profile and its proxy. */
function documentedOptions (): string[] {
  const command = commandsOf('docs/guide/browsing.md').find(command => command.startsWith('chromium ')) ?? ''
  return command.split(' ').filter(word => word.startsWith('--') && !/^--(?:user-data-dir|proxy-server)=/.test(word))
}

t.test('did it work: Chromium as docs/guide/browsing.md says, and as it comes', { skip: missing(CHROMIUM) }, async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '1'])
  const options = documentedOptions()
  t.ok(options.length > 0)
  const rows = [
    { args: options, title: 'It works', webRtc: /does not connect past the proxy/ },
    { args: [], title: 'It works, but WebRTC goes past it', webRtc: /would connect past the proxy/ }
  ]
  for (const { args, title, webRtc } of rows) {
    const browser = await startBrowser(t, demo.json.proxy, args)
    const page = await browser.newPage()
    await page.goto('http://minwww.i2p/did-it-work')
    t.match(await page.textContent('#script dt:text-is("WebRTC") + dd'), webRtc)
    t.equal(await page.textContent('h1'), title)
    t.match(await page.textContent('table'), /HeadlessChrome[^]*Firefox/)
    await browser.close()
  }
})
