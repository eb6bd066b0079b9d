/** What a page and its style sheets ask for, rule by rule: HTML and CSS as browsers read them (CSS Fonts 4, section 5.2). */
import t from 'tap'
import { isForScreens, readStyleSheet } from '../src/page/css.ts'
import { Fonts, type Face } from '../src/page/fonts.ts'
import { PageReader } from '../src/page/html.ts'
import { References } from '../src/page/references.ts'

const HERE = 'http://site.i2p/dir/'
const short = (found: References): string[] => found.sorted.map(({ url, kind }) => `${kind} ${url.replace(HERE, '')}`)

function page (html: string): string[] {
  const reader = new PageReader(`${HERE}page.html`)
  reader.write(html)
  reader.end()
  return reader.found.map(({ url, kind }) => `${kind} ${url.replace(HERE, '')}`)
}

function style (css: string, names?: string[]): string[] {
  const found = new References(`${HERE}page.html`)
  readStyleSheet(css, found, names === undefined ? undefined : { names: new Set(names), fonts: new Fonts() })
  return short(found)
}

const face = (url: string, weights: readonly [number, number], isItalic = false, family = 'a'): Face => ({ family, url, weights, isItalic })

/** The faces that are asked for where rules name the family `a` with these weights (NaN: none). */
function asked (faces: readonly Face[], weights: readonly number[], o: {
  names?: string[],
  isItalic?: boolean,
  general?: number
} = {}): string {
  const fonts = new Fonts()
  for (const each of faces) fonts.addFace(each)
  if (o.general !== undefined) fonts.addRule({ families: [], weight: o.general, isItalic: false })
  for (const weight of weights) {
    fonts.addRule({
      families: ['a'],
      weight: Number.isNaN(weight) ? undefined : weight,
      isItalic: o.isItalic ?? false
    })
  }
  return fonts.take(new Set(o.names ?? [])).join()
}

t.test('the face of another weight: from 400 to 500 first up to 500, then lighter, then heavier', async t => {
  const faces = (...weights: number[]): Face[] => weights.map(weight => face(`${weight}`, [weight, weight]))
  for (const [weights, wanted, taken] of [
    [[400, 700], 400, 400], [[300, 500], 400, 500], [[300, 600], 400, 300], [[600, 700], 400, 600], [[450, 500], 420, 450], [[100, 300],
      450, 300],
    [[501, 300], 450, 300], [[400, 500], 500, 500], [[400, 600], 500, 400], [[500, 600, 900], 501, 600], [[500, 300], 700, 500], [[100,
      900], 600, 900],
    [[100, 300], 200, 100], [[400, 300], 200, 300], [[400, 600], 399, 400], [[300, 500], 399, 300], [[100, 400], 300, 100]
  ] as const) t.equal(asked(faces(...weights), [wanted]), `${taken}`, `${weights.join(' or ')} for ${wanted}`)
  const variable = [face('range', [200, 600]), face('bold', [700, 700])]
  t.strictSame([200, 600, 650, 100, 700].map(weight => asked(variable, [weight])), ['range', 'range', 'bold', 'range', 'bold'])
  t.equal(asked([face('latin', [400, 400]), face('greek', [400, 400]), face('bold', [700, 700])], [400]), 'latin,greek',
    'all that are as near')
})

