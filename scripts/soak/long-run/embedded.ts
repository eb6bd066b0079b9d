import { connect } from 'node:net'
import { join } from 'node:path'
import { openLink } from './link.ts'
import type { Options } from './options.ts'
import { Service } from './service.ts'
import { tunnelsStand } from './witness.ts'
import { EXITS, faultsOf, freePort, startParty, watch, type Party, type World } from './world.ts'

const NETWORK = ['--latency', '80', '--jitter', '15', '--loss', '0.5']

/** One embedded router, which is the whole network, with all of its clients behind links that can be cut. */
export async function startEmbedded (folder: string, origin: string, options: Options): Promise<World> {
  const port = await freePort()
  const router = new Service(
    'router', join(folder, 'router'), ['router', '--i2cp', `127.0.0.1:${port}`, ...NETWORK, '--seed', String(options.seed)]
  )
  await router.start()
  const links = await Promise.all(Array.from({ length: EXITS + 1 }, async () => await openLink(() => connect(port, '127.0.0.1'))))
  const end = async (party?: Party): Promise<void> => {
    await Promise.all([party?.proxy, ...party?.exits ?? []].map(async service => await service?.stop()))
    for (const link of links) link.close()
    await router.stop()
  }
  try {
    const party = await startParty(folder, origin, options, index => links[index]!.address)
    return {
      proxy: party.proxy.json.proxy!,
      watched: [party.proxy, ...party.exits, router].map(watch),
      faults: [
        {
          name: 'router killed',
          weight: 2,
          begin: async () => await router.kill('SIGKILL'),
          end: async () => await router.start(),
          usable: async signal => await tunnelsStand(() => connect(port, '127.0.0.1'), {}, signal)
        },
        {
          name: 'router paused', weight: 1, begin: async () => await router.kill('SIGSTOP'), end: async () => await router.kill('SIGCONT')
        },
        ...links.map(
          ({ cut }, index) => ({ name: `session of ${index === 0 ? 'proxy' : `exit ${index}`} cut`, weight: 1, begin: cut, end: () => {} })
        ),
        ...faultsOf(party)
      ],
      close: async () => await end(party)
    }
  } catch (error) {
    await end()
    throw error
  }
}
