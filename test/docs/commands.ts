/** The commands that the documents show, and what has run each of them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const list = (folder: string): string[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  .map(name => join(folder, name))

export const DOCUMENTS = [
  'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md', 'CHANGELOG.md', ...list('docs').filter(name => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'packages')).map(name => `packages/${name}/README.md`),
  ...list('packaging').filter(name => /\.service$|Containerfile$/.test(name))
]

const PROGRAMS = [
  'npm', 'npx', 'minwww', 'node', 'curl', 'chromium', 'apt', 'apt-get', 'systemctl', 'ssh', 'kill', 'cargo', 'go', 'mvn', 'javap',
  'podman', 'rm', 'mkdir', 'chown', 'cp', 'git', 'sudo'
]
/** How a command begins. In running text the name of a program alone is none. */
const COMMAND = new RegExp(`^(?:[A-Z_]+=\\S+ )*(?:(?:${PROGRAMS.join('|')}) (?=[^<])|\\.ci/run$|(?:test|scripts)/\\S+\\.sh\\b)`)
/** Arguments for a command that is named nearby, such as `loss --delay 10`. */
const ARGUMENTS = /^(?:[a-z]+ )?--\w[\w-]* \S+ .*--|^--\w+ \d\S* .*|^(?:tunnels|payload|loss|burst|paths|publish) --/

