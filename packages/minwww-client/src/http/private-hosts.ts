import { BlockList, isIP } from 'node:net'

// One list for each family: node matches an IPv4 address against ::ffff:0:0/96 too.
const PRIVATE = { ipv4: new BlockList(), ipv6: new BlockList() }
const IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
  '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'
]
const IPV6 = [
  '::/96', '::ffff:0:0/96', '64:ff9b::/96', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'
]
for (const [list, family] of [[IPV4, 'ipv4'], [IPV6, 'ipv6']] as const) {
  for (const range of list) {
    const [address = '', bits = ''] = range.split('/')
    PRIVATE[family].addSubnet(address, Number(bits), family)
  }
}

/**
 * True for a host that is meant for this machine or its network: private addresses in any writing, localhost, .local,
 * names without a dot.
 */
export function isPrivateHost (host: string): boolean {
  let name: string
  try {
    name = new URL(`http://${host.includes(':') ? `[${host}]` : host}/`).hostname.replace(/^\[|\]$/g, '')
  } catch {
    return true
  }
  const family = isIP(name)
  if (family === 4) return PRIVATE.ipv4.check(name, 'ipv4')
  if (family === 6) return PRIVATE.ipv6.check(name, 'ipv6')
  return name === 'localhost' || !name.includes('.') || /\.(?:localhost|local|lan|home|internal|home\.arpa)$/.test(name)
}
