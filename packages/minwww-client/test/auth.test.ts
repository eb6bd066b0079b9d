import t from 'tap'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { Authenticator } from '../src/http/auth.ts'

t.test('credentials in UTF-8 and in Latin-1, and a user whose name objects know', async t => {
  const users = Object.fromEntries([['jürgen', 'größe'], ['__proto__', 'p'], ['alice', 'a:b']])
  const authenticator = new Authenticator({ users })
  const check = (credentials: string, encoding: BufferEncoding): string =>
    authenticator.check(
      new IncomingMessage(new Socket()),
      [['Proxy-Authorization', `Basic ${Buffer.from(credentials, encoding).toString('base64')}`]],
      'proxy-authorization'
    )
  t.equal(check('jürgen:größe', 'utf8'), 'jürgen')
  t.equal(check('jürgen:größe', 'latin1'), 'jürgen')
  t.equal(check('__proto__:p', 'utf8'), '__proto__')
  t.equal(check('alice:a:b', 'latin1'), 'alice')
  for (const wrong of ['jürgen:grösse', 'alice:a', '__proto__:', 'constructor:p']) {
    t.throws(() => check(wrong, 'latin1'), { code: 'MINWWW_AUTH_REQUIRED' }, wrong)
  }
})
