import type { Command } from 'commander'
import type { LocalDestination } from '@minwww/i2cp'
import { addCommonOptions, contextOf } from '../command.ts'
import { CliError, explain } from '../errors.ts'

export function addKeys (program: Command): void {
  const keys = program.command('keys').description('make and read key files: a Destination and its private keys')
  const fresh = addCommonOptions(keys.command('new').description('make new keys; an existing file is left alone').argument('<FILE>'))
  fresh.action(async (file: string) => {
    const { exists } = await import('../key-file.ts')
    if (await exists(file)) throw new CliError('MINWWW_FILE_EXISTS', `${file}: exists already and is not overwritten; name another file`)
    const { LocalDestination, saveKeys } = await import('@minwww/i2cp')
    const local = LocalDestination.generate()
    await saveKeys(file, local).catch((error: unknown) => { throw explain(error, file) })
    await print(fresh, local)
  })
  const show = addCommonOptions(keys.command('show').description('print the Destination of a key file').argument('<FILE>'))
  show.action(async (file: string) => { await print(show, await load(file)) })
  const save = addCommonOptions(
    keys.command('export').description('print the public Destination in base64, to be given to others').argument('<FILE>')
  )
  save.action(async (file: string) => {
    const { base64 } = (await load(file)).destination
    const { reporter } = await contextOf(save, {})
    reporter.ready({ destination: base64 }, [base64])
  })
}

async function load (file: string): Promise<LocalDestination> {
  const { readKeys } = await import('../key-file.ts')
  return await readKeys(file)
}

async function print (command: Command, { destination }: LocalDestination): Promise<void> {
  const { base64, b32, signingType, signingPublicKey } = destination
  const { encodeB33 } = await import('@minwww/i2cp')
  const b33 = encodeB33({ signingType, signingPublicKey })
  const { reporter } = await contextOf(command, {})
  reporter.ready(
    { destination: base64, b32, b33 },
    [`b32          ${b32}`, `b33          ${b33} (with i2cp.leaseSetType=5)`, `destination  ${base64}`]
  )
}
