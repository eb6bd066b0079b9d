// The web server of the benchmark on the port that the argument names, until a signal ends it: behind the routers' own tunnels.
import { startSite } from '../src/worlds/site.ts'

await startSite(Number(process.argv[2]))
