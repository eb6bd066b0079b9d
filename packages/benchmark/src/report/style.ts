/** The look of report.html: readable in light, in dark and on paper. Colours of designs differ in lightness too. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2328; --soft: #5b6770; --rule: #d8dee2; --panel: #f4f6f7; --warn: #8a4b00;
  --d0: #0b5fa5; --d1: #c05f00; --d2: #8d2f8f; --d3: #2c7a3d; --d4: #6b7780 }
@media (prefers-color-scheme: dark) { :root { --paper: #14191d; --ink: #e4e9ec; --soft: #9aa7b0; --rule: #333d44; --panel: #1c2328;
  --warn: #f0b060;
  --d0: #62b4f5; --d1: #f2a04e; --d2: #d990db; --d3: #7acb8b; --d4: #a9b5bd } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .5rem } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--rule);
  padding-top: 1rem }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .3rem } h4 { font-size: .95rem; margin: 1rem 0 .2rem }
p, li { max-width: 46rem } .soft { color: var(--soft) } .warn { color: var(--warn); font-weight: 600 }
code { font-size: .9em; overflow-wrap: anywhere }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; margin: .5rem 0 }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap }
th:first-child, td:first-child, .named :nth-child(2) { text-align: left } th { font-weight: 600; color: var(--soft);
  white-space: normal; vertical-align: bottom } a { color: var(--d0) }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }
figure { margin: 0 0 1rem; max-width: 100%; overflow-x: auto } figcaption { font-size: .9rem; color: var(--soft) }
nav ol { padding-left: 1.4rem } nav li { margin: .4rem 0 }
.verdict { margin: .2rem 0 .5rem; padding-left: 1.1rem } h2 + .verdict { font-weight: 600 }
.verdict li { margin: .1rem 0 }
svg { display: block; max-width: 100%; height: auto; font: 12px system-ui, sans-serif }
svg text { fill: var(--ink) } svg .axis { fill: var(--soft) } .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px }
.grid { stroke: var(--rule); stroke-width: 1 } .lifeline { stroke: var(--soft); stroke-width: 1.5 } .done { stroke: var(--ink);
  stroke-width: 1.5; stroke-dasharray: 4 3 }
.d-minwww, .d-0 { --c: var(--d0) } .d-streaming, .d-streaming-warm, .d-1 { --c: var(--d1) }
  .d-java, .d-streaming-cold, .d-2 { --c: var(--d2) }
.d-i2pd, .d-minwww-single, .d-3 { --c: var(--d3) } .d-4 { --c: var(--d4) }
.fill { fill: var(--c, var(--d4)) } .line { stroke: var(--c, var(--d4)); fill: none; stroke-width: 2 }
  .bar { stroke: var(--c, var(--d4)); stroke-width: 2; opacity: .75 }
.open { fill: var(--paper); stroke: var(--c, var(--d4)); stroke-width: 2 }
.arrow { stroke-width: 1.2; stroke: var(--d4) } .arrow.critical { stroke: var(--d0); stroke-width: 2.2 }
  .arrow.ack { stroke-dasharray: 2 3 } .arrow.lost { stroke: var(--warn) }
.head { fill: var(--d4) } .head.critical { fill: var(--d0) }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .9rem; margin: .5rem 0 } .legend svg { display: inline-block;
  vertical-align: -2px }
@media screen and (max-width: 42rem) { body { padding: 1rem } .wide { overflow: visible } thead { display: none }
  table, tbody, tr, td { display: block } tr { padding: .4rem 0; border-bottom: 1px solid var(--rule) }
  td, .named td:nth-child(2) { display: flex; justify-content: space-between; gap: 1rem; text-align: right; padding: 0; border: 0;
    white-space: normal }
  td:first-child { font-weight: 600 } td::before { content: attr(data-name); color: var(--soft); font-weight: 400; text-align: left }
  td.none { display: none } .drawings svg { max-width: none } }
@page { size: A4; margin: 12mm }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --panel: #fff; --warn: #000;
    --d0: #0b5fa5; --d1: #c05f00; --d2: #8d2f8f; --d3: #2c7a3d; --d4: #6b7780 }
  body { max-width: none; padding: 0; font-size: 9pt; line-height: 1.3 }
  h1 { font-size: 15pt } h2 { font-size: 12pt; margin: .8rem 0 .2rem; padding-top: .4rem } h3 { margin: .5rem 0 .1rem; font-size: 10pt }
  h4 { margin: .4rem 0 .1rem; font-size: 9pt } p { max-width: none; margin: .25rem 0 } .legend { margin: .2rem 0 }
  .plots { display: grid; grid-template-columns: 1fr 1fr; gap: .2rem .6rem } figure { margin: 0; overflow: visible; font-size: 8pt }
  figcaption { font-size: 8pt } .wide { overflow: visible } .plots svg { width: 100% }
  .wide table { font-size: 7pt; width: 100%; margin: .2rem 0 } .wide th, .wide td { white-space: normal; padding: .08rem .35rem .08rem 0 }
  figure, tr { break-inside: avoid } h2, h3, h4 { break-after: avoid } thead { display: table-header-group }
  details.screen { display: none } a { color: inherit }
}
`
