import neostandard from 'neostandard'
import tseslint from 'typescript-eslint'
import { CORES } from './layers.config.js'

const IO_MODULES = [
  'net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'fs', 'timers', 'child_process', 'worker_threads', 'cluster',
  'readline', 'stream', 'perf_hooks'
].flatMap(name => [`node:${name}`, `node:${name}/*`, name])

const RANDOM_SOURCES = ['randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'randomUUID', 'getRandomValues']

/** Client and server have longer lines still. */
const WRAPPED = ['packages/{ground,testkit,i2cp,streaming,http,local-router,minwww-protocol,benchmark,minwww}/{src,test,examples}', 'test', 'scripts']

export default [
  ...neostandard({ ts: true, ignores: ['**/dist/**', '**/.tap/**', 'artifacts/**', 'tap-snapshots/**'] }),
  {
    files: ['packages/*/src/**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    // One program of all packages: a project for each would check what they share again and again.
    languageOptions: { parserOptions: { project: 'tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }]
    }
  },
  {
    files: WRAPPED.map(folder => `${folder}/**/*.{ts,js,mjs}`),
    rules: { '@stylistic/max-len': ['error', { code: 140, tabWidth: 2, ignoreRegExpLiterals: true }] }
  },
  {
    files: ['packages/minwww/site/*.js', 'packages/*/src/*/assets/*.js', 'packages/*/assets/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(['addEventListener', 'document', 'location', 'matchMedia', 'performance', 'window', 'EventSource', 'URL',
        'fetch', 'setTimeout',
        'clearTimeout', 'setInterval', 'requestAnimationFrame', 'confirm', 'getComputedStyle', 'devicePixelRatio', 'ResizeObserver',
        'FormData', 'URLSearchParams',
        'HTMLElement', 'uPlot'].map(name => [name, 'readonly']))
    }
  },
  {
    // A core takes `now` as an argument; its driver, beside it, owns the socket and one timer. What may import what beside this:
    // npm run check:layers.
    files: CORES,
    rules: {
      'no-restricted-globals': [
        'error', 'Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'crypto'
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'A core takes its randomness as an argument.' }],
      'no-restricted-imports': ['error', {
        paths: [
          ...IO_MODULES.map(name => ({ name, message: 'Cores do no I/O (docs/reference/architecture.md, rule 1).' })),
          { name: 'node:crypto', importNames: RANDOM_SOURCES, message: 'A core takes its randomness as an argument.' },
          { name: '@minwww/ground/node', message: "Cores use '@minwww/ground', which does no I/O." },
          { name: '@minwww/i2cp', allowTypeImports: true, message: "Cores use '@minwww/i2cp/codec', which does no I/O." }
        ]
      }]
    }
  }
]
