// A program of somebody else, in plain JavaScript: run by library.test.ts in an empty folder with the packed packages.
import { get } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

const before = Reflect.ownKeys(globalThis).length
const { createI2p } = await import('@minwww/http')
const globals = Reflect.ownKeys(globalThis).length - before
const { createLocalRouter } = await import('@minwww/local-router')

const router = createLocalRouter({ latency: 1 })
const { port } = await router.listen({ host: '127.0.0.1', port: 0 })
const site = await createI2p({ router: `127.0.0.1:${port}` })
const server = site.createServer((request, response) => response.end(request.url)).listen(80)
await once(server, 'listening')
const i2p = await createI2p({ router: `127.0.0.1:${port}` })
const url = `http://${site.address}`

const fetched = await (await i2p.fetch(`${url}/fetch`)).text()
const refused = await i2p.fetch('http://name.invalid/').catch(error => error.code)
const [response] = await once(get(`${url}/agent`, { agent: i2p.agent }), 'response')
const asked = await text(response)
const refusedAgent = await once(get('http://name.invalid/', { agent: i2p.agent }), 'response').catch(error => error.code)

const echo = site.createSocket('datagram2').bind(7)
echo.on('message', (message, from) => echo.send(message, from.port, from.address))
const socket = i2p.createSocket('datagram2')
socket.send('/datagram', 7, site.address)
const [answer] = await once(socket, 'message')

await i2p.close()
await site.close()
await router.close()
console.log(JSON.stringify({ globals, fetched, refused, asked, refusedAgent, answer: String(answer) }))
