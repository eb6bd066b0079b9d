// Our streaming against i2pd's own tunnels on the closed network, and against Java's over i2pd's I2CP: both roles, 1 KB,
// 128 KB and 8 MB, byte-identical.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { startService } from '../e2e/harness.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { networkMissing } from '../testnet/network.ts'
import { javaMissing } from './java.ts'
import { ATTEMPTS, livePlace, withI2pd, type Place } from './streaming-i2pd.ts'
import { SIZES, TUNNELS, withJava } from './streaming-java.ts'

t.setTimeout(760_000)

const CURL = ['--silent', '--show-error', '--fail', '--max-time', '60', '--retry', '4', '--retry-all-errors']

/** A web site that i2pd's HTTP server tunnel serves, opened as somebody would do it: `minwww tunnel client` and curl. */
async function withCurl (t: Test, { network }: Place): Promise<void> {
  const { host, port } = await network.forward(3)
  const tunnel = await startService(t, ['tunnel', 'client', '--router', `${host}:${port}`, '--destination', network.site(1), '--port', '80',
    '--listen', '127.0.0.1:0', ...Object.entries(TUNNELS).flatMap(([name, value]) => ['--i2cp-option', `${name}=${value}`])])
  const run = promisify(execFile)
  const curl = async (path: string, ...args: string[]): Promise<Buffer> => {
    const { stdout } = await run(
      'curl', [...CURL, ...args, `http://${String(tunnel.json.listen)}${path}`], { encoding: 'buffer', maxBuffer: 2 ** 25 }
    )
    return stdout
  }
  for (const size of [1000, 300_000]) {
    t.ok((await curl(`/bytes/${size}?seed=${size}`)).equals(reproducibleBytes(size, size)), `GET of ${size} bytes`)
  }
  t.equal((await curl('/echo', '--data', 'a form')).toString(), 'a form', 'POST')
  t.equal((await curl('/nothing', '--no-fail', '--write-out', '%{http_code}')).toString(), 'not found\n404')
}

t.test('i2pd, no loss', { skip: networkMissing({ emulatedLinks: true }) ?? false }, async t => {
  const place = await livePlace(t, { delay: 1 })
  await withI2pd(t, place)
  await t.test('a web site behind i2pd\'s HTTP server tunnel', async t => await withCurl(t, place))
  await t.test('Java\'s streaming over i2pd', { skip: javaMissing() ?? false }, async t => {
    await withJava(t, { connect: () => place.network.connect(4) }, await place.network.forward(5), SIZES, ATTEMPTS)
  })
})
