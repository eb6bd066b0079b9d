export * from './gzip.ts'
export * from './datagram1.ts'
export * from './datagram2.ts'
export * from './datagram3.ts'
