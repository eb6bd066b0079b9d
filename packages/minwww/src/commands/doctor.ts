import { Option, type Command } from 'commander'
import { parseHostPort } from '../address.ts'
import { addCommonOptions, addRouterOptions, contextOf } from '../command.ts'
import type { Check } from '../doctor/doctor.ts'
import { UsageError } from '../errors.ts'

interface DoctorFlags { i2cpOption?: string[], router: string, allowPlainRemote?: boolean, patience: string, json?: true }

export function addDoctor (program: Command): void {
  const command = addRouterOptions(
    addCommonOptions(program.command('doctor').description('examine an I2CP router: what it can do, what is wrong, what to do about it'))
  )
    .option('--i2cp-option <NAME=VALUE...>', 'I2CP session option, for example inbound.length=1 (repeatable)')
    .addOption(new Option('--patience <SECONDS>', 'longest wait for tunnels').default('180'))
  command.action(async () => { await runDoctor(command) })
}

async function runDoctor (command: Command): Promise<void> {
  const flags = command.opts<DoctorFlags>()
  const router = parseHostPort(flags.router, '--router')
  const patience = Number(flags.patience)
  if (!(patience > 0 && patience <= 3600)) throw new UsageError('--patience: give seconds from 1 to 3600')
  const { logger, reporter, json } = await contextOf(command, {})
  if (!json) process.stderr.write(`examining the router at ${flags.router}; this may take some minutes\n`)
  const { examine } = await import('../doctor/doctor.ts')
  const { routerOptions } = await import('../router-options.ts')
  const { checks, router: seen } = await examine({
    router,
    session: {
      ...routerOptions(
        { router: flags.router, allowPlainRemote: flags.allowPlainRemote === true, i2cpOption: flags.i2cpOption ?? [] }, logger
      ),
      reconnect: false
    },
    tunnelPatience: patience * 1000,
    onCheck: check => { if (!json) process.stdout.write(`${lineOf(check)}\n`) }
  })
  const ok = checks.every(check => check.ok)
  reporter.ready({ ok, router: seen, checks }, [ok ? 'everything is well' : 'something is wrong; see the lines marked FAIL'])
  process.exitCode = ok ? 0 : 1
}

function lineOf ({ name, ok, detail, hint }: Check): string {
  const line = `${ok ? 'ok  ' : 'FAIL'}  ${name.padEnd(15)} ${detail}`
  return ok || hint === undefined ? line : `${line}\n      ${''.padEnd(15)} what to do: ${hint}`
}
