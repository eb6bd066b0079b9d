// npm run check:layers: no circle of files, and no arrow against the layers (docs/reference/architecture.md). Imports of types count:
// who reads a file has to read what it names.
import { ARROWS, CORES, FLOORS } from './layers.config.js'

const anyOf = names => `(?:${names.join('|')})`
const REGEXP = { '**/': '(?:.+/|)', '*': '[^/]+', '.': '\\.', '{': '(?:', ',': '|', '}': ')' }
const matching = glob => `^${glob.replaceAll(/\*\*\/|[*.{,}]/g, part => REGEXP[part])}$`
const below = floor => FLOORS.slice(0, floor + 1).flat()

const packages = Object.entries(ARROWS).map(([name, others]) => ({
  name: `package-${name}`,
  comment: `${name} may import ${others.join(', ') || 'no other package of ours'}`,
  severity: 'error',
  from: { path: `^packages/${name}/src/` },
  to: { path: `^packages/(?!${anyOf([name, ...others])}/)` }
}))

const floors = FLOORS.slice(0, -1).flatMap((rooms, floor) => ({
  name: `floor-${rooms.join('-')}`,
  comment: 'a room of minwww-client may not import from the floors above it',
  severity: 'error',
  from: { path: `^packages/minwww-client/src/${anyOf(rooms)}/` },
  to: { path: `^packages/minwww-client/src/(?!${anyOf(below(floor))}/)[^/]+/` }
}))

export default {
  forbidden: [
    {
      name: 'circle',
      comment: 'files that import each other can only be read and changed together',
      severity: 'error',
      from: {},
      to: { circular: true }
    },
    {
      name: 'core-without-driver',
      comment: 'a core may not import its driver: only cores, their entry points, and files that do no I/O',
      severity: 'error',
      from: { path: CORES.map(matching) },
      to: {
        path: '^packages/',
        pathNot: [...CORES.map(matching), '/src/(?:codec|core|errors|sizes)\\.ts$', '^packages/i2cp/src/crypto/', '^packages/i2cp/src/session/quirks\\.ts$']
      }
    },
    {
      name: 'sources-without-tests',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/' },
      to: { path: '^(?:packages/[^/]+/|)(?:test|scripts)/' }
    },
    {
      name: 'not-found',
      comment: 'what is not found is not checked either',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true }
    },
    ...packages,
    ...floors
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['@minwww/source', 'import', 'node', 'default', 'types'] }
  }
}
