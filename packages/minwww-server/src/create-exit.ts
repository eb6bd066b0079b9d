import { ServerError } from './errors.ts'
import { startExit, type Exit } from './exit/exit.ts'
import type { ExitOptions } from './exit/options.ts'

/**
 * Starts an exit on a session. It answers from the moment this resolves until `close`.
 *
 * @throws ServerError MINWWW_EXIT_BAD_OPTION
 */
export async function createExit (options: ExitOptions): Promise<Exit> {
  const core = options.createCore?.(options.session)
  if (core === undefined) throw new ServerError('MINWWW_EXIT_BAD_OPTION', 'no core')
  return startExit(options, core)
}
