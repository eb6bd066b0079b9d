import { LocalDestination } from '@minwww/i2cp/codec'
import { readListNow, verifyStatement } from '@minwww/client'
import { MAX_DESCRIPTOR, parseStatement } from '@minwww/protocol'
import { revoke } from '@minwww/server'
import { bound, coded, type Target } from '../target.ts'

const NOW = 1_790_000_000 // s
const seeds = [1, 2, 3]
const all = seeds.map(seed => LocalDestination.generate(length => Buffer.alloc(length, seed)))
const [keys, other] = all as [LocalDestination, LocalDestination]
const revoked = all.map(one => revoke(one, NOW))
const offline = revoke(keys.toOffline(NOW + 3_600), NOW)

/** Signed anew, so that what is behind the signature is reached. */
function repair (bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const end = text.lastIndexOf('#sig=')
  const unsigned = text.slice(0, end < 0 ? text.length : end).replace(/^[^#]*/, `${keys.destination.b32}=${keys.destination.base64}`)
  const signature = keys.sign(Buffer.from(unsigned, 'latin1')).toString('base64').replaceAll('+', '-').replaceAll('/', '~')
  return Buffer.from(`${unsigned}#sig=${signature}`, 'latin1')
}

const texts = (...list: string[]): Buffer[] => list.map(text => Buffer.from(text, 'latin1'))
const DESCRIPTOR = repair(Buffer.from(
  `x=y#!action=exit#date=${NOW}#expires=${NOW + 600_000}#minwww=1#web=yes#methods=GET,HEAD#ports=80,443#filters=denied-hosts` +
  '#maxresponse=5000#rate=1000#free=80#push=no#contact=ops@example.i2p'
)).toString('latin1')

export const LIST_TARGETS: Target[] = [
  {
    name: 'exit descriptors',
    weight: 4,
    samples: texts(DESCRIPTOR, offline, ...revoked),
    tokens: texts(
      '#!', '#', '=', '#sig=', '#offline=', 'action=exit', 'action=revoke', ',', '*', `date=${NOW}`, '0', '\n', other.destination.base64
    ),
    repair,
    decode (bytes) {
      const line = bytes.toString('latin1')
      const parsed = coded(() => parseStatement(line))
      if (parsed !== undefined) bound(line.length <= MAX_DESCRIPTOR, 'line')
      const verified = coded(() => verifyStatement(line, NOW * 1_000))
      if (verified !== undefined) bound(verified.statement.expires > NOW, 'time')
    }
  },
  {
    name: 'lists of exits',
    weight: 1,
    samples: texts(`# MinWWW exits\n${DESCRIPTOR}\n${revoked.join('\n')}\n`, `${DESCRIPTOR}\r\n\r\n#\n`),
    tokens: texts('\n', '\r', '#', DESCRIPTOR.slice(0, 600)),
    decode (bytes) {
      const list = coded(() => readListNow(bytes.toString('latin1'), NOW * 1_000))
      if (list !== undefined) bound(list.problems.length <= 20 && list.statements.length <= 2_000, 'list')
    }
  }
]
