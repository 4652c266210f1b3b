// Reads what firewalld said: which TCP ports its running configuration lets in at an address of the host. Pure.
import { Said } from '../util/said.ts';
import { zoneShape } from '../util/shapes.ts';

/** TCP ports, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** firewalld as it runs. */
export interface Firewalld {
  /** The zone of the interface that has the address. */
  readonly zone: string;
  /** The TCP ports that this zone lets in from anywhere or from some sources. */
  readonly open: readonly PortRange[];
}

type Sections = ReadonlyMap<string, readonly string[]>;

/**
 * `firewalld`: `at ADDRESS` where one was asked about, `default ZONE`, `route INTERFACE` of the default route, `ip`'s lines of
 * addresses; `firewalld-zones`: what
 * `firewall-cmd --list-all-zones` printed; `firewalld-services`: `service NAME` and the tags of its file. Undefined where
 * firewalld did not answer.
 * @throws KbError KB_HOST_FACT
 */
export function parseFirewalld(sections: Sections, said: Said): Firewalld | undefined {
  const zones = readZones(sections.get('firewalld-zones') ?? []);
  const host = sections.get('firewalld') ?? [];
  const interfaces = interfacesOf(host);
  const byInterface = [...zones].find(([, zone]) => zone.interfaces.some((one) => interfaces.includes(one)));
  const [name, zone] = byInterface ?? [...zones].find(([one]) => one === lineOf(host, 'default')) ?? [];
  if (name === undefined || zone === undefined) return undefined;
  const services = readServices(sections.get('firewalld-services') ?? []);
  const ofServices = [...zone.services, ...zone.richServices].flatMap((service) => portsOf(service, services));
  const everything = zone.target === 'ACCEPT' ? [{ from: 0, to: 65_535 }] : [];
  return {
    zone: said.value('zone of firewalld', name, zoneShape),
    open: without([...everything, ...zone.ports, ...ofServices], zone.refused),
  };
}

function lineOf(lines: readonly string[], word: string): string | undefined {
  return lines
    .find((line) => line.startsWith(`${word} `))
    ?.slice(word.length + 1)
    .trim();
}

/** Interfaces with the address (`2: eth0    inet 10.0.0.1/24 …`), else that of the default route. */
function interfacesOf(lines: readonly string[]): readonly string[] {
  const address = lineOf(lines, 'at');
  const withAddress = lines.flatMap((line): string[] => {
    const [, name, found] = /^\d+:\s+(\S+?)(?:@\S+)?\s+inet6?\s+([^\s/]+)/.exec(line) ?? [];
    return name !== undefined && found === address ? [name] : [];
  });
  const route = lineOf(lines, 'route');
  return withAddress.length > 0 || route === undefined ? withAddress : [route];
}

interface Zone {
  target: string;
  interfaces: readonly string[];
  services: readonly string[];
  ports: readonly PortRange[];
  readonly richServices: string[];
  readonly refused: PortRange[];
}

/** Blocks of `NAME (active)` and indented `key: values`. */
function readZones(lines: readonly string[]): ReadonlyMap<string, Zone> {
  const zones = new Map<string, Zone>();
  let current: Zone | undefined;
  for (const line of lines) {
    const name = /^([^\s(]+)(?: \([a-z, ]+\))?$/.exec(line)?.[1];
    if (name !== undefined) {
      current = { target: '', interfaces: [], services: [], ports: [], richServices: [], refused: [] };
      zones.set(name, current);
      continue;
    }
    if (current === undefined) continue;
    const [, key = '', value = ''] = /^  ([a-z -]+): ?(.*)$/.exec(line) ?? [];
    const words = value.split(/\s+/).filter((word) => word !== '');
    if (key === 'target') current.target = value.trim();
    else if (key === 'interfaces') current.interfaces = words;
    else if (key === 'services') current.services = words;
    else if (key === 'ports') current.ports = [...current.ports, ...words.flatMap(portRange)];
    else if (/^\s+rule\s/.test(line)) readRule(line, current);
  }
  return zones;
}

/** `6443/tcp`, `30000-32767/tcp` */
function portRange(text: string): readonly PortRange[] {
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?\/tcp$/.exec(text) ?? [];
  return from === undefined ? [] : [{ from: Number(from), to: Number(to ?? from) }];
}

/**
 * A rich rule (firewalld.richlanguage(5)). One that accepts opens, also for some sources alone: who wrote it has thought of
 * who is to come in. One that refuses closes only where it is about everybody.
 */
function readRule(line: string, zone: Zone): void {
  const attribute = (tag: string, name: string): string =>
    new RegExp(`\\b${tag}\\b(?: \\w+="[^"]*")*? ${name}="([^"]*)"`).exec(line)?.[1] ?? '';
  const isPort = /(?<!-)\bport port="/.test(line);
  const ports = isPort ? portRange(`${attribute('port', 'port')}/${attribute('port', 'protocol')}`) : [];
  const service = attribute('service', 'name');
  // The action stands outside the quotes, behind all else.
  const action = /\b(accept|reject|drop)\b/.exec(line.replaceAll(/"[^"]*"/g, ''))?.[1];
  if (action === 'accept') {
    zone.ports = [...zone.ports, ...ports];
    if (service !== '') zone.richServices.push(service);
  } else if (action !== undefined && !/\b(?:source|destination)\b/.test(line.replaceAll(/"[^"]*"/g, ''))) {
    zone.refused.push(...ports);
  }
}

interface Service {
  readonly ports: PortRange[];
  readonly includes: string[];
}

function readServices(lines: readonly string[]): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  let current: Service | undefined;
  for (const line of lines) {
    const name = /^service (\S+)$/.exec(line)?.[1];
    const value = (key: string): string => new RegExp(`\\b${key}=["']([^"']*)["']`).exec(line)?.[1] ?? '';
    if (name !== undefined) {
      current = { ports: [], includes: [] };
      services.set(name, current);
    } else if (line.startsWith('<port ')) current?.ports.push(...portRange(`${value('port')}/${value('protocol')}`));
    else if (line.startsWith('<include ')) current?.includes.push(value('service'));
  }
  return services;
}

/** A service's ports with those of the services that it includes, each once. */
function portsOf(
  name: string,
  services: ReadonlyMap<string, Service>,
  seen: ReadonlySet<string> = new Set(),
): readonly PortRange[] {
  const service = services.get(name);
  if (service === undefined || seen.has(name)) return [];
  const more = new Set([...seen, name]);
  return [...service.ports, ...service.includes.flatMap((one) => portsOf(one, services, more))];
}

function without(open: readonly PortRange[], refused: readonly PortRange[]): readonly PortRange[] {
  return refused.reduce<readonly PortRange[]>(
    (left, no) =>
      left.flatMap(({ from, to }) => [
        ...(from < no.from ? [{ from, to: Math.min(to, no.from - 1) }] : []),
        ...(to > no.to ? [{ from: Math.max(from, no.to + 1), to }] : []),
      ]),
    open,
  );
}
