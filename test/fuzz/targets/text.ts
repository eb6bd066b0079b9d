import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeB33, encodeB33, Hosts, parseAddress } from '@minwww/i2cp'
import { fromBase32, fromBase64 } from '@minwww/i2cp/codec'
import { AltSvcMemory } from '../../../packages/minwww-client/src/route/alt-svc.ts'
import { parseConnectTarget, parseTarget } from '../../../packages/minwww-client/src/http/target.ts'
import { parseRange } from '../../../packages/minwww-client/src/cache/range.ts'
import { parseAddressRule } from '../../../packages/minwww-server/src/fetch/address-rule.ts'
import { parseAuthority, parseTarget as parseExitTarget } from '../../../packages/minwww-server/src/fetch/target.ts'
import { parseUpstream } from '../../../packages/minwww-server/src/fetch/upstream-proxy.ts'
import { DestinationList } from '../../../packages/minwww-server/src/policy/destination-list.ts'
import { HostList } from '../../../packages/minwww-server/src/policy/host-list.ts'
import { parseList } from '../../../packages/minwww-server/src/policy/list-file.ts'
import { parseHostPort, parseSites } from '../../../packages/minwww/src/address.ts'
import { readConfigFile } from '../../../packages/minwww/src/config/file.ts'
import { environmentLayer, flagLayer, resolveSettings } from '../../../packages/minwww/src/config/load.ts'
import { SECTIONS, settingsOf, type Section } from '../../../packages/minwww/src/config/schema.ts'
import { readExits } from '../../../packages/minwww/src/exits.ts'
import type { SeededRandom } from '@minwww/testkit'
import { bound, coded, type Target } from '../target.ts'
import { keys } from './i2cp.ts'

const folder = mkdtempSync(join(tmpdir(), 'minwww-fuzz-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const CONFIG = join(folder, 'minwww.toml')
const EXITS = join(folder, 'exits')
const sections = Object.keys(SECTIONS) as Section[]
const { destination } = keys
const b33 = encodeB33({ signingType: 7, signingPublicKey: destination.signingPublicKey })

const texts = (...list: string[]): Buffer[] => list.map(text => Buffer.from(text, 'latin1'))

function config (bytes: Buffer): void {
  writeFileSync(CONFIG, bytes)
  const read = coded(() => readConfigFile(CONFIG))
  for (const section of sections) coded(() => resolveSettings(section, [read?.sections[section]]))
}

function settings (bytes: Buffer): void {
  const text = bytes.toString('utf8')
  for (const section of sections) {
    for (const { key } of settingsOf(section)) coded(() => resolveSettings(section, [flagLayer(section, { [key]: text })]))
    coded(() => resolveSettings(
      section, [environmentLayer(section, Object.fromEntries(settingsOf(section).map(({ environment }) => [environment, text])))]
    ))
  }
}

function names (bytes: Buffer): void {
  const text = bytes.toString('latin1')
  coded(() => parseAddress(text))
  coded(() => decodeB33(text))
  coded(() => fromBase32(text))
  coded(() => fromBase64(text))
  const hosts = new Hosts().add(text)
  bound(hosts.size <= text.length, 'names')
  coded(() => hosts.get('name.i2p'))
}

function targets (bytes: Buffer): void {
  const text = bytes.toString('latin1')
  for (const parse of [parseTarget, parseConnectTarget, parseExitTarget, parseAuthority]) coded(() => parse(text))
  coded(() => parseHostPort(text, '--proxy'))
  coded(() => parseSites([text]))
  coded(() => parseUpstream(text))
  coded(() => parseRange(text, 1_000))
}

function lists (bytes: Buffer, random: SeededRandom): void {
  const text = bytes.toString('utf8')
  const entries = parseList(text)
  bound(entries.length <= text.length + 1, 'entries')
  new HostList(entries).matches('www.example.com')
  coded(() => new DestinationList(entries))
  for (const entry of entries.slice(0, 20)) coded(() => parseAddressRule(entry))
  if (random.chance(32)) {
    writeFileSync(EXITS, bytes)
    coded(() => readExits([], EXITS))
  }
  new AltSvcMemory().note('a.i2p', [text])
}

export const TEXT_TARGETS: Target[] = [
  {
    name: 'configuration files',
    weight: 0.2,
    samples: texts(
      '[proxy]\nproxy = "127.0.0.1:4480"\nexit = ["a.i2p"]\ntimeout = 60\n',
      '[exit]\nlimit-out = 64\nlog-urls = true\nports = ["80"]\n[router]\nseed = 7\n'
    ),
    tokens: texts(
      '[exit]', '[[x]]', '=', '"', '"""', '\n', '{', '}', '[', ']', '1e999', 'nan', 'inf', '0x7f', '1979-05-27T07:32:00Z', '__proto__ = 1',
      '\\u0000', '#'
    ),
    decode: config
  },
  {
    name: 'flags and environment',
    weight: 0.5,
    samples: texts(
      '60', '-1e3', 'true', '127.0.0.1:80', 'a b c'
    ),
    tokens: texts(' ', 'e', '.', ':', '\n'),
    decode: settings
  },
  {
    name: 'names and hosts files',
    weight: 10,
    samples: texts(
      destination.base64, destination.b32, b33, 'name.i2p', `# hosts\nname.i2p=${destination.base64}#!sig=x\nb.i2p=${destination.base64}\n`
    ),
    tokens: texts('.b32.i2p', '.i2p', '=', '#', '\n', '-', '~', 'xn--'),
    decode: names
  },
  {
    name: 'addresses and targets',
    weight: 10,
    samples: texts(
      'http://site.i2p/path?q=1#f', 'http://user:pass@[::1]:80/', 'https://0x7f.1/', 'site.example:443', `http://${destination.b32}/`,
      'demo.i2p=http://127.0.0.1:8080', 'socks5://u:p@127.0.0.1:1080', 'bytes=0-99', '10.0.0.0/8:80'
    ),
    tokens: texts('http://', '@', ':', '/', '\\', '[', ']', '%2e', '..', '0x', '::ffff:', '\t', '\xad'),
    decode: targets
  },
  {
    name: 'lists of the operator',
    weight: 2,
    samples: texts(
      'example.com\n=exact.example\n*.wild.example # comment\n', `${destination.b32}\n${destination.base64}\n`,
      '10.0.0.0/8:80\nfe80::/10\n', 'minwww=":80"; ma=86400'
    ),
    tokens: texts('\n', '\r', '#', '=', '*.', '/', ';', '"'),
    decode: lists
  }
]
