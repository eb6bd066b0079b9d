import Type from './type.ts'

const list = (description: string, metavar: string) =>
  Type.Array(Type.String({ minLength: 1 }), { description, metavar, default: [], maxItems: 1024 })
const count = (description: string, value: number) =>
  Type.Integer({ description, metavar: 'N', default: value, minimum: 0, maximum: 10_000_000 })
const size = (description: string, metavar: string) =>
  Type.Number({ description, metavar, default: 0, minimum: 0, maximum: 10_000_000 })

/** Settings of `exit` that say what it passes on, to whom, and how much. All of them are read again on SIGHUP. */
export const EXIT_RULES = {
  ownAddress: list('public address of this machine that no interface shows, behind NAT (repeatable)', 'ADDRESS'),
  denyAddress: list('further addresses that are never connected to (repeatable)', 'CIDR[:PORT]'),
  methods: list('method that is passed on (repeatable; all but TRACE if none is given)', 'METHOD'),
  sitePath: list(
    'what may be asked of a part of an own site; the longest path decides (repeatable): a.i2p/admin=none, a.i2p/form=GET,POST',
    'NAME/PATH=METHODS'
  ),
  denyContentType: list('media type of responses of the web that is refused, for example video/* (repeatable)', 'TYPE'),
  maxResponse: size('largest response, MB; 0 is unlimited', 'MB'),
  maxRequest: size('largest body of a request, MB; 0 is unlimited', 'MB'),
  limitClient: size('bytes that one client gets on average, KB/s; 0 is unlimited', 'KBPS'),
  clientRequests: count('requests of one client a minute, ten times as many an hour, 66 times as many a day; 0 is unlimited', 3_000),
  clientPosts: count('POSTs and other unsafe requests of one client in 5 minutes; 0 is unlimited', 120),
  totalRequests: count('requests of all clients a minute; 0 is unlimited', 12_000),
  totalPosts: count('POSTs and other unsafe requests of all clients in 5 minutes; 0 is unlimited', 1_200),
  newClients: count('clients not seen before, a minute; 0 is unlimited', 240),
  clientStreams: Type.Integer({ description: 'streams of one client at once', metavar: 'N', default: 30, minimum: 1, maximum: 65_536 }),
  totalStreams: Type.Integer({ description: 'streams of all clients at once', metavar: 'N', default: 512, minimum: 1, maximum: 65_536 })
}

/** Settings of `exit` that hold as long as it runs. */
export const EXIT_SERVICE = {
  contact: Type.Optional(Type.String({
    description: 'how people reach you, for everybody who asks the exit what it is: an address of I2P, a key; printable ASCII without #',
    metavar: 'TEXT',
    minLength: 1,
    maxLength: 128
  })),
  hideField: list('response field of the web that is not passed on, for example Server (repeatable)', 'FIELD'),
  drainTime: Type.Number({
    description: 'longest time after SIGTERM in which what is under way is finished, s',
    metavar: 'SECONDS',
    default: 1.2,
    minimum: 0,
    maximum: 3_600
  })
}
