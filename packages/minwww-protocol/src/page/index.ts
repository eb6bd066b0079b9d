/**
 * @minwww/protocol/page: what a page needs, read from HTML, style sheets and Link fields. Without I/O, and bounded, whatever
 * the page is.
 */
export { charsetOf, decoderFor } from './charset.ts'
export { readStyleSheet } from './css.ts'
export type { PageNames, PageStyles } from './css.ts'
export { Fonts } from './fonts.ts'
export type { Face, FontRule } from './fonts.ts'
export { PageReader } from './html.ts'
export { cookieAfter } from './cookies.ts'
export { needsOf } from './needs.ts'
export type { Needs } from './needs.ts'
export { ACCEPT_HTML, ACCEPT_IMAGE, ACCEPT_STYLE, fieldsFor, mayNeed, mayPush } from './request.ts'
export type { AskedPage } from './request.ts'
export { readLinkFields } from './link-field.ts'
export { MAX_REFERENCE, MAX_REFERENCES, References } from './references.ts'
export type { Kind, Reference } from './references.ts'
