import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import {
  DESCRIPTOR_LIFE, encodeRequestHead, FILTERS, MAX_CONTACT, MAX_DESCRIPTOR, parseRequest, parseStatement, writeDescriptor, writeRevocation,
  type ExitProfile, type StatementSigner
} from '../src/index.ts'

const BAD = { code: 'MINWWW_BAD_DESCRIPTOR' }
const DATE = 1_790_000_000
const signer: StatementSigner = { b32: `${'a'.repeat(52)}.b32.i2p`, base64: `${'A'.repeat(523)}=`, sign: () => 'sig~-Nature==' }
const PLAIN: ExitProfile = { versions: [1], web: true, methods: [], ports: [80, 443], filters: [], pushes: false }
const plain = writeDescriptor(PLAIN, DATE, DATE + 86_400, signer)

const upTo = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max })
const profile: fc.Arbitrary<ExitProfile> = fc.record({
  versions: fc.uniqueArray(upTo(15), { minLength: 1, maxLength: 4 }),
  web: fc.boolean(),
  methods: fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST', 'M-SEARCH', 'CONNECT', 'PROPFIND'), { maxLength: 6 }),
  ports: fc.uniqueArray(upTo(65_535), { minLength: 1, maxLength: 64 }),
  filters: fc.uniqueArray(fc.constantFrom(...FILTERS), { maxLength: FILTERS.length }),
  pushes: fc.boolean(),
  maxResponse: upTo(1e12),
  maxRequest: upTo(1e12),
  rate: upTo(1e10),
  requests: upTo(1e7),
  free: fc.integer({ min: 0, max: 100 }),
  contact: fc.string({ minLength: 1, maxLength: MAX_CONTACT, unit: fc.constantFrom(...'abc XYZ@.:/=,!~"\'%&+-') })
}, { requiredKeys: ['versions', 'web', 'methods', 'ports', 'filters', 'pushes'] })

t.test('what an exit says comes back as it was said', async t => {
  fc.assert(fc.property(profile, upTo(DESCRIPTOR_LIFE), (said, life) => {
    const line = writeDescriptor(said, DATE, DATE + life, signer)
    const { statement, signed, signature } = parseStatement(line)
    t.strictSame(statement, { kind: 'exit', b32: signer.b32, destination: signer.base64, date: DATE, expires: DATE + life, ...said })
    t.equal(`${signed.toString('latin1')}#sig=${signature}`, line)
  }), { seed: seedOf(t, 19), numRuns: 300 })
  t.match(parseStatement(writeRevocation(DATE, DATE + 1, signer)).statement, { kind: 'revoked', date: DATE, expires: DATE + 1 })
})

t.test('bytes of any kind are a descriptor or a coded error', async t => {
  const cut = fc.tuple(fc.nat(plain.length), fc.nat(plain.length), fc.string({ maxLength: 40, unit: 'binary' }))
  fc.assert(fc.property(cut, ([from, to, between]) => {
    try {
      parseStatement(plain.slice(0, from) + between + plain.slice(to))
    } catch (error) {
      t.match(error, BAD)
    }
  }), { seed: seedOf(t, 19), numRuns: 2_000 })
})

t.test('what is refused', async t => {
  const changed = (from: string, to: string): string => {
    t.ok(plain.includes(from), from)
    return plain.replace(from, to)
  }
  const wrong: Record<string, string> = {
    'no signature': plain.slice(0, plain.indexOf('#sig=')),
    'two signatures': `${plain}#sig=AAAA`,
    'a property twice': changed('#push=no', '#push=no#push=yes'),
    'an unknown action': changed('action=exit', 'action=add'),
    'a life of eight days': changed(`expires=${DATE + 86_400}`, `expires=${DATE + DESCRIPTOR_LIFE + 1}`),
    'an end before its date': changed(`expires=${DATE + 86_400}`, `expires=${DATE}`),
    'a date that is no number': changed(`date=${DATE}`, 'date=0x10'),
    'a leading zero': changed('ports=80', 'ports=080'),
    'a port above all': changed('ports=80,443', 'ports=80,65536'),
    'no port': changed('ports=80,443', 'ports='),
    'a method in lower case': changed('methods=*', 'methods=get'),
    'neither yes nor no': changed('web=yes', 'web=maybe'),
    'more free than all': changed('#push=no', '#free=101#push=no'),
    'a contact that is too long': changed('#push=no', `#push=no#contact=${'x'.repeat(MAX_CONTACT + 1)}`),
    'a line break': `${plain}\n`,
    'a control character': changed('#push=no', '#push=no#contact=a\x07'),
    'a name that is no b32 address': `bank.i2p${plain.slice(plain.indexOf('='))}`,
    'too many properties': changed('#push=no', `#push=no${[...'abcdefghijklmnopqrstuvwxyz'].map(letter => `#k${letter}=1`).join('')}`),
    'more than a line may have': changed('#push=no', `#push=no#padding=${'x'.repeat(MAX_DESCRIPTOR)}`)
  }
  for (const [what, line] of Object.entries(wrong)) t.throws(() => parseStatement(line), BAD, what)
  t.throws(() => writeDescriptor({ ...PLAIN, contact: 'a#b=c' }, DATE, DATE + 1, signer), BAD, 'a contact that would be a property')
})

t.test('what a later version may add is ignored', async t => {
  const { statement } = parseStatement(plain.replace('#push=no', '#push=no#filters=denied-hosts,moonlight#colour=red'))
  t.match(statement, { kind: 'exit', filters: ['denied-hosts'] })
})

t.test('a request may ask for it by message, and for no other minwww: URL', async t => {
  const request = { method: 'GET', url: 'minwww://exit/descriptor', headers: [['Host', 'minwww']] as Array<[string, string]> }
  t.match(parseRequest(encodeRequestHead(request)), request)
  for (const url of ['minwww://exit/', 'minwww://exit/descriptor?', 'minwww://0011223344556677/1', 'MINWWW://exit/descriptor']) {
    t.throws(() => encodeRequestHead({ ...request, url }), { code: 'MINWWW_BAD_HTTP' }, url)
  }
})