t.test('a family without a weight has that of its text: normal, what other rules say, bold where the page has bold elements', async t => {
  const faces = [100, 400, 700, 900].map(weight => face(`${weight}`, [weight, weight]))
  t.equal(asked(faces, [NaN]), '400')
  for (const name of ['b', 'strong', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6']) {
    t.equal(asked(faces, [NaN], { names: [name] }), '400,700',
      name)
  }
  t.equal(asked(faces, [NaN], { general: 900 }), '400,900')
  t.equal(asked(faces, [100], { general: 900, names: ['b'] }), '100', 'one that says its own has that alone')
  t.equal(asked(faces, [NaN, 100]), '400,100')
  const fonts = new Fonts()
  for (const each of faces) fonts.addFace(each)
  fonts.addRule({ families: ['a'], isItalic: false })
  t.strictSame([fonts.take(undefined), fonts.take(undefined)], [['400', '700'], []], 'every element may be there; each is told once')
})

t.test('slanted faces are asked for where something slants, and where there are no others', async t => {
  const faces = [face('upright', [400, 400]), face('italic', [400, 400], true), face('bold-italic', [700, 700], true)]
  t.equal(asked(faces, [NaN]), 'upright')
  for (const name of ['i', 'em', 'cite', 'dfn', 'var', 'address']) t.equal(asked(faces, [NaN], { names: [name] }), 'upright,italic', name)
  t.equal(asked(faces, [700], { isItalic: true }), 'upright,bold-italic')
  t.equal(asked(faces.slice(1), [400]), 'italic')
  const other = new Fonts()
  for (const each of faces) other.addFace(each)
  other.addRule({ families: ['a'], isItalic: true })
  other.addRule({ families: ['a'], isItalic: false })
  t.strictSame(other.take(new Set()), ['upright', 'italic'], 'once it slants it slants')
})

t.test('what is kept of fonts is bounded: names, faces, families and weights', async t => {
  const [fits, long] = ['f'.repeat(128), 'f'.repeat(129)]
  for (const [family, found] of [[fits, ['x']], [long, []]] as const) {
    const fonts = new Fonts()
    fonts.addFace(face('x', [400, 400], false, family))
    fonts.addRule({ families: [family], isItalic: false })
    t.strictSame(fonts.take(new Set()), found)
  }
  const faces = new Fonts()
  faces.addRule({ families: ['a'], isItalic: false })
  for (let i = 0; i < 258; i++) faces.addFace(face(`${i}`, [400, 400]))
  t.equal(faces.take(new Set()).length, 256)
  const families = new Fonts()
  for (let i = 0; i < 258; i++) families.addRule({ families: [`f${i}`], isItalic: false })
  for (const i of [0, 255, 256, 257]) families.addFace(face(`${i}`, [400, 400], false, `f${i}`))
  t.strictSame(families.take(new Set()), ['0', '255'])
  const weights = new Fonts()
  for (let i = 1; i <= 34; i++) {
    weights.addFace(face(`${i}`, [i, i]))
    weights.addRule({ families: ['a'], weight: i, isItalic: false })
  }
  t.equal(weights.take(new Set()).length, 32)
  const general = new Fonts()
  for (let i = 1; i <= 34; i++) {
    general.addFace(face(`${i}`, [i, i]))
    general.addRule({ families: [], weight: i, isItalic: false })
  }
  general.addRule({ families: ['a'], isItalic: false })
  t.strictSame(general.take(new Set()).at(-1), '31', 'and the normal one')
  const longest = new Fonts()
  longest.addFace(face('x', [400, 400]))
  longest.addRule({ families: [long, 'a'], isItalic: false })
  t.strictSame(longest.take(new Set()), ['x'], 'the others of its rule still count')
})

t.test('media for screens, and those that are none', async t => {
  for (const media of ['', 'screen', 'all', 'only screen', 'print, screen', 'not print', '(min-width: 9px)',
    'screen and (prefers-color-scheme: light)', 'printer', ' , ']) {
    t.ok(isForScreens(media), media)
  }
  for (const media of [
    'print', 'PRINT', 'only print', 'only  print', 'speech', 'aural', 'braille', 'embossed', 'tty', 'tv', 'projection', 'handheld',
    'not all', 'not screen',
    'not  screen', 'print and (x)', 'print, speech', '(prefers-color-scheme: dark)', 'screen and (prefers-color-scheme:dark)',
    '(prefers-color-scheme :  dark)'
  ]) t.notOk(isForScreens(media), media)
})

t.test('images of every property that shows one at once, and of no other', async t => {
  for (const name of [
    'background', 'background-image', 'list-style', 'list-style-image', 'border-image', 'border-image-source', 'content', 'mask',
    'mask-image',
    '-webkit-mask', '-webkit-mask-image', 'BACKGROUND'
  ]) t.strictSame(style(`p { ${name}: x url(a.png) }`), ['image a.png'], name)
  for (const name of ['cursor', 'src', 'filter', '--x', 'backgrounds']) t.strictSame(style(`p { ${name}: url(a.png) }`), [], name)
  t.strictSame(style('p { background: url(a.png), url("b.png"), URL( c.png ) }'), ['image a.png', 'image b.png', 'image c.png'])
  for (const set of ['image-set', '-webkit-image-set',
    'IMAGE-SET']) t.strictSame(style(`p { background: ${set}(url(a.png) 1x, url(b.png) 2x) }`), [])
  t.strictSame(style('p { background: "a.png" } q { background: x("b.png") }'), [], 'a string is no address here')
  t.strictSame(style('background: url(a.png); p { background: url(b.png)'), [], 'outside of a rule, or without an end')
  t.strictSame(style('p { /* background: url(a.png) */ color: red; background: url(b.png) /* x */ ; }'), ['image b.png'])
})

t.test('imports: at the front, for screens', async t => {
  t.strictSame(style('@import "a.css"; @IMPORT url(b.css); @import url("c.css") screen;'), ['style a.css', 'style b.css', 'style c.css'])
  t.strictSame(style('@import "a.css" print; @import url(b.css) speech; @imports "c.css"; @import; @import x;'), [])
  t.strictSame(style('p { @import "a.css"; }'), [])
  t.strictSame(style('@media all { @import "a.css"; }'), [])
})

t.test('at-rules around rules: those that hold, and those that do not', async t => {
  const within = (prelude: string): string[] => style(`${prelude} { p { background: url(a.png) } }`)
  for (const prelude of ['@media screen', '@MEDIA all', '@media', '@supports (x: y)', '@layer a', '@container x', '@scope (p)']) {
    t.strictSame(within(prelude), ['image a.png'], prelude)
  }
  for (const prelude of ['@media print', '@media not all', '@page', '@keyframes x', '@font-feature-values x']) {
    t.strictSame(within(prelude),
      [], prelude)
  }
  t.strictSame(style('@media print { @media screen { p { background: url(a.png) } } } p { background: url(b.png) }'), ['image b.png'])
  const image = (name: string): string => `p { background: url(${name}.png) }`
  const deep = (depth: number): string[] => style(`${'@media all {'.repeat(depth)} ${image('a')} ${'}'.repeat(depth)} ${image('b')}`)
  t.strictSame([deep(31), deep(32)], [['image a.png', 'image b.png'], ['image b.png']])
})

t.test('a rule may apply if one of its selectors has only names that the page has', async t => {
  const names = ['p', 'a', '.there', '#id', 'div']
  const applies = (selector: string): boolean => style(`${selector} { background: url(a.png) }`, names).length > 0
  for (const selector of [
    'p', 'P', '.there', '#id', 'p.there', 'div > p', 'p#id a', 'x, p', 'p, x', '.no, .there', '*', 'p:first-child', 'p::before',
    'a:not(.gone)', 'p[title]',
    'p[title="x"]', ':is(.gone) p', 'p:hover, p', 'a:link'
  ]) t.ok(applies(selector), selector)
  for (const selector of [
    'x', '.p', '#p', '#there', '.id', '.There', 'p.gone', 'p x', 'x p', 'x, y', 'p x, .gone', 'a:hover', 'a:HOVER', 'p:active', 'p:focus',
    'p:focus-within', 'p:focus-visible', 'a:visited', 'p:checked', 'p:target', 'p:not(.a) x'
  ]) t.notOk(applies(selector), selector)
})

t.test('descriptions of a face', async t => {
  const faceOf = (descriptors: string, use = 'p { font-family: A }', names: string[] = ['p']): string[] =>
    style(`@font-face { font-family: A; ${descriptors} } @font-face { font-family: A; src: url(plain); font-weight: 900 } ${use}`, names)
  t.strictSame(faceOf('src: url(x)'), ['font x'])
  t.strictSame(faceOf('src: url(x); font-weight: bold'), ['font x'], '700 is nearer than 900')
  t.strictSame(faceOf('src: url(x); font-weight: 950', 'p { font: 400 1em A }'), ['font plain'])
  t.strictSame(faceOf('src: url(x); font-weight: 800 1000', 'p { font-weight: 950; font-family: A }'), ['font x'])
  t.strictSame(faceOf('src: url(x); font-weight: 0 2000 x', 'p { font: 400 1em A }'), ['font x'], 'weights that are none are passed by')
  for (const [range, isTaken] of [
    ['U+0000-00FF', true], ['U+0-7F', true], ['u+20', true], ['U+0041', true], ['U+61', true], ['U+00??', true], ['U+0100-024F', false],
    ['U+0400', false],
    ['U+4??', false], ['U+0100-02BA, U+2020, U+20A0-20AB', false], ['U+0020-007E', true], ['U+0370-03FF, U+0041', true]
  ] as const) t.strictSame(faceOf(`src: url(x); unicode-range: ${range}`), isTaken ? ['font x'] : ['font plain'], range)
  t.strictSame(faceOf('src: url(x); font-style: italic'), ['font plain'])
  t.strictSame(faceOf('src: url(x); font-style: oblique 10deg; font-weight: 900', undefined, ['p', 'em']), ['font plain', 'font x'])
  t.strictSame(style('@font-face { src: url(x) } p { font-family: A }'), [], 'of no family')
  t.strictSame(style('@font-face { font-family: A } p { font-family: A }'), [], 'without a file')
  t.strictSame(style('p { font-family: A; src: url(x) }'), [])
  t.strictSame(style('@font-face { font-family: " A b " ; src: url(x) } p { font-family: \'a B\' }'), ['font x'], 'in any case, and quotes')
})

t.test('which file of a list', async t => {
  const taken = (src: string): string => style(`@font-face { font-family: A; src: ${src} } p { font-family: A }`).join()
  for (const [src, url] of [
    ['url(a.woff2)', 'font a.woff2'], ['url(a.eot), url(b)', 'font b'], ['url(a.EOT?#x), url(b)', 'font b'], ['url(a.svg), url(b)',
      'font b'],
    ['url(a.svgz#x), url(b)', 'font b'], ['url(a.eotx)', 'font a.eotx'], ['url(a.eot) format("woff")', 'font a.eot'],
    ['url(a) format("embedded-opentype"), url(b)', 'font b'], ['url(a) format(svg), url(b)', 'font b'], ['url(a) FORMAT("svg"), url(b)',
      'font b'],
    ['url(a) format("svgx")', 'font a'], ['url(a) format("truetype")', 'font a'], ['url(data:x), url(b)', 'font b'], ['local(x, y), url(b)',
      'font b'],
    ['url(a) format("woff2", "x"), url(b)', 'font a'], ['local("x")', ''], ['', '']
  ] as const) t.equal(taken(src), url, src)
})

t.test('what `font` says', async t => {
  const faces = ['400', '700', '900'].map(weight => `@font-face { font-family: A; font-weight: ${weight}; src: url(${weight}) }`).join('') +
    '@font-face { font-family: A; font-style: italic; src: url(slanted) }'
  const uses = (font: string): string => style(`${faces} p { font: ${font} }`, ['p']).map(text => text.replace('font ', '')).join()
  for (const [font, found] of [
    ['12px A', '400'], ['bold 12px A', '700'], ['BOLD 12px A', '700'], ['900 1em/2 x, A', '900'], ['italic 12px A', '400,slanted'],
    ['oblique small A', '400,slanted'],
    ['bolder xx-large A', '700'], ['lighter 50% A', '400'], ['small-caps 900 medium A', '900'], ['smaller A', '400'], ['1001 12px A',
      '400'], ['0 12px A', '400'],
    ['900.5 12px A', '900'], ['inherit', ''], ['12px', '']
  ] as const) t.equal(uses(font), found, font)
  t.equal(style(`${faces} p { font-weight: 900; font: 12px A }`, ['p']).join(), 'font 900',
    'what was said before stands where it says none')
  t.equal(style(`${faces} p { --font: A }`, ['p']).join(), 'font 400', 'a property of one\'s own may be for fonts')
  t.equal(style(`${faces} p { font-family: x, "A" } p { font-weight: x }`, ['p']).join(), 'font 400')
})

t.test('elements of a page, and what each asks for', async t => {
  for (const [html, found] of [
    ['<script src=a></script>', 'script a'], ['<script src=a type=module></script>', 'script a'],
    ['<script src=a type=" text/javascript "></script>', 'script a'],
    ['<script src=a type=APPLICATION/x-javascript></script>', 'script a'], ['<script src=a type=text/ecmascript></script>', 'script a'],
    ['<script src=a type=text/plain></script>', ''], ['<script src=a type=xmodule></script>', ''], ['<script src=a type=modules></script>',
      ''],
    ['<script src=a nomodule></script>', ''], ['<script></script>', ''],
    ['<img src=a>', 'image a'], ['<img src=a loading=eager>', 'image a'], ['<img src=a loading=LAZY>', ''], ['<img src=a srcset="b 2x">',
      ''],
    ['<picture><img src=a></picture><img src=b>', 'image b'], ['<picture><picture></picture><img src=a></picture>', ''],
    ['</picture><img src=a>', 'image a'],
    ['<input type=IMAGE src=a>', 'image a'], ['<input type=text src=a>', ''], ['<input src=a>', ''], ['<video poster=a>', 'image a'],
    ['<video src=a>', ''],
    ['<body background=a>', 'image a'], ['<table background=a>', 'image a'], ['<table><tr><td background=a>', 'image a'],
    ['<p background=a>', ''],
    ['<p style="background: url(a)">', 'image a'], ['<p style="background: x">', ''], ['<p style="cursor: url(a)">', '']
  ] as const) t.equal(page(html).join(), found, html)
  for (const name of ['noscript', 'template', 'noframes', 'noembed', 'iframe', 'xmp', 'textarea', 'title']) {
    t.strictSame(page(`<${name}><img src=a></${name}><img src=b>`), ['image b'], name)
  }
  t.strictSame(page('<template><template></template><img src=a></template></template><img src=b>'), ['image b'])
})

t.test('links of a page, and when each is wanted', async t => {
  for (const [attributes, found] of [
    ['rel=stylesheet', 'style a'], ['rel="x StyleSheet"', 'style a'], ['rel=stylesheet type=" TEXT/css "', 'style a'],
    ['rel=stylesheet type=text/less', ''],
    ['rel=stylesheet disabled', ''], ['rel=stylesheet media=print', 'late-style a'], ['rel="alternate stylesheet"', 'late-style a'],
    ['rel=xstylesheet', ''],
    ['rel=preload as=style', 'style a'], ['rel=preload as=SCRIPT', 'script a'], ['rel=preload as=font', 'font a'], ['rel=preload as=image',
      'image a'],
    ['rel=preload as=fetch', 'other a'], ['rel=preload as=video', ''], ['rel=preload', ''], ['rel=preload as=image imagesrcset="b 2x"', ''],
    ['rel=preload as=style media=print', ''], ['rel=modulepreload', 'script a'], ['rel=icon', 'other a'], ['rel="shortcut icon"',
      'other a'],
    ['rel=icon media=print', ''], ['rel=next', ''], ['', ''], ['rel=preload as=style disabled', '']
  ] as const) t.equal(page(`<link href=a ${attributes}>`).join(), found, attributes)
  t.strictSame(page('<link rel=stylesheet><link rel=icon href=a><link rel=icon href=b>'), ['other a'], 'the first icon')
})

t.test('style elements, and where a page begins', async t => {
  t.strictSame(page('<style>p { background: url(a) }</style><style media=print>p { background: url(b) }</style><p>'), ['image a'])
  t.strictSame(page('<style>x { background: url(a) } p { background: url(b) }</style>p { background: url(c) }<p>'), ['image b'])
  t.strictSame(page('<noscript><style>p { background: url(a) }</style></noscript><p>'), [])
  t.strictSame(page('<base href=sub/><base href=other/><img src=a>'), ['image sub/a'])
  t.strictSame(page('<base><base href=https://x/><base href=sub/><img src=a>'), ['image a'],
    'the first that has an address, if it is one of plain http')
  t.strictSame(page('<base href="http://[x"><img src=a>'), ['image a'])
  const reader = new PageReader(`${HERE}page.html`)
  reader.write('<P id=Top class="one  two"><svg><Path></svg><noscript><u class=three>')
  reader.end()
  t.strictSame([...reader.names].toSorted(), ['#Top', '.one', '.three', '.two', 'noscript', 'p', 'path', 'svg', 'u'])
  t.equal(reader.styles.names, reader.names)
})

t.test('so much of a page is read, and of its styles', async t => {
  const after = (length: number): string[] => page(`${' '.repeat(length)}<img src=a>`)
  t.strictSame([after(1_048_576 - 8_192), after(1_048_576)], [['image a'], []])
  const deep = (depth: number): string[] => page(`${'<b>'.repeat(depth)}${' '.repeat(16_384)}<img src=a>`)
  t.strictSame([deep(1_023), deep(1_025)], [['image a'], []])
  const comment = (length: number): string => `/*${'x'.repeat(length - 4)}*/`
  const styled = (length: number): string[] => page(`<style>${comment(length)}</style><style>p { background: url(a) }</style><p>`)
  t.strictSame([styled(262_144 - 40), styled(262_144)], [['image a'], []])
})

t.test('so much of a style sheet is read, and so many errors of syntax are borne', async t => {
  const behind = (text: string): string[] => style(`${text}p { background: url(a) }`)
  const comment = (length: number): string => `/*${'x'.repeat(length - 4)}*/`
  t.strictSame([behind(comment(524_288 - 24)), behind(comment(524_288 - 20))], [['image a'], []])
  t.strictSame([behind('"\n;'.repeat(255)), behind('"\n;'.repeat(256))], [['image a'], []])
})

t.test('a rule may slant its text, and name what no list of names is for', async t => {
  const faces = '@font-face { font-family: A; src: url(up) } @font-face { font-family: A; font-style: italic; src: url(slanted) }'
  t.strictSame(style(`${faces} p { font-family: A; font-style: oblique }`, ['p']), ['font up', 'font slanted'])
  t.strictSame(style(`${faces} p { font-family: A; font-style: normal }`, ['p']), ['font up'])
  t.strictSame(style(`${faces} p { font-family: A } q { font-style: italic }`, ['p', 'q']), ['font up', 'font slanted'])
  t.strictSame(style(`${faces} p { color: A } p { -x: A }`, ['p']), [])
  t.strictSame(style('@font-face { font-family: A; src: url("a(b)") , url(c) }p { font-family: A }'), ['font a(b)'])
})
