// What a page needs, as far as its text says so.
import { SeededRandom } from '@minwww/testkit'
import t from 'tap'
import { charsetOf, decoderFor, Fonts, MAX_REFERENCES, PageReader, readLinkFields, readStyleSheet, References } from '../src/page/index.ts'

const PAGE = 'http://site.i2p/dir/page.html'

function read (html: string, isUtf8 = true): string[] {
  const reader = new PageReader(PAGE, isUtf8)
  for (let at = 0; at < html.length; at += 7) reader.write(html.slice(at, at + 7))
  reader.end()
  return reader.found.map(({ url, kind }) => `${kind} ${url.replace('http://site.i2p', '')}`)
}

function style (css: string, names?: string[]): string[] {
  const found = new References(PAGE)
  readStyleSheet(css, found, names === undefined ? undefined : { names: new Set(names), fonts: new Fonts() })
  return found.sorted.map(({ url, kind }) => `${kind} ${url.replace('http://site.i2p', '')}`)
}

t.test('what every browser asks for at once, in the order in which it is needed', t => {
  t.strictSame(read(`<!doctype html><html><head>
    <link rel="stylesheet" href="a.css"><LINK REL='StyleSheet' HREF=/b.css?x=1&amp;y=2 media="screen, print">
    <link rel="icon" href="/icon.png"><link rel=icon href=second.png>
    <link rel="preload" as="font" href="f.woff2" crossorigin>
    <script src="a.js"></script><script src=m.js type=module async></script>
    <style>@import url("imported.css"); body { background: url(back.png) }</style></head>
    <body><img src="one.png"><img src=two.png#part loading=eager><input type=image src=three.png>
    <video poster=four.jpg></video><script src="late.js" defer></script></body>`), [
    'style /dir/a.css', 'style /b.css?x=1&y=2', 'style /dir/imported.css', 'script /dir/a.js', 'script /dir/m.js', 'script /dir/late.js',
    'font /dir/f.woff2', 'image /dir/one.png', 'image /dir/two.png', 'image /dir/three.png', 'image /dir/four.jpg', 'image /dir/back.png',
    'other /icon.png'
  ])
  t.end()
})

t.test('what a browser asks for later, or never', t => {
  t.strictSame(read(`<link rel=icon media=print href=p.ico>
    <link rel=stylesheet disabled href=d.css><link rel=stylesheet type=text/less href=l.less><link rel=canonical href=c.html>
    <link rel=preload as=image imagesrcset="a 1x" href=a.png><link rel=preload href=nothing>
    <img src=lazy.png loading=lazy><img src=s.png srcset="s.png 1x, t.png 2x"><picture><source srcset=w.webp><img src=w.png></picture>
    <noscript><img src=n.png></noscript><template><img src=t.png></template><textarea><img src=x.png></textarea>
    <script type="text/template" src=t.js></script><script nomodule src=old.js></script><script type=application/json src=d.json></script>
    <!-- <img src=comment.png> --><iframe src=frame.html></iframe><img src=""><img><img src="#top">
    <img src="data:image/png;base64,AAAA"><img src="javascript:alert(1)"><img src="https://site.i2p/s.png"><img src="ftp://a/b">
    <img src="http://user:word@site.i2p/a.png"><img src="http://[bad"><img src="page.html">
    <script>document.write("<img src=w.png>")</script>`), [])
  t.end()
})

t.test('addresses are relative to the base, once each, and in an encoding that is known', t => {
  const twice = '<base href="/other/"><base href="/second/"><img src=a.png><img src="./a.png"><img src="a.png#x">'
  t.strictSame(read(twice), ['image /other/a.png'])
  t.strictSame(read('<base href="https://site.i2p/x/"><img src=a.png>'), ['image /dir/a.png'])
  t.strictSame(read('<img src="ä.png"><img src="b.png">', false), ['image /dir/b.png'])
  t.strictSame(read('<img src="ä.png">'), ['image /dir/%C3%A4.png'])
  t.end()
})

