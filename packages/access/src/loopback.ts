import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

/** @returns whether a host of a URL, such as `localhost` or `[::1]`, is this machine by its name alone */
export function isLoopbackHost (host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase()
  return isIP(name) ? isLoopbackAddress(name) : name === 'localhost' || name.endsWith('.localhost') // RFC 6761, 6.3
}

/**
 * Whether a request comes from this machine and was meant for it. A browser on this machine also sends the requests of web
 * pages from elsewhere, whose names may resolve to 127.0.0.1 (DNS rebinding): their Host is the name of the page.
 *
 * @param address of the client's side of the connection
 * @param host value of the header Host
 */
export function isForLoopback (address: string | undefined, host: string | undefined): boolean {
  const url = `http://${host}`
  return address !== undefined && isLoopbackAddress(address) &&
    host !== undefined && URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}

function isLoopbackAddress (address: string): boolean {
  return loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4') // also ::ffff:127.0.0.1
}
