import t from 'tap'
import { parseRaw, raw, startProxy } from './proxy-support.ts'
import { READ, SHAPES } from './smuggling-shapes.ts'

t.test('smuggling and malformed shapes', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }))
  let count = 0
  for (const [group, shapes] of Object.entries(SHAPES)) {
    await t.test(`${group}: ${shapes.length}`, async t => {
      for (const [name, bytes, expected] of shapes) {
        count++
        const before = core.requests.length
        const answer = parseRaw(await raw(port, bytes))
        // A request with a body needs streams, which this proxy has not.
        const statuses = [expected].flat().map(status => status === READ ? 501 : status)
        t.ok(statuses.includes(answer.status), `${name}: ${answer.status}`)
        const passed = core.requests.slice(before)
        if (answer.status !== 200) {
          t.equal(passed.filter(request => request.url !== 'http://a.example/').length, 0, `${name}: nothing passed`)
        }
        for (const request of passed) {
          t.match(request.url, /^http:\/\/a\.example\//, `${name}: to the right host`)
          t.strictSame(request.headers.filter(([field]) => field.toLowerCase() === 'host'), [['Host', 'a.example']], `${name}: one Host`)
          t.notOk(request.headers.some(([field]) => /content-length|transfer-encoding|__proto__|^x/i.test(field)), `${name}: rebuilt`)
        }
      }
    })
  }
  t.ok(count >= 1000, `${count} shapes`)
  t.equal(core.requests.some(request => request.url.includes('evil')), false)
  await proxy.close()
})

t.test('a broken request does not hurt its neighbours on the connection', async t => {
  const { proxy, core, port } = await startProxy(() => ({ body: 'ok' }))
  const bytes = await raw(port, 'GET http://a.example/1 HTTP/1.1\r\nHost: a.example\r\n\r\nGET http://a.example/2 HTTP/1.1\nHost: a\n\n')
  t.match(bytes.toString(), /400/)
  t.ok(core.requests.length <= 1)
  await proxy.close()
})