t.test('style sheets: imports, images of rules that may apply, fonts that are used', t => {
  const css = `@charset "utf-8"; @import "a.css"; @import url(b.css) screen; @import url(p.css) print;
    @font-face { font-family: "Used One"; src: url(u.eot), url("u.woff2") format("woff2"), url(u.ttf) }
    @font-face { font-family: Unused; src: url(n.woff2) }
    @font-face { font-family: Used One; src: url(cyrillic.woff2); unicode-range: U+0400-045F }
    @media print { body { background: url(print.png) } }
    @media (min-width: 10px) { .there { background: #fff url('wide.png') no-repeat } }
    @media (prefers-color-scheme: dark) { body { background: url(dark.png) } }
    body, .none { font: 700 12px/1.5 "Used One", serif } a:hover { background: url(hover.png) } .gone #x { background: url(gone.png) }
    #it > li::before { content: url(before.png) } div[data-x] { background: url(attribute.png) } .none { cursor: url(cursor.cur) }
    .set { background: image-set(url(1x.png) 1x, url(2x.png) 2x) } /* url(comment.png) */`
  t.strictSame(style(css, ['body', 'a', '.there', '#it', 'li', 'div', '.set']), [
    'style /dir/a.css', 'style /dir/b.css', 'font /dir/u.woff2', 'image /dir/wide.png', 'image /dir/before.png', 'image /dir/attribute.png'
  ])
  t.ok(style(css).includes('image /dir/gone.png'), 'without a page every rule may apply')
  t.end()
})

t.test('style sheets for paper and for a choice are loaded, too, but last', t => {
  t.strictSame(read(`<link rel="stylesheet" media=print href=p.css><link rel="alternate stylesheet" href=alt.css><img src=i.png>
    <link rel=stylesheet href=a.css>`), ['style /dir/a.css', 'image /dir/i.png', 'late-style /dir/p.css', 'late-style /dir/alt.css'])
  t.end()
})

t.test('fonts: the first file of the last list that a browser can read', t => {
  const use = 'body { font-family: A }'
  for (const [sources, expected] of [
    [`src: url('f.eot?v=4'); src: url('f.eot?#iefix&v=4') format('embedded-opentype'), url("f.woff2?v=4") format('woff2'),
      url(f.woff) format(woff)`, 'f.woff2?v=4'],
    ['src: url(f.eot?) format("eot"), url(f.woff)', 'f.eot?'],
    ['src: local("A"), local(B), url(f.woff) format("woff"), url(f.woff2) format("woff2")', 'f.woff'],
    ['src: url(f.svg#x) format("svg"), url(f.ttf)', 'f.ttf'],
    ['src: url(f.woff2) format("woff2") tech(variations), url(g.woff2)', 'f.woff2'],
    ['src: url(f.eot)', undefined],
    ['src: url(data:font/woff2;base64,AAAA)', undefined],
    ['src: local(A)', undefined],
    ['src: url("http://[bad")', undefined]
  ] as const) {
    const found = style(`@font-face { font-family: A; ${sources} } ${use}`)
    t.strictSame(found, expected === undefined ? [] : [`font /dir/${expected}`], sources)
  }
  t.end()
})

