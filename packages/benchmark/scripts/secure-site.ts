// An HTTPS site and an HTTP proxy that knows CONNECT to it, until a signal ends them: behind an outproxy of a router's own.
// Arguments: port of the proxy, port of the site, folder of the certificate.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startConnectProxy, startSecureSite } from '../src/worlds/secure-site.ts'

const [proxyPort, sitePort, folder = '.'] = process.argv.slice(2)
await startSecureSite({ chain: readFileSync(join(folder, 'chain.pem')), key: readFileSync(join(folder, 'key.pem')) }, Number(sitePort))
await startConnectProxy(Number(proxyPort))
