export * from './gzip.ts'
export * from './datagram2.ts'