t.test('fonts: the faces nearest to the weights and styles that the page has', t => {
  const face = (name: string, weight: string, style = 'normal'): string =>
    `@font-face { font-family: A; font-weight: ${weight}; font-style: ${style}; src: url(${name}) }`
  const icons = face('regular', '400') + face('solid', '900')
  const text = face('light', '300') + face('regular', 'normal') + face('semi', '600') + face('heavy', '800') +
    face('italic', '400', 'italic')
  for (const [css, names, expected] of [
    [`${icons} .fas { font: 900 1em A } .far { font-family: A; font-weight: 400 }`, ['.fas'], ['solid']],
    [`${icons} .fas { font-family: A; font-weight: 900 } .far { font-family: A; font-weight: 400 }`, ['.far'], ['regular']],
    [`${text} body { font-family: A }`, ['body'], ['regular']],
    [`${text} body { font-family: A }`, ['body', 'h1'], ['regular', 'heavy']],
    [`${text} body { font-family: A } h1 { font-weight: 500 }`, ['body', 'h1', 'em'], ['regular', 'heavy', 'italic']],
    [`${text} body { font: italic small-caps 200 12px/2 A }`, ['body'], ['light', 'italic']],
    [`${face('variable', '100 900')} body { font-family: A }`, ['body', 'strong'], ['variable']],
    [`${face('only', '400', 'italic')} body { font-family: A }`, ['body'], ['only']],
    [`${face('black', '900') + face('bold', '700')} body { font-family: A }`, ['body'], ['bold']],
    [`${face('thin', '100') + face('light', '300')} body { font-family: A }`, ['body'], ['light']],
    [`${text} body { font-family: B }`, ['body'], []]
  ] as const) t.strictSame(style(css, [...names]).toSorted(), expected.map(name => `font /dir/${name}`).toSorted(), css)
  t.end()
})

t.test('fonts: faces in one style sheet, and what uses them in another', t => {
  const fonts = new Fonts()
  const read = (css: string): string[] => {
    const found = new References(PAGE)
    readStyleSheet(css, found, { names: new Set(['body']), fonts })
    return found.sorted.map(({ url }) => url)
  }
  t.strictSame(read('@font-face { font-family: A; src: url(a) } @font-face { font-family: B; src: url(b) }'), [])
  t.strictSame(read('body { font-family: A }'), ['http://site.i2p/dir/a'])
  t.strictSame(read('body { font-family: A, B }'), ['http://site.i2p/dir/b'], 'each once')
  for (let index = 0; index < 300; index++) {
    const font = `font-family: F${index}; font-weight: ${index}`
    read(`@font-face { ${font}; src: url(${index}) } body { ${font} }`)
  }
  t.ok(read('body { font-family: A }').length === 0)
  t.end()
})

t.test('Link fields', t => {
  const found = new References(PAGE)
  readLinkFields([
    '</a.css>; rel=preload; as=style, <b.js>;rel="preload";as=script', '<c.js>; rel=modulepreload', '<d.css>; rel="stylesheet"',
    '<e>; rel=next',
    '<f.png>; rel=preload; as=image; imagesrcset="f 1x"', '<g.woff2>; crossorigin; rel = preload ; as = "font"', '<h>; rel=preload',
    'no link', '<', ''
  ], found)
  t.strictSame(found.sorted.map(({ url, kind }) => `${kind} ${url.replace('http://site.i2p', '')}`), [
    'style /a.css', 'style /dir/d.css', 'script /dir/b.js', 'script /dir/c.js', 'font /dir/g.woff2'
  ])
  t.end()
})

t.test('encodings', t => {
  for (const [type, start, charset] of [
    ['text/html; charset=ISO-8859-1', '', 'iso-8859-1'], ['text/html', '<meta charset="koi8-r">', 'koi8-r'],
    ['text/css', '@charset "latin1";', 'latin1'],
    ['text/html', '<meta http-equiv=x content="text/html; charset=Shift_JIS">', 'shift_jis'], ['text/html', '', 'utf-8'],
    ['text/html', '\xff\xfe<\0', 'utf-16le']
  ] as const) t.equal(charsetOf(type, Buffer.from(start, 'latin1')), charset)
  t.equal(decoderFor('koi8-r').isUtf8, false)
  t.equal(decoderFor('no-such-thing').decoder.encoding, 'windows-1252')
  t.ok(decoderFor('utf-8').isUtf8)
  t.end()
})

