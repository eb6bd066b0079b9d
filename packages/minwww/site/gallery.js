// How long the page took, from its first request to the last picture, by the browser's own clock.
addEventListener('load', () => {
  const ends = performance.getEntriesByType('resource').map(entry => entry.responseEnd)
  document.getElementById('time').textContent = `${(Math.max(...ends) / 1000).toFixed(1)} s`
})