/** Every command that a document shows, as it stands there, without prompt and comment. */
export function commandsOf (file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8').replaceAll('\\|', '|').replace(/\s*\\\n\s*/g, ' ')
  const fence = /^( *)```[a-z]*\n(.*?)^\1```/gms
  const blocks = [...text.matchAll(fence)].flatMap(([, , block = '']) => block.split('\n').map(line => line.trim().replace(/^\$ /, '')))
  const units = [...text.matchAll(/^(?:ExecStart=\/usr\/bin\/env |ExecReload=\/bin\/|RUN )(.+)$/gm)].map(([, code = '']) => code)
  const inline = [...text.replace(fence, '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replace(/\s*\n[# ]*/g, ' '))
    .filter(code => !/^\S+\.sh$/.test(code))
  const lines = [...blocks, ...units, ...inline].map(line => line.replace(/\s+#.*$/, ''))
  return [
    ...new Set(lines.flatMap(line => ARGUMENTS.test(line) ? [line] : line.split(/\s*(?:&&|;)\s*/).filter(part => COMMAND.test(part))))
  ]
}

const COMMANDS_TEST = 'test/e2e/commands.ts'

/** By whom a command of the documents has been run in that form: a test, `.ci/run`, or somebody, when, and with what result. */
export const RUNS: Readonly<Record<string, string>> = {
  ...runBy(COMMANDS_TEST, [
    'chromium --user-data-dir="$HOME/.config/chromium-i2p" --proxy-server=http://127.0.0.1:4480 ' +
      '--webrtc-ip-handling-policy=disable_non_proxied_udp --force-webrtc-ip-handling-policy=disable_non_proxied_udp',
    'curl -x http://127.0.0.1:4480 http://demo.i2p/',
    'curl -x http://127.0.0.1:4480 http://mysite.i2p/',
    'kill -HUP $MAINPID',
    'minwww config check /etc/minwww/minwww.toml',
    'minwww config check FILE',
    'minwww config check|print FILE',
    'minwww config print [FILE]',
    'minwww demo',
    'minwww doctor --router 127.0.0.1:7654',
    'minwww doctor --router H:P',
    'minwww doctor --router HOST:PORT',
    // eslint-disable-next-line no-template-curly-in-string -- as systemd writes it
    'minwww exit --config /etc/minwww/minwww.toml --keys ${STATE_DIRECTORY}/exit.dat --state ${STATE_DIRECTORY} --drain-time 30',
    'minwww exit --keys exit.dat --limit-out 200 --limit-in 300 --quota-day 20000 --quota-month 400000 --state /var/lib/minwww --console ' +
      '127.0.0.1:4490',
    'minwww exit --keys exit.dat --site mysite.i2p=http://127.0.0.1:8080 --own-sites-only',
    'minwww keys new|show|export FILE',
    'minwww lookup NAME --router 127.0.0.1:7654',
    'minwww lookup NAME --router H:P',
    'minwww ping DEST --router H:P',
    'minwww proxy --config /etc/minwww/minwww.toml',
    'minwww proxy --exit ADDRESS.b32.i2p',
    'minwww proxy --i2p-only',
    'minwww proxy --proxy 127.0.0.1:4490 --exit DESTINATION',
    'minwww router',
    'minwww config sample',
    'minwww site --keys FILE --target H:P',
    'minwww site --keys site.dat --target 127.0.0.1:7658',
    // eslint-disable-next-line no-template-curly-in-string -- as systemd writes it
    'minwww site --config /etc/minwww/minwww.toml --keys ${STATE_DIRECTORY}/site.dat --drain-time 30',
    'minwww tunnel server|client',
    'node --import tsx packages/i2cp/examples/hello.ts 127.0.0.1:7654',
    'npm start',
    'npx minwww demo',
    'npx minwww exit --router 127.0.0.1:7654 --keys exit.dat',
    'npx minwww proxy --router 127.0.0.1:7654 --proxy 127.0.0.1:4480 --exit DESTINATION'
  ]),
  // Names of commands: with arguments they are in the same tests.
  ...runBy('test/e2e/main-job.test.ts', [
    'minwww demo|router|exit|proxy', 'minwww exit', 'minwww keys', 'minwww proxy'
  ]),
  ...runBy('test/interop/exit-lists.test.ts', ['minwww proxy --exit-list URL']),
  ...byHand('2026-11-29', 'came to its end with status 0', [
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/exit-lists.ts'
  ]),
  ...runBy('test/e2e/exits.test.ts', [
    'minwww exits show|publish|check|revoke', 'minwww exits show DEST --router H:P',
    'minwww exits publish --exits exits.txt --out list.txt', 'minwww exits check list.txt',
    'minwww exits revoke exit.dat', 'minwww exits show', 'minwww exits publish', 'minwww exits check',
    'minwww exits revoke'
  ]),
  ...runBy('test/e2e/browse.ts', ['minwww browse --exit DESTINATION', 'minwww browse [URL]', 'minwww browse']),
  ...runBy('test/e2e/site.test.ts', ['minwww site']),
  ...runBy('test/e2e/bundle.test.ts', ['node minwww.mjs demo', 'npm run pack:bundle']),
  ...runBy('test/debian/package.test.ts', [
    'apt install ./minwww_0.1.0_all.deb', 'npm run pack:deb', 'systemctl enable --now minwww-proxy'
  ]),
  ...runBy('test/e2e/packed.ts', ['npm run pack:all', 'npm install artifacts/packages/*.tgz']),
  ...runBy('scripts/check.js', ['npm run check:layers']),
  ...runBy('test/e2e/operations.test.ts', ['kill -9']),
  ...runBy('.ci/run', [
    'npm ci', 'npm run check', 'npm run check:reproducible', 'npm run docs:site', 'npm run test:e2e', 'npm run test:faults',
    'npm run test:interop', 'npm run fuzz', '.ci/run', 'npm test'
  ]),
  // As files of `npm run test:interop`.
  ...runBy('.ci/run', [
    'npx tap --timeout=800 test/interop/i2pd-bookworm.test.ts', 'npx tap --timeout=800 test/interop/i2pd-trixie.test.ts',
    'npx tap --timeout=800 test/interop/i2pd-sid.test.ts', 'npx tap --timeout=800 test/interop/i2pd-mixed.test.ts',
    'npx tap --timeout=800 test/interop/java-router.test.ts',
    'npx tap test/interop/java-router.test.ts', 'npx tap test/interop/streaming-java.test.ts',
    'npx tap test/interop/streaming-{i2pd,loss}.test.ts'
  ]),
  ...byHand('2026-11-29', 'came to its end with status 0, on a machine that others used too', [
    'minwww bench large --sizes 200,600 --runs 4', 'minwww bench large --sizes 200,300,600,1024 --runs 5',
    'minwww bench post --sizes 1,60 --loss 0 --runs 6'
  ]),
  ...byHand('2026-11-29', 'with --quick, or fewer --runs, and came to its end with status 0', ['minwww bench burst', 'minwww bench https']),
  ...byHand(
    '2026-11-28', 'came to its end with status 0', ['npm run mutate -- packages/minwww-protocol/src/keys.ts', 'npm run docs:vectors']
  ),
  ...byHand('2026-11-29', 'came to its end with status 0', [
    'node scripts/check-packages.js --fix', 'npm run measure:start -- 7 BEFORE AFTER',
    'npx tsx --conditions=@minwww/source packages/http/test/measure/fetches.ts 1000 65536 50 32',
    'minwww bench https --runs 3',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/clients.ts'
  ]),
  ...byHand('2026-12-01', 'came to its end with status 0', [
    'npx tap packages/streaming/test/informed.test.ts', 'npx tap packages/benchmark/test/page-sets.test.ts',
    'npx tap packages/local-router/test/profiles.test.ts'
  ]),
  ...byHand('2026-11-30', 'came to its end with status 0', [
    'npx tap packages/minwww-server/test/egress.test.ts',
    'npx tap packages/benchmark/test/clients.test.ts',
    'npx tap packages/benchmark/test/moving-bandwidth.test.ts',
    'minwww bench pages --routers i2pd --quick',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/page-sets.ts fetch artifacts/page-sets',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/page-sets.ts record artifacts/page-sets',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/page-sets.ts replay artifacts/page-sets 3',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/page-sets.ts load artifacts/page-sets 3 0.02 minwww',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/page-sets.ts load artifacts/page-sets 1 0.02 minwww firefox'
  ]),
  ...byHand('2026-11-22', 'came to its end with status 0', [
    'DELAY_MS=10 LOSS_PCT=1 test/testnet/up.sh', 'test/testnet/up.sh', 'test/testnet/down.sh',
    'test/testnet/ns.sh node --import tsx test/testnet/fetch.ts bench 1 20',
    'test/testnet/ns.sh node --import tsx test/testnet/fetch.ts wait 1 60',
    'npx tap packages/i2cp/test/codec.test.ts',
    'npx tap packages/i2cp/test/session-edges.test.ts',
    'npx tap packages/minwww-client/test/exit-choice.test.ts packages/minwww-client/test/resume.test.ts',
    'apt install i2pd',
    'javap -constants',
    'minwww bench --quick',
    'minwww bench routers --routers java --hops 3 --loss 0 --runs 20',
    'minwww bench routers --routers i2pd --hops 3 --loss 0,1 --sizes 1,32,128 --runs 10',
    'minwww bench routers --routers mixed --hops 1 --loss 0 --sizes 1,10,32,64,128 --runs 10',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/exit-core.ts',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/grid-table.ts grid.json',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/bursts.ts 3',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/parity.ts 400',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/large.ts 10',
    'npm run build:peers', 'npm run check:dead', 'npm run docs:errors', 'npm run docs:man', 'npm run docs:options',
    'npm run fuzz -- --seconds 60', 'npm run fuzz -- --cases N --seed S', '--target NAME --from CASE', 'npm run docs:limits',
    'npm run docs:man',
    'npm install --global artifacts/packages/*.tgz',
    // With the arguments below.
    'node --conditions=@minwww/source --import tsx test/interop/measure.ts KIND... [options]',
    'node --conditions=@minwww/source --import tsx test/interop/first-contact.ts --suite sid --rounds 2',
    'node --conditions=@minwww/source --import tsx test/interop/restarts.ts --suite sid exit-kill exit-stop exit-router-kill',
    'node --conditions=@minwww/source --import tsx test/interop/new-clients.ts --suite sid',
    'node --conditions=@minwww/source --import tsx test/interop/hybrid.ts --rounds 8',
    'npm run long-run -- --network i2pd --minutes 20 --fault-every 0 --loss 2 --rest 5',
    'minwww bench routers --routers i2pd --hops 3 --loss 0 --sizes 1,32,128 --runs 100',
    'node --conditions=@minwww/source --import tsx test/interop/measure-streaming.ts',
    'node --conditions=@minwww/source --import tsx test/interop/measure-sam.ts 600 6 20',
    'npx tsx --conditions=@minwww/source packages/streaming/test/measure/streams.ts [streams] [bytes] [latency ms] [loss]',
    'npx tap packages/benchmark/test/first-contact.test.ts',
    'npx tap packages/minwww-server/test/core-world.test.ts',
    'npx tap test/interop/foreign-clients.test.ts',
    'npx tsx --conditions=@minwww/source packages/streaming/test/measure/streams.ts 1000 65536 50',
    'minwww bench url --via http://127.0.0.1:4444 --via http://127.0.0.1:4480 http://example.i2p/ --count 20',
    'tunnels --delay 10', '--latency 100 --loss 0.01,0.05 --limit 10 --small 3'
  ]),
  ...byHand('2026-11-30', 'on a machine that others used too, and came to its end with status 0', [
    'node --conditions=@minwww/source --import tsx test/interop/acceptance-more.ts sid', 'npm run test:emissary',
    '--exits 2 --after 30 --rounds 2',
    'node --conditions=@minwww/source --import tsx test/interop/encrypted.ts sid',
    'node --conditions=@minwww/source --import tsx test/interop/switch-tunnels.ts sid --streams 15',
    'node --conditions=@minwww/source --import tsx test/interop/lone-messages.ts sid'
  ]),
  ...byHand('2026-12-01', 'on a machine that others used too, and came to its end with status 0', [
    'node --conditions=@minwww/source --import tsx test/interop/dead-paths.ts sid',
    'node --conditions=@minwww/source --import tsx test/interop/dead-paths.ts sid --destinations 8 --watch 40 --refresh halves --back',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/at-once.ts 2',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/behind.ts streaming-parity 40 2000',
    'minwww bench post --routers i2pd', 'minwww bench large --routers i2pd',
    'minwww bench https --routers i2pd', 'minwww bench post --routers java',
    'minwww bench large --routers java', 'minwww bench https --routers java',
    'minwww bench burst --routers java --hops 1,3 --latency 10 --runs 5'
  ]),
  ...byHand('2026-11-22', 'with systemd 252 in a container, both units started, reloaded, killed, started again by systemd and stopped', [
    'systemctl restart i2pd', 'systemctl reload', 'systemctl start minwww-exit'
  ]),
  ...byHand('2026-11-22', 'with podman 4.3.1 in a container, over a base image of that name made of Debian 12 and Node 24.21, as no ' +
    'registry of images was in reach', [
    'podman build -f packaging/Containerfile -t minwww .',
    'podman run --network host -v minwww:/var/lib/minwww minwww exit --keys /var/lib/minwww/exit.dat',
    'npm install --global --omit=dev /tmp/packages/*.tgz', 'rm -rf /tmp/packages', 'mkdir -m 0700 /var/lib/minwww',
    'chown node:node /var/lib/minwww'
  ]),
  // The same, but long; beside each other, on two cores that they kept busy, where a document does not say that the machine was quiet.
  ...byHand('2026-11-22', 'came to its end with status 0', [
    'minwww bench --out DIR', 'minwww bench grid --json', 'minwww bench grid --json > grid.json', 'npm run docs:faults',
    'minwww bench cost --runs 10', 'minwww bench pages --runs 4', 'minwww bench pages --runs 6', 'minwww bench steps',
    'minwww bench tunnel --latency 250 --loss 0,1 --sizes 1,64,256 --runs 20', 'minwww bench tunnel --loss 0 --sizes 1,16,64,128 --runs 6',
    'minwww bench tunnel --runs 10',
    'minwww bench routers --routers i2pd --hops 3 --loss 0 --sizes 128 --concurrency 10 --runs 4',
    'minwww bench routers --routers i2pd --hops 3 --loss 0 --sizes 128 --concurrency 10 --latency 50 --runs 3',
    'minwww bench routers --routers java --hops 3 --loss 0 --sizes 128 --concurrency 10 --runs 4',
    'minwww bench routers --routers mixed --hops 3 --loss 0 --runs 10',
    'minwww bench routers --routers i2pd --hops 3 --loss 2 --runs 100 --designs minwww',
    'minwww bench routers --routers i2pd --hops 3 --loss 0 --minutes 20 --designs minwww',
    'npx tap --timeout=300 test/e2e/limit.test.ts',
    'npx tap --timeout=300 test/e2e/operations.test.ts',
    'npm run long-run -- --network i2pd --minutes 14 --log-level debug --rest 30 --seed 5',
    'npm run fuzz -- --cases 12000000 --seed 20261122', 'npm run fuzz -- --cases 520000 --seed 20261122 --target "addresses and targets"',
    'node --conditions=@minwww/source --import tsx packages/benchmark/scripts/pages-and-pool.ts',
    'npm run posts', 'npm run posts -- 10000', 'npm run flood', 'npm run measure:clients', 'npm run soak', 'npm run soak:day',
    'npm run long-run -- --minutes 22 --log-level debug',
    'npm run long-run -- --network i2pd --minutes 45 --fault-every 60 --rate 2 --log-level debug',
    // Arguments of test/interop/measure.ts and measure-streaming.ts.
    '--java 5,6,7,8 --delay 10 --from 5 --to 3 payload loss burst', '--java all --delay 10 --from 1 --to 3 payload loss burst paths',
    'burst --delay 10', 'loss --delay 10', 'loss --delay 2 --loss 0.02', 'payload --delay 10', '--latency 0 --size 4 --limit 8 --small 5',
    '--limit 25 --small 7'
  ]),
  // Alone it is the name of the command whose options stand beside it, and writes the same report to the terminal.
  ...byHand('2026-11-22', 'with --out, and came to its end with status 0 after 71 minutes', ['minwww bench'])
}

function runBy (file: string, commands: readonly string[]): Record<string, string> {
  return Object.fromEntries(commands.map(command => [command, file]))
}

function byHand (date: string, result: string, commands: readonly string[]): Record<string, string> {
  return Object.fromEntries(commands.map(command => [command, `by hand, ${date}: ${result}`]))
}