t.test('whatever a page is, it costs little and brings no more than its bound', t => {
  const many = Array.from({ length: 10_000 }, (_, index) => `<img src="${index}.png">`).join('')
  t.equal(read(many).length, MAX_REFERENCES)
  const random = new SeededRandom(1)
  const families = Array.from({ length: 256 }, (_, index) => `f${index}`)
  const cases = {
    deep: '<div>'.repeat(200_000),
    open: `<img src="${'x'.repeat(2_000_000)}`,
    tags: '<'.repeat(300_000),
    attributes: `<img ${'a=b '.repeat(200_000)}>`,
    entities: `<img src="${'&amp;'.repeat(300_000)}">`,
    styles: `<style>${'@import url(a.css);'.repeat(40_000)}</style>`,
    junk: Buffer.from(random.bytes(400_000)).toString('latin1'),
    templates: '<template>'.repeat(100_000),
    fonts: `<style>${families.map(name => `@font-face{font-family:${name};src:url(${name})}p{font-family:${name}}`).join('')}` +
      families.slice(0, 32).map((_, weight) => `p{font-weight:${weight + 1}}`).join('') +
      `</style>${'<p style="a:url(b)">'.repeat(20_000)}`,
    links: '<link rel=stylesheet href='.repeat(50_000)
  }
  for (const [name, html] of Object.entries(cases)) {
    const started = performance.now()
    const reader = new PageReader(PAGE)
    for (let at = 0; at < html.length; at += 65_536) reader.write(html.slice(at, at + 65_536))
    reader.end()
    const took = performance.now() - started
    t.ok(reader.found.length <= MAX_REFERENCES && took < 5_000, `${name} ${Math.round(took)} ms`)
  }
  const sheets = {
    large: 'a{b:url(c.png)}'.repeat(2_000_000),
    deep: '@media all{'.repeat(100_000),
    open: `a{background:url(${'x'.repeat(1_000_000)}`,
    selectors: `${'a,'.repeat(200_000)}b{background:url(c.png)}`,
    junk: Buffer.from(random.bytes(400_000)).toString('latin1'),
    quotes: '"'.repeat(300_000),
    digits: `a{font:${'1'.repeat(65_536)}}`,
    'digits in a name': `a{font:b${'1'.repeat(65_536)}}`,
    'digits in a string': `a{font:"${'1'.repeat(65_536)}`,
    strings: '"\n'.repeat(250_000),
    escapes: '\\\n'.repeat(250_000),
    links: '<'.repeat(16_000)
  }
  for (const [name, css] of Object.entries(sheets)) {
    const started = performance.now()
    t.ok(style(css, ['a']).length <= MAX_REFERENCES, name)
    readLinkFields([css], new References(PAGE))
    t.ok(performance.now() - started < 5_000, `${name} ${Math.round(performance.now() - started)} ms`)
  }
  t.end()
})

t.test('what is kept of a page is bounded, however much is in one place', t => {
  const reader = new PageReader(PAGE)
  reader.write(`<p id=a class="${Array.from({ length: 100_000 }, (_, index) => `c${index}`).join(' ')}"><p id=b class="d e f">`)
  reader.end()
  t.ok(reader.names.size < 8_200, `${reader.names.size} names`)
  const long = 'f'.repeat(200)
  t.strictSame(style(`@font-face{font-family:${long};src:url(long.woff2)}a{font-family:${long}}`), [])
  t.end()
})

t.test('fonts: `font` says style, weight and families around its size', t => {
  const faces = ['b', 'i'].map(name => `@font-face{font-family:"f ${name}";src:url(${name}.woff2)}`).join('') +
    '@font-face{font-family:"f b";font-weight:700;src:url(bold.woff2)}@font-face{font-family:"f b";font-style:italic;src:url(italic.woff2)}'
  t.strictSame(style(`${faces}p{font:italic bold 12px/1.5 "f b", serif}`, ['p']), ['font /dir/bold.woff2', 'font /dir/italic.woff2'])
  t.strictSame(style(`${faces}p{font:700 x-large "f i"}`, ['p']), ['font /dir/i.woff2'])
  t.strictSame(style(`${faces}p{font:12px Arial,'f i'}`, ['p']), ['font /dir/i.woff2'])
  t.strictSame(style(`${faces}p{font:inherit}`, ['p']), [])
  t.end()
})
