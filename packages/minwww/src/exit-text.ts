import type { ExitDescriptor, Filter } from '@minwww/protocol'

const FILTER_WORDS: Readonly<Record<Filter, string>> = {
  'allowed-hosts': 'all hosts but those of a list',
  'denied-hosts': 'hosts of a list',
  'allowed-clients': 'all clients but those of a list',
  'denied-clients': 'clients of a list',
  'denied-types': 'some kinds of content'
}

/** What an exit says of itself, for people, a line each. */
export function describeExit (exit: ExitDescriptor, line: string): string[] {
  const { b32, date, expires, versions, web, methods, ports, pushes, contact = 'none' } = exit
  const shown = methods.length === 0 ? 'every method but TRACE' : methods.join(', ')
  return [
    `exit         ${b32}`,
    `signed       ${timeOf(date)}, holds until ${timeOf(expires)}; the signature is right`,
    `version      MinWWW/${versions.join(', MinWWW/')}`,
    `web          ${web ? `fetched: ports ${ports.join(', ')}; ${shown}` : 'refused: own sites only'}`,
    `refuses      ${refusalsOf(exit).join('; ') || 'nothing more than private addresses'}`,
    `limits       ${limitsOf(exit).join('; ') || 'none that it tells'}`,
    `pushes       ${pushes ? 'yes' : 'no'}`,
    `contact      ${contact}`,
    `descriptor   ${line}`
  ]
}

function refusalsOf ({ filters, maxResponse = 0, maxRequest = 0 }: ExitDescriptor): string[] {
  return [
    ...filters.map(filter => FILTER_WORDS[filter]),
    ...(maxResponse > 0 ? [`responses above ${sizeOf(maxResponse)}`] : []),
    ...(maxRequest > 0 ? [`requests above ${sizeOf(maxRequest)}`] : [])
  ]
}

function limitsOf ({ rate = 0, requests = 0, free }: ExitDescriptor): string[] {
  return [
    ...(rate > 0 ? [`${sizeOf(rate)}/s for all clients together`] : []),
    ...(requests > 0 ? [`${requests} requests a minute and client`] : []),
    ...(free === undefined ? [] : [`${free} % free`])
  ]
}

const timeOf = (seconds: number): string => new Date(Math.min(seconds, 8e12) * 1_000).toISOString().slice(0, 16).replace('T', ' ')

function sizeOf (bytes: number): string {
  return bytes < 1_048_576 ? `${Math.round(bytes / 1_024)} KB` : `${Math.round(bytes / 104_857.6) / 10} MB`
}
