import { interleave } from '../measure.ts'
import type { Sample } from '../report/collector.ts'
import type { Waterfall } from '../report/types.ts'
import { browserMissing, loadPage, startBrowser, type Browser } from '../worlds/browser.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import type { Client, Design } from '../worlds/design.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { HEAVY_OBJECTS, OBJECTS, type PageName } from '../worlds/site.ts'
import { inNetworks, networksMissing } from './networks.ts'
import { warmUp, warmUpInWords } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

const LATENCY = 250
const QUICK_LATENCY = 100
const RUNS = 10
const QUICK_RUNS = 2
/** The heavy page takes several times as long: of so many loads of the page, one of it. */
const HEAVY_EVERY = 2
const MODEL_LOSSES = [0]
const ROUTERS = { hops: [3], latency: 10, losses: [0] }
const PAGES: ReadonlyArray<{ name: PageName, objects: readonly number[] }> = [
  { name: 'page', objects: OBJECTS }, { name: 'heavy', objects: HEAVY_OBJECTS }
]

/** Pages of 24 KB with ten pictures (189 KB) and with forty (1.8 MB) in Chromium: time to the load event, which has all of them. */
export const pages: Scenario = {
  name: 'pages',
  async missing ({ routers, latency = ROUTERS.latency, loss = ROUTERS.losses }) {
    return await browserMissing() ?? (routers === undefined ? undefined : await networksMissing({ kinds: routers, latency, losses: loss }))
  },
  async run (context) {
    const { settings: { routers }, out } = context
    const browser = await startBrowser()
    try {
      const objects = PAGES.map(({ objects }) => objects.length)
      Object.assign(
        out.options, { document: 24 * KB, objects, browser: browser.version(), warmUp: warmUpInWords(context.quick) }
      )
      out.note('The forwarders leave connections between browser and web server open, so a stream carries several requests, as with ' +
        'I2PTunnel since 0.9.62. Chromium asks one host for six things at a time. ' +
        'Without pushes: neither exit nor proxy asks ahead. Cold: a client with a new Destination for each page. ' +
        'With the pictures in its cache: only the page itself comes through I2P, which is the floor of what a push can reach.')
      if (routers === undefined) await overModel(context, browser)
      else await overRouters(context, browser, routers)
    } finally {
      await browser.close()
    }
  }
}

async function overModel (context: ScenarioContext, browser: Browser): Promise<void> {
  const { quick, seed, settings, out, progress } = context
  const { latency = quick ? QUICK_LATENCY : LATENCY, runs = quick ? QUICK_RUNS : RUNS, loss: losses = MODEL_LOSSES } = settings
  const java = javaMissing()
  if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
  Object.assign(out.options, { latency, losses, runs })
  for (const loss of losses) {
    progress('starting tunnels')
    const world = await openLocalWorld({
      network: { seed, latency, loss: loss / 100 }, designs: ['minwww', 'minwww-no-push', 'minwww-floor', 'streaming', 'java']
    })
    try {
      await measurePages(context, browser, world.designs, { conditions: { latency, loss }, runs })
    } finally {
      await world.close()
    }
  }
}

/** The same pages over a closed network; the routers' own tunnels are warm in every load. */
async function overRouters (context: ScenarioContext, browser: Browser, kinds: readonly RouterKind[]): Promise<void> {
  const { quick, settings, out } = context
  const { hops = ROUTERS.hops, latency = ROUTERS.latency, loss: losses = ROUTERS.losses, runs = quick ? QUICK_RUNS : RUNS } = settings
  Object.assign(out.options, { routers: kinds, hops, latency, losses, runs })
  await inNetworks(context, { kinds, hops, latency, losses, pages: true }, async (rivals, { kind, loss }) => {
    for (const length of new Set(rivals.map(rival => rival.length))) {
      const designs = rivals.filter(rival => rival.length === length).map(rival => ({ ...rival, openClient: rival.openFresh }))
      await measurePages(context, browser, designs, { conditions: { routers: kind, hops: length, latency, loss }, runs })
    }
  })
}

/** A design, and the name under which its site is asked for. */
interface Rival extends Pick<Design, 'design' | 'label' | 'isFloor'> {
  readonly host?: string
  openClient: () => Promise<Pick<Client, 'via' | 'close'>>
}

interface PagesPlan { conditions: Record<string, number | string>, runs: number }

async function measurePages (
  context: ScenarioContext, browser: Browser, designs: readonly Rival[], { conditions: path, runs }: PagesPlan
): Promise<void> {
  const { seed, signal, out, progress } = context
  const clients = new Map<Rival, Pick<Client, 'via' | 'close'>>()
  try {
    for (const design of designs) clients.set(design, await design.openClient())
    await Promise.all([...clients].map(async ([{ host }, client], i) => await warmUp(context, client, i, host)))
    const tasks = Array.from({ length: runs }, (_, round) => round)
      .flatMap(round => designs.flatMap(design => statesOf(design).flatMap(state => pagesOf(round).map(({ name, objects }) => ({
        round,
        run: async () => {
          const conditions = { objects: objects.length, ...path, state }
          const key = JSON.stringify([design.design, name, state, round, path])
          const { sample, waterfall } = await context.journal.remember(key, async () => {
            const client = state === 'warm' ? clients.get(design)! : await design.openClient()
            try {
              return await loadOnce(context, browser, { design, client, name, conditions, round })
            } finally {
              if (state === 'cold') await client.close()
            }
          })
          out.add(design, conditions, sample)
          if (waterfall !== undefined) out.waterfalls.push(waterfall)
        }
      })))))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${done} of ${total} pages`) })
  } finally {
    for (const client of clients.values()) await client.close()
  }
}

/** A client that is new has nothing in its cache. */
const statesOf = ({ isFloor }: Rival): string[] => isFloor === true ? ['warm'] : ['cold', 'warm']

function pagesOf (round: number): typeof PAGES {
  return round % HEAVY_EVERY === 0 ? PAGES : PAGES.slice(0, 1)
}

interface Load {
  design: Rival
  client: Pick<Client, 'via'>
  name: PageName
  conditions: Record<string, number | string>
  round: number
}

/** The first load of each page is shown in the report. */
async function loadOnce (
  { seed }: ScenarioContext, browser: Browser, { design: { design, label, host, isFloor }, client: { via }, name, conditions, round }: Load
): Promise<{ sample: Sample, waterfall?: Waterfall }> {
  const failure = (error: string): { sample: Sample } => ({ sample: { time: DEADLINE, error } })
  try {
    const page = {
      name,
      seed: `${seed}.${conditions.state}.${round}`,
      timeout: DEADLINE,
      ...(isFloor !== undefined && { isKept: isFloor }),
      ...(host !== undefined && { host })
    }
    // The first load fills the proxy's cache; that of the browser is empty in each.
    if (isFloor === true) await loadPage(browser, via, page)
    const { load, resources, failed } = await loadPage(browser, via, page)
    if (failed > 0) return failure(`${failed} pictures did not come`)
    const waterfall = {
      design, label, conditions, load: ms(load), resources: resources.map(one => ({ ...one, start: ms(one.start), end: ms(one.end) }))
    }
    return { sample: { time: load }, ...(round === 0 && { waterfall }) }
  } catch (error) {
    return failure((error as Error).message.split('\n', 1)[0] ?? 'failed')
  }
}

function ms (value: number): number {
  return Math.round(value * 10) / 10
}
