import t from 'tap'
import { matchesRule, parseAddress, parseAddressRule } from '../src/fetch/address-rule.ts'
import { AddressGuard, isPublicAddress, type GuardOptions } from '../src/fetch/guard.ts'

/** A rule as `network/prefix:port`, or the message that refuses it. */
function read (text: string): string {
  try {
    const { network, prefix, port } = parseAddressRule(text)
    return `${network.toString()}/${prefix}:${port ?? '*'}`
  } catch (error) {
    const { code, message } = error as { code: string, message: string }
    return code === 'MINWWW_EXIT_BAD_OPTION' ? message : String(error)
  }
}

t.test('rules as they are written', t => {
  const rows: Array<[string, string]> = [
    ['10.0.0.0/8', '10.0.0.0/8:*'],
    [' 10.0.0.0/8 ', '10.0.0.0/8:*'],
    ['10.1.2.3', '10.1.2.3/32:*'],
    ['10.1.2.3:80', '10.1.2.3/32:80'],
    ['10.0.0.0/8:443', '10.0.0.0/8:443'],
    ['0.0.0.0/0', '0.0.0.0/0:*'],
    ['1.2.3.4:1', '1.2.3.4/32:1'],
    ['1.2.3.4:65535', '1.2.3.4/32:65535'],
    ['[::1]', '::1/128:*'],
    ['[::1]:80', '::1/128:80'],
    ['::1', '::1/128:*'],
    ['fd00::/8', 'fd00::/8:*'],
    ['[fd00::]/8', 'fd00::/8:*'],
    ['[fd00::]/16', 'fd00::/16:*'],
    ['[fd00::/8]:80', 'fd00::/8:80'],
    ['[fd00::]/8:80', 'fd00::/8:80'],
    ['2001:db8::1', '2001:db8::1/128:*'],
    // IPv4 in IPv6 becomes IPv4, so that it meets the IPv4 addresses; a wider range stays what it is.
    ['::ffff:10.0.0.0/104', '10.0.0.0/8:*'],
    ['[::ffff:10.0.0.1]:80', '10.0.0.1/32:80'],
    ['::ffff:0:0/96', '0.0.0.0/0:*'],
    ['::ffff:0:0/95', '::ffff:0:0/95:*']
  ]
  for (const [text, rule] of rows) t.equal(read(text), rule, text)
  // What Number would take for a port among them.
  const ports = ['0', '65536', '123456', 'x', '', '-1', '0x50', ' 80', '+80', '80x', '80.0', '1e3', '8e1']
  for (const text of [...ports.map(port => `1.2.3.4:${port}`), '[::1]:0']) t.equal(read(text), `'${text}' has no valid port`)
  for (const text of ['', 'localhost', '10.0.0.0/33', '10.0.0.0/x', '::/129', '10.0.0/8/8', '1.2.3', '0x7f.1', '[::1', '::1]:80', 'x[::1]:80', '[::1]:80x', '1.2.3.4.5']) {
    t.match(read(text), /is not CIDR\[:PORT\]: write 10\.0\.0\.0\/8, 127\.0\.0\.1:8080 or \[::1\]:80$/, text)
  }
  t.throws(() => parseAddressRule('10.0.0.0/33'), { code: 'MINWWW_EXIT_BAD_OPTION', cause: Error })
  t.end()
})

t.test('a rule matches its family, its range and its port', t => {
  const rows: Array<[string, string, number, boolean]> = [
    ['10.0.0.0/8', '10.255.0.1', 80, true],
    ['10.0.0.0/8', '11.0.0.1', 80, false],
    ['10.0.0.0/8:80', '10.0.0.1', 80, true],
    ['10.0.0.0/8:80', '10.0.0.1', 81, false],
    ['0.0.0.0/0', '::1', 80, false],
    ['::/0', '1.2.3.4', 80, false],
    ['::/0', '::1', 80, true],
    ['fd00::/8', 'fd12::1', 1, true],
    ['fd00::/8', 'fc00::1', 1, false],
    ['::ffff:0:0/96', '1.2.3.4', 80, true],
    ['10.0.0.1', '::ffff:10.0.0.1', 80, true]
  ]
  for (const [rule, address, port, matches] of rows) {
    const parsed = parseAddress(address)
    t.equal(parsed !== undefined && matchesRule(parseAddressRule(rule), parsed, port), matches, `${rule} ${address}:${port}`)
  }
  t.end()
})

t.test('addresses in their plain form', t => {
  const rows: Array<[string, string | undefined]> = [
    ['127.0.0.1', '127.0.0.1'], ['::ffff:127.0.0.1', '127.0.0.1'], ['::FFFF:7f00:1', '127.0.0.1'], ['fe80::1%eth0', 'fe80::1'], ['fe80::1%', 'fe80::1'],
    ['127.1', undefined], ['0177.0.0.1', undefined], ['2130706433', undefined], ['localhost', undefined], ['', undefined], ['%eth0', undefined], ['::1%x', '::1'], ['[::1]', undefined]
  ]
  for (const [text, plain] of rows) t.equal(parseAddress(text)?.toString(), plain, text)
  t.end()
})

