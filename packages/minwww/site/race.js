// Both begin in the same moment, past the browser's cache.
for (const frame of document.querySelectorAll('iframe')) frame.src = `${frame.dataset.src}?${Math.round(performance.timeOrigin)}`
