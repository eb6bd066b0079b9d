// Shows how long this page and what it needs took, measured by the browser itself.
addEventListener('load', () => {
  const place = document.getElementById('timing')
  if (!place) return
  const [page] = performance.getEntriesByType('navigation')
  const rows = [page, ...performance.getEntriesByType('resource')].filter(Boolean)
  for (const entry of rows) {
    const row = place.insertRow()
    row.insertCell().textContent = new URL(entry.name).pathname
    const time = row.insertCell()
    time.className = 'number'
    // What a cache of the browser had came through nothing.
    const cached = entry.transferSize === 0 && entry.encodedBodySize > 0
    time.textContent = cached ? 'from the cache' : `${Math.round(entry.responseEnd - entry.startTime)} ms`
    const size = row.insertCell()
    size.className = 'number'
    size.textContent = entry.encodedBodySize ? `${entry.encodedBodySize} B` : ''
  }
})
