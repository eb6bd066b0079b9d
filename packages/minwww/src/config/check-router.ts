import type { Moment, Report } from './report.ts'
import { checkPortIsFree } from './places.ts'
import type { Settings } from './schema.ts'
import { parseHostPort } from '../address.ts'
import { checkI2cpOption, checkRemote, parseRouter } from '../router-options.ts'

type RouterSettings = Pick<Settings<'exit'>, 'router' | 'allowPlainRemote' | 'i2cpOption'>

/** The settings by which `exit` and `proxy` reach their router. */
export async function checkRouterAccess (report: Report<RouterSettings>): Promise<void> {
  await report.each('router', (value, name) => { checkRemote(parseRouter(value, name), report.settings.allowPlainRemote, name) })
  await report.each('i2cpOption', checkI2cpOption)
}

/** The settings of `router`. */
export async function checkRouterSection (report: Report<Settings<'router'>>, moment: Moment): Promise<void> {
  await report.each('i2cp', async (value, name, origin) => {
    parseHostPort(value, name)
    if (moment === 'start') await checkPortIsFree(value, origin)
  })
}
