/** Preset dictionary of coding 1. */
export const DICTIONARY_ID = 1
export const DICTIONARY = Buffer.from('\r\naccept-encoding: gzip, deflate, br\r\n\r\n', 'latin1')
