import type { Server } from 'node:http'
/** GET /bytes/N, POST /digest, POST /echo; not yet listening. */
export declare function createWebServer (): Server
