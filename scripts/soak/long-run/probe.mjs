// Loaded before a service of the long run: tells what the process holds when it is asked, and ends with who asks.
process.on('message', () => {
  globalThis.gc?.()
  process.send({ memory: process.memoryUsage(), resources: process.getActiveResourcesInfo() })
})
process.on('disconnect', () => process.exit(1))
process.channel.unref()
