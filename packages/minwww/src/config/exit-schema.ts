import Type from './type.ts'

const list = (description: string, metavar: string) =>
  Type.Array(Type.String({ minLength: 1 }), { description, metavar, default: [], maxItems: 1024 })
const count = (description: string, value: number) =>
  Type.Integer({ description, metavar: 'N', default: value, minimum: 0, maximum: 10_000_000 })
const size = (description: string, metavar: string) =>
  Type.Number({ description, metavar, default: 0, minimum: 0, maximum: 10_000_000 })

/** Settings of `exit` that say what it passes on, to whom, and how much. All of them are read again on SIGHUP. */
export const EXIT_RULES = {
  ownAddress: list('public address of this machine behind NAT (repeatable)', 'ADDRESS'),
  denyAddress: list('more addresses never to connect to (repeatable)', 'CIDR[:PORT]'),
  methods: list('method to pass on (repeatable; default: all but TRACE)', 'METHOD'),
  sitePath: list(
    'methods allowed below a path of an own site; the longest path decides (repeatable): a.i2p/admin=none, a.i2p/form=GET,POST',
    'NAME/PATH=METHODS'
  ),
  denyContentType: list('media type of web responses to refuse, for example video/* (repeatable)', 'TYPE'),
  maxResponse: size('largest response, MB; 0: unlimited', 'MB'),
  maxRequest: size('largest request body, MB; 0: unlimited', 'MB'),
  limitClient: size('average data rate of one client, KB/s; 0: unlimited', 'KBPS'),
  clientRequests: count('requests of one client per minute; 10 times that per hour, 66 times per day; 0: unlimited', 3_000),
  clientPosts: count('POSTs and other unsafe requests of one client per 5 minutes; 0: unlimited', 120),
  totalRequests: count('requests of all clients per minute; 0: unlimited', 12_000),
  totalPosts: count('POSTs and other unsafe requests of all clients per 5 minutes; 0: unlimited', 1_200),
  newClients: count('new clients per minute; 0: unlimited', 240),
  clientStreams: Type.Integer({ description: 'streams of one client at once', metavar: 'N', default: 30, minimum: 1, maximum: 65_536 }),
  totalStreams: Type.Integer({ description: 'streams of all clients at once', metavar: 'N', default: 512, minimum: 1, maximum: 65_536 })
}

/** Those of them that make sense for a web site of one's own. */
export const SITE_RULES = {
  methods: EXIT_RULES.methods,
  maxRequest: EXIT_RULES.maxRequest,
  limitClient: EXIT_RULES.limitClient,
  clientRequests: EXIT_RULES.clientRequests,
  clientPosts: EXIT_RULES.clientPosts,
  totalRequests: EXIT_RULES.totalRequests,
  totalPosts: EXIT_RULES.totalPosts,
  newClients: EXIT_RULES.newClients,
  clientStreams: EXIT_RULES.clientStreams,
  totalStreams: EXIT_RULES.totalStreams
}

/** Settings of `exit` that hold as long as it runs. */
export const EXIT_SERVICE = {
  contact: Type.Optional(Type.String({
    description: 'how people reach you, for everybody who asks the exit what it is: an address of I2P, a key; printable ASCII without #',
    metavar: 'TEXT',
    minLength: 1,
    maxLength: 128
  })),
  hideField: list('field to remove from web responses, for example Server (repeatable)', 'FIELD'),
  drainTime: Type.Number({
    description: 'time after SIGTERM to finish what is under way, s',
    metavar: 'SECONDS',
    default: 1.2,
    minimum: 0,
    maximum: 3_600
  })
}
