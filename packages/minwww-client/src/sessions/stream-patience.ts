/** What does not answer within so many round trips of its path is given up where somebody else may be asked. */
const ROUND_TRIPS = 10

/** How long a stream is waited for that nobody needs to wait for, ms: ten round trips, but so many ms at least. */
export const streamPatience = (roundTrip: number, least: number): number => Math.max(least, ROUND_TRIPS * roundTrip)
