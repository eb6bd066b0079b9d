// The same with require().
const { createI2p } = require('@minwww/http')
const { createLocalRouter } = require('@minwww/local-router')

async function main () {
  const router = createLocalRouter({ latency: 1 })
  const site = await createI2p({ router })
  site.createServer((request, response) => response.end(request.url)).listen(80)
  const i2p = await createI2p({ router })
  const fetched = await (await i2p.fetch(`http://${site.address}/fetch`)).text()
  await i2p.close()
  await site.close()
  await router.close()
  console.log(JSON.stringify({ fetched }))
}

main()
