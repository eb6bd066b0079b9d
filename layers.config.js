// What may import what, said once: for the layers' check (.dependency-cruiser.js) and for lint (eslint.config.js).

/** Files of cores, which do no I/O (docs/reference/architecture.md, rule 1). */
export const CORES = [
  'packages/*/src/**/core/**/*.ts',
  'packages/ground/src/{index,clock,deadlines,logger,smoothed-rtt}.ts',
  'packages/local-router/src/network/**/*.ts',
  'packages/streaming/src/packet/**/*.ts',
  'packages/i2cp/src/{data,messages,datagrams}/**/*.ts',
  'packages/minwww-client/src/pool/**/*.ts',
  'packages/minwww-protocol/src/**/*.ts'
]

/** The packages that the sources of each package may import. `testkit` is for tests. */
export const ARROWS = {
  ground: [],
  testkit: ['ground', 'i2cp'],
  i2cp: ['ground'],
  streaming: ['ground', 'i2cp'],
  http: ['ground', 'i2cp', 'streaming'],
  'local-router': ['ground', 'i2cp'],
  'minwww-protocol': ['ground'],
  'minwww-client': ['ground', 'i2cp', 'streaming', 'minwww-protocol'],
  'minwww-server': ['ground', 'i2cp', 'streaming', 'minwww-protocol'],
  benchmark: ['ground', 'i2cp', 'streaming', 'local-router', 'minwww-protocol', 'minwww-client', 'minwww-server'],
  minwww: ['ground', 'i2cp', 'streaming', 'local-router', 'minwww-protocol', 'minwww-client', 'minwww-server', 'benchmark']
}

/** The rooms of minwww-client, from the bottom up: a file imports from its own floor and those below. */
export const FLOORS = [['pool'], ['core'], ['http'], ['cache', 'pages', 'route', 'sessions'], ['lists'], ['console', 'front'], ['proxy']]