t.test('what is public', t => {
  const isPublic = (text: string): boolean => {
    const address = parseAddress(text)
    return address !== undefined && isPublicAddress(address)
  }
  for (const text of ['1.1.1.1', '93.184.215.14', '2600::1', '2a00:1450::1', '2600::5efd:7f00:1', '2600::5efe:1:0:7f00:1', '2600::1:5efe:7f00:1', '3ffe::1']) t.ok(isPublic(text), text)
  for (const text of ['10.0.0.1', '127.0.0.1', '::1', '::2', '1fff::1', '4000::1', 'fe80::1', '2600::5efe:7f00:1', '2600::200:5efe:7f00:1', '::ffff:10.0.0.1', '2001:db8::1', '2002::1']) t.notOk(isPublic(text), text)
  t.end()
})

t.test('the guard: exceptions come first, then ports, public addresses, what is denied, and this machine', t => {
  const permits = (options: GuardOptions | undefined, literal: string, port: number) => new AddressGuard(options).permits(literal, port)
  const rows: Array<[GuardOptions | undefined, string, number, boolean]> = [
    [undefined, '1.1.1.1', 80, true],
    [undefined, '1.1.1.1', 443, true],
    [undefined, '1.1.1.1', 8080, false],
    [undefined, '10.0.0.1', 80, false],
    [undefined, 'x', 80, false],
    [{ ports: [8080] }, '1.1.1.1', 8080, true],
    [{ ports: [8080] }, '1.1.1.1', 80, false],
    [{ ports: [] }, '1.1.1.1', 80, false],
    [{ allowAddresses: ['10.0.0.1:25'] }, '10.0.0.1', 25, true],
    [{ allowAddresses: ['10.0.0.1:25'] }, '10.0.0.1', 80, false],
    [{ allowAddresses: ['10.0.0.1'] }, '10.0.0.1', 9, true],
    [{ allowAddresses: ['10.0.0.1', '10.0.0.2'] }, '10.0.0.2', 9, true],
    [{ allowAddresses: ['1.1.1.1:80'], denyAddresses: ['1.1.1.1'] }, '1.1.1.1', 80, true],
    [{ denyAddresses: ['1.1.1.1'] }, '1.1.1.1', 80, false],
    [{ denyAddresses: ['1.1.1.1:443'] }, '1.1.1.1', 80, true],
    [{ denyAddresses: ['9.9.9.9', '1.1.1.0/24'] }, '1.1.1.1', 80, false],
    [{ ownAddresses: () => ['1.1.1.1'] }, '1.1.1.1', 80, false],
    [{ ownAddresses: () => ['::ffff:1.1.1.1'] }, '1.1.1.1', 80, false],
    [{ ownAddresses: () => ['x', '2600::1'] }, '2600:0::1', 80, false],
    [{ ownAddresses: () => ['1.1.1.2'] }, '1.1.1.1', 80, true],
    [{ ownAddresses: () => ['1.1.1.1'], allowAddresses: ['1.1.1.1'] }, '1.1.1.1', 80, true],
    [{ ownAddresses: () => ['x'] }, '1.1.1.1', 80, true]
  ]
  for (const [options, literal, port, expected] of rows) { t.equal(permits(options, literal, port), expected, JSON.stringify([options, literal, port])) }
  const ports: Array<[GuardOptions | undefined, number, boolean]> = [
    [undefined, 80, true],
    [undefined, 443, true],
    [undefined, 25, false],
    [{ ports: [25] }, 25, true],
    [{ ports: [25] }, 80, false],
    [{ allowAddresses: ['10.0.0.1'] }, 25, true],
    [{ allowAddresses: ['10.0.0.1:25'] }, 25, true],
    [{ allowAddresses: ['10.0.0.1:25'] }, 26, false],
    [{ allowAddresses: ['10.0.0.1:24', '10.0.0.1:25'] }, 25, true]
  ]
  for (const [options, port, expected] of ports) { t.equal(new AddressGuard(options).permitsPort(port), expected, JSON.stringify([options, port])) }
  t.throws(() => new AddressGuard({ allowAddresses: ['x'] }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  t.throws(() => new AddressGuard({ denyAddresses: ['x'] }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  t.end()
})

t.test('the guard takes over all rules of another one', t => {
  const guard = new AddressGuard({ allowAddresses: ['10.0.0.1'], denyAddresses: ['1.1.1.1'], ports: [80], ownAddresses: () => ['9.9.9.9'] })
  guard.take(new AddressGuard({ allowAddresses: ['10.0.0.2'], denyAddresses: ['1.1.1.2'], ports: [81], ownAddresses: () => ['9.9.9.8'] }))
  const asked: Array<[string, number]> = [['10.0.0.1', 81], ['10.0.0.2', 81], ['1.1.1.1', 81], ['1.1.1.2', 81], ['1.1.1.1', 80], ['9.9.9.9', 81], ['9.9.9.8', 81]]
  t.strictSame(asked.map(([address, port]) => guard.permits(address, port)), [false, true, true, false, false, true, false])
  t.end()
})
