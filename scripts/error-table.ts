import { readFileSync } from 'node:fs'
import { FAILURES as PAGES } from '@minwww/client'
import { I2P_ERRORS } from '@minwww/http'
import { I2CP_ERRORS } from '@minwww/i2cp'
import { WIRE_FAILURES } from '@minwww/protocol'

type Rows = Array<[code: string, meaning: string]>

const root = new URL('../', import.meta.url)

/** The members of a union of codes, with the comment behind each. */
function union (file: string): Rows {
  const text = readFileSync(new URL(file, root), 'utf8')
  return [...text.matchAll(/^ {2}\| '([A-Z0-9_]+)' \/\/ (.+)$/gm)].map(([, code = '', meaning = '']) => [code, meaning])
}

/** Errors of the command line besides those of the libraries below it. */
const COMMAND: Rows = [
  ['MINWWW_USAGE', 'a wrong option, argument or setting: exit status 2; the line says which and what would be right'],
  ['MINWWW_NO_ROUTER', 'no I2CP router answers at the address of `--router`'],
  ['MINWWW_NOT_FOUND', 'a name that the router does not know, or a Destination without a LeaseSet'],
  ['MINWWW_NO_ANSWER', 'a ping without any answer'],
  ['MINWWW_FILE_EXISTS', 'a key file that would be overwritten'],
  ['MINWWW_NO_BENCHMARK', '`minwww bench` without the package `@minwww/benchmark`'],
  ['MINWWW_BENCH_FAILED', 'a scenario of `minwww bench` did not come to its end'],
  ['MINWWW_BENCH_SKIPPED', 'a scenario of `minwww bench` could not run here'],
  ['MINWWW_KEYS_OPEN', 'a file with private keys that others can read or write is not used: `chmod 600 FILE`'],
  ['MINWWW_NO_BROWSER', '`minwww browse` found neither Firefox nor Chromium, or not the program of `--browser`'],
  ['MINWWW_NO_PROXY', '`minwww browse` could not start its proxy, or something else listens at its address'],
  ['MINWWW_FAILED', 'an error without a code of its own; the line has its text']
]

const table = (head: string, rows: string[][]): string =>
  [`| ${head} |`, `|${head.split('|').map(() => '---').join('|')}|`, ...rows.map(
    row => `| ${row.map(text => text.replaceAll('|', '\\|')).join(' | ')} |`
  )].join('\n')
const list = (rows: Rows): string => table('code | meaning', rows.map(([code, meaning]) => [`\`${code}\``, meaning]))

/** docs/reference/errors.md is exactly this. */
export function documentErrors (): string {
  return `# Errors

Written by \`npm run docs:errors\` from the sources; a test compares them.

Codes stay the same, texts may change. In a program, compare \`error.code\`.

## What the browser sees

The answer of the proxy has the code in its field \`X-MinWWW-Error\`. [Troubleshooting](../guide/troubleshooting.md) goes by symptom.

${table('code | status | what happened | what to try', Object.entries(PAGES)
  .map(([code, { status, what, advice }]) => [`\`${code}\``, String(status), what, advice]))}

## What an exit says in an ERROR message

The number is the code of [the protocol](protocol.md), section 4.

${table('code | name | status | meaning', Object.entries(WIRE_FAILURES)
  .map(([name, { code, httpStatus, title }]) => [String(code), name, String(httpStatus), title]))}

## Commands

An error of a command is one line on standard error, and the exit status: 2 for wrong use, 1 for a job that could not be done.

${list(COMMAND)}

## @minwww/i2cp

${list(Object.entries(I2CP_ERRORS))}

## @minwww/streaming

${list(union('packages/streaming/src/errors.ts'))}

## @minwww/http

While a body is read, the error with the code is the \`cause\` of what is thrown.

${list(Object.entries(I2P_ERRORS))}

## @minwww/protocol

${list(union('packages/minwww-protocol/src/errors.ts'))}

## @minwww/server

${list(union('packages/minwww-server/src/errors.ts'))}

## @minwww/local-router

${list(union('packages/local-router/src/errors.ts'))}
`
}
