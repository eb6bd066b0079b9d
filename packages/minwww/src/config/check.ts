import { SettingsError } from '../errors.ts'
import { environmentLayer, mergeLayers } from './load.ts'
import type { ConfigFile } from './file.ts'
import type { Layer } from './origin.ts'
import { Report, type Moment } from './report.ts'
import type { Section, Settings } from './schema.ts'

type Check<S extends Section> = (report: Report<Settings<S>>, moment: Moment) => Promise<void>

/** What a schema cannot say of the settings of each section. Loaded when it is needed: a proxy needs no code of an exit. */
const CHECKS: { readonly [S in Section]: () => Promise<Check<S>> } = {
  demo: async () => {
    const [{ checkBrowserSide }, { checkExitSide }] = await Promise.all([import('./check-proxy.ts'), import('./check-exit.ts')])
    return async (report, moment) => {
      await checkBrowserSide(report, moment)
      await checkExitSide(report, moment)
    }
  },
  router: async () => (await import('./check-router.ts')).checkRouterSection,
  exit: async () => (await import('./check-exit.ts')).checkExitSection,
  site: async () => (await import('./check-site.ts')).checkSiteSection,
  proxy: async () => (await import('./check-proxy.ts')).checkProxySection
}

/** Where settings come from. */
export interface Sources {
  file?: ConfigFile
  environment: NodeJS.ProcessEnv
  flags?: Layer
}

/**
 * The settings of a section in force, from defaults, file, environment and flags (the later wins).
 * @throws SettingsError with all that is wrong with any of them, and with the file's syntax and names
 */
export async function checkSettings<S extends Section> (section: S, sources: Sources, moment: Moment): Promise<Settings<S>> {
  const { file, environment, flags } = sources
  const report = new Report(mergeLayers(section, [file?.sections[section], environmentLayer(section, environment), flags]), file?.problems)
  const check = await CHECKS[section]()
  await check(report, moment)
  report.throwIfWrong()
  return report.settings
}

/**
 * The settings of every section, for `config`. Of a section that is neither in the file nor in the environment there is nothing to check.
 * @throws SettingsError with all that is wrong
 */
export async function checkAll (
  path: string | undefined, sections: readonly Section[], environment: NodeJS.ProcessEnv
): Promise<Array<readonly [Section, Settings<Section>]>> {
  const file = path === undefined ? { sections: {}, problems: [] } : await readFile(path)
  const problems: string[] = [...file.problems]
  const settings: Array<readonly [Section, Settings<Section>]> = []
  for (const section of sections) {
    try {
      settings.push([section, await checkSettings(section, { file: { ...file, problems: [] }, environment }, 'later')])
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new SettingsError(sortByLine(problems))
  return settings
}

/** Reads a configuration file. What parses it is loaded when there is one. */
export async function readFile (path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('./file.ts')
  return readConfigFile(path)
}

/** Problems of the file in its order; what has no line comes behind. */
function sortByLine (problems: readonly string[]): string[] {
  const lineOf = (problem: string): number => Number(/:(\d+): /.exec(problem)?.[1] ?? Infinity)
  return [...problems].sort((a, b) => lineOf(a) - lineOf(b) || 0)
}
