import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core.ts'

const [SECOND, MINUTE, KIB, MIB] = [1_000, 60_000, 1_024, 1_048_576]

t.test('bounds of an exit as the reference states them', async t => {
  t.strictSame({ ...DEFAULT_CONFIG }, {
    // Sessions: ten minutes of silence end one; a clock may be 90 s off.
    sessionLife: 10 * MINUTE,
    maxSessions: 4_096,
    maxFreshSessions: 1_024,
    clockTolerance: 90 * SECOND,
    signatureChecks: 200,
    // Fetches, and what is told of those that take long.
    unvalidatedFetches: 50,
    unvalidatedBurst: 200,
    maxFetches: 512,
    maxFetchesPerSession: 96,
    fetchDeadline: 6 * MINUTE,
    workingAfter: 200,
    meetAfter: 20,
    meetTime: 80 * SECOND,
    workingEvery: 5 * SECOND,
    // Requests, uploads and tokens.
    maxRequest: 256 * KIB,
    maxRequestsPerSession: 1_024,
    maxUploads: 128,
    maxUploadsPerSession: 16,
    uploadPause: 5 * SECOND,
    maxTokens: 16_384,
    maxTokensPerClient: 1_024,
    tokenLife: 5 * MINUTE,
    // Answers that are remembered, and that wait.
    cacheTime: 90 * SECOND,
    cachePerSession: 4 * MIB,
    cacheTotal: 64 * MIB,
    pushCachePerSession: 4 * MIB,
    pushCacheTotal: 32 * MIB,
    maxPushesPerSession: 128,
    queuePerSession: 16 * MIB,
    queueTotal: 128 * MIB,
    // Rates.
    initialRate: 128 * KIB,
    initialDepth: 64,
    minRate: KIB,
    maxRate: 64 * MIB,
    depthTime: 250,
    minDepth: 16,
    maxDepth: 190,
    maxBacklog: 400,
    serverRate: 48 * MIB,
    limit: Infinity,
    messageBurst: 24,
    messageRate: 4_800,
    slowRate: 432 * KIB,
    // One reply.
    maxBursts: 6,
    replyFactor: 3,
    minReplyMessages: 6,
    retryAfter: 2,
    expiry: MINUTE
  })
})
