// Which proxy a Go program of the host would use for an https URL: HTTPS_PROXY and NO_PROXY by Go's rules.
import { cidrContains, isLoopback, parseCidr, parseIp } from '../util/net.ts';

type Environment = Readonly<Record<string, string>>;

/** The upper-case variable goes first, as in Go's http.ProxyFromEnvironment. */
function variable(environment: Environment, name: string): string {
  return environment[name.toUpperCase()] || environment[name] || '';
}

/** The proxy for `https://host:port`, undefined for a direct way. @throws TypeError when HTTPS_PROXY is not a URL */
export function proxyFor(host: string, port: number, environment: Environment): string | undefined {
  const proxy = variable(environment, 'https_proxy');
  if (proxy === '' || isDirect(host.toLowerCase(), port, variable(environment, 'no_proxy'))) return undefined;
  const url = new URL(/^[a-z0-9]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
  return `${url.protocol}//${url.host}`;
}

function isDirect(host: string, port: number, noProxy: string): boolean {
  const ip = parseIp(host);
  if (host === 'localhost' || (ip !== undefined && isLoopback(ip))) return true;
  return noProxy
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry, host, port));
}

/** One entry of NO_PROXY: `*`, a range, an address, or a domain; address and domain may end in `:port`. */
function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const ip = parseIp(host);
  const range = parseCidr(entry);
  if (range !== undefined) return ip !== undefined && cidrContains(range, ip);
  const { name, port: wanted } = splitPort(entry);
  if (wanted !== undefined && wanted !== port) return false;
  const address = parseIp(name);
  if (address !== undefined) return ip?.family === address.family && ip.value === address.value;
  const domain = name.replace(/^\*?\./, '');
  // `.example.com` and `*.example.com` do not match example.com itself; `example.com` does.
  return host.endsWith(`.${domain}`) || (domain === name && host === domain);
}

function splitPort(entry: string): { name: string; port?: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(entry);
  if (match === null) return { name: entry.replace(/^\[|\]$/g, '') };
  return { name: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}
