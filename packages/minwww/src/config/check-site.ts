import { parseOrigin } from '../address.ts'
import { UsageError } from '../errors.ts'
import { checkConsole, checkDestinations, checkKeys, checkMethod } from './check-exit.ts'
import { checkRouterAccess } from './check-router.ts'
import type { Moment, Report } from './report.ts'
import type { Settings } from './schema.ts'

/** The settings of `site`. */
export async function checkSiteSection (report: Report<Settings<'site'>>, moment: Moment): Promise<void> {
  const { settings } = report
  await checkRouterAccess(report)
  await checkKeys(report)
  if (moment === 'start' && settings.keys === undefined) {
    report.missing('no key file is named; give --keys FILE: that of your I2PTunnel or i2pd server tunnel keeps its address')
  }
  await report.each('target', parseOrigin)
  if (moment === 'start' && settings.target === undefined) {
    report.missing('no web server is named; give --target HOST:PORT, for example 127.0.0.1:7658')
  }
  await report.each('host', (value, name) => {
    if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:\d{1,5})?$/.test(value)) {
      throw new UsageError(`${name}: '${value}' is not a host, for example mysite.i2p`)
    }
  })
  await checkConsole(report, moment)
  await checkDestinations(report)
  await report.each('methods', checkMethod)
}
