// Password-less login from one host to another: what is there, what is missing, and the scripts that add it. The
// private key is made on its host and never leaves it.
import { KbError, type Problem } from '../../errors.ts';
import { isLoopbackName } from '../../util/host-names.ts';
import { formatIp, parseIp } from '../../util/net.ts';
import { Said } from '../../util/said.ts';
import { isDnsSubdomain, pathShape, sshPublicKeyShape, userNameShape, type Shape } from '../../util/shapes.ts';
import { shortened } from '../failures.ts';
import type { Host, HostView } from '../host.ts';
import { judgeHostKeys, keyTypeOf, knownHostsName, parseKnownHosts, type KeyOwner } from './known-hosts.ts';
import { script, sh } from '../shell.ts';

/** The user who logs in, on the host it logs in from. */
export interface Source {
  readonly host: Host;
  readonly user: string;
  readonly home: string;
  /** `type base64` of the key that is there; undefined where there is none. */
  readonly publicKey: string | undefined;
  /** Its own known_hosts, and the system's there. */
  readonly knownHosts: string;
  readonly systemKnownHosts: string;
}

/** A host to log in to, as the source reaches it. */
export interface Destination {
  readonly host: Host;
  readonly user: string;
  readonly home: string;
  readonly address: string;
  readonly port: number;
  readonly hostname: string;
  readonly authorizedKeys: string;
  /** The host keys of its sshd, read over a connection whose key was checked. */
  readonly hostKeys: readonly Buffer[];
}

export type Outcome = 'created' | 'updated' | 'unchanged';

function trustProblem(host: HostView, detail: string, fix: string): Problem {
  return { code: 'KB_SSH_TRUST', summary: 'the login without a password was not set up', host: host.name, detail, fix };
}

const ownKey = '.ssh/id_ed25519';

/** What goes into another host's authorized_keys: a key and nothing that sshd reads as an option before it. */
const publicKeyShape: Shape = {
  words: sshPublicKeyShape.words,
  fits: (text) => {
    const [type, base64 = ''] = text.split(' ', 2);
    return sshPublicKeyShape.fits(text) && keyTypeOf(Buffer.from(base64, 'base64')) === type;
  },
};

/** The key that ssh-keygen printed, without its comment. @throws KbError KB_HOST_FACT */
function publicKeyOf(host: HostView, line: string): string {
  const said = new Said();
  const key = said.value('public key', /^[^ ]* [^ ]*/.exec(line)?.[0] ?? line, publicKeyShape);
  return ended(said, host, key);
}

/** A value once everything that was read with it has its shape. */
function ended<T>(said: Said, host: HostView, value: T): T {
  try {
    said.end();
  } catch (error) {
    throw error instanceof KbError ? error.within({ host: host.name }) : error;
  }
  return value;
}

// Whom this connection logs in as.
const whoScript = script`
user=$SUDO_USER
[ -n "$user" ] || user=$(id -un)
home=$(getent passwd "$user" | cut -d: -f6)
echo "user $user"
echo "home $home"
`;

const sourceScript = script`
for name in ssh ssh-keygen runuser; do command -v "$name" > /dev/null || echo "missing $name"; done
key=$home/.ssh/id_ed25519
[ ! -e "$key" ] || echo "key $(ssh-keygen -y -P '' -f "$key" 2> /dev/null < /dev/null)"
`;

/** Look at the host that is to log in. @throws KbError KB_SSH_TRUST */
export async function readSource(host: Host): Promise<Source> {
  const { stdout } = await host.probe(sh`${whoScript}${sourceScript}`);
  const values = lines(stdout);
  const { user, home } = who(host, values);
  const missing = values.get('missing');
  if (missing !== undefined) {
    const fix = `install it on ${host.name} (openssh-clients, openssh-client, util-linux)`;
    throw new KbError(trustProblem(host, `${host.name} has no ${missing}`, fix));
  }
  const key = values.get('key');
  if (key === '') {
    const detail = `${home}/${ownKey} exists and needs a passphrase, or is not a private key`;
    const fix = 'log in with that key by hand, or move it away and let kbinit make one without a passphrase';
    throw new KbError(trustProblem(host, detail, fix));
  }
  const [own, system] = [`${home}/.ssh/known_hosts`, '/etc/ssh/ssh_known_hosts'];
  const files = await host.readAll([own, system]);
  return {
    host,
    user,
    home,
    publicKey: key === undefined ? undefined : publicKeyOf(host, key),
    knownHosts: files.get(own) ?? '',
    systemKnownHosts: files.get(system) ?? '',
  };
}

const destinationScript = script`
files=$(sshd -T 2> /dev/null | sed -n 's/^hostkey //p')
for file in $(echo "$files" | grep / || echo /etc/ssh/ssh_host_*_key); do
  [ ! -r "$file.pub" ] || echo "hostkey $(cat "$file.pub")"
done
`;

/** Look at a host that is to be logged in to. @throws KbError KB_SSH_TRUST */
export async function readDestination(
  host: Host,
  at: { readonly address: string; readonly port: number },
): Promise<Destination> {
  const { hostname } = await host.facts();
  const { stdout } = await host.probe(sh`${whoScript}${destinationScript}`);
  const { user, home } = who(host, lines(stdout));
  const hostKeys = [...stdout.matchAll(/^hostkey \S+ ([A-Za-z0-9+/=]+)/gm)]
    .map(([, base64 = '']) => Buffer.from(base64, 'base64'))
    .filter((blob) => keyTypeOf(blob) !== undefined);
  if (hostKeys.length === 0) {
    const fix = 'run ssh-keygen -A there, or name its keys in sshd_config (HostKey)';
    throw new KbError(trustProblem(host, `${host.name} has no readable public host key of its sshd`, fix));
  }
  const authorizedKeys = (await host.read(`${home}/.ssh/authorized_keys`)) ?? '';
  return { host, user, home, ...at, hostname, authorizedKeys, hostKeys };
}

function lines(stdout: string): ReadonlyMap<string, string> {
  const found = [...stdout.matchAll(/^(\S+) ?(.*)$/gm)].map(([, key = '', value = '']) => [key, value] as const);
  return new Map(found.toReversed());
}

/** Whom the connection logs in as, and where its files are. @throws KbError KB_SSH_TRUST, KB_HOST_FACT */
function who(host: Host, values: ReadonlyMap<string, string>): { readonly user: string; readonly home: string } {
  const said = new Said();
  const user = said.value('login user', values.get('user') ?? '', userNameShape);
  const home = said.optional('home folder', values.get('home') ?? '', pathShape);
  ended(said, host, user);
  if (home !== '') return { user, home };
  const fix = 'log in as a user of that host with a home folder';
  throw new KbError(trustProblem(host, `${user} has no home folder on ${host.name}`, fix));
}

const keygenScript = script`
umask 077
mkdir -p "$1/.ssh" && ssh-keygen -q -t ed25519 -N '' -C "$2" -f "$1/.ssh/id_ed25519" < /dev/null || exit 1
if [ -d /sys/fs/selinux/class ] && command -v restorecon > /dev/null; then restorecon -R "$1/.ssh"; fi
cut -d' ' -f1,2 < "$1/.ssh/id_ed25519.pub"
`;

/** Make the key pair, as its user. In a dry run it has no public half yet: that is undefined then. */
export async function makeKey({ host, user, home }: Source): Promise<string | undefined> {
  const { hostname } = await host.facts();
  const words = ['/bin/sh', '-c', keygenScript.text, 'kbinit', home, `${user}@${hostname}`];
  const result = await host.run(sh`runuser -u ${user} -- ${words}`, `make the key pair ${home}/${ownKey} of ${user}`);
  if (result.code !== 0) {
    throw new KbError(trustProblem(host, `ssh-keygen: ${shortened(result.stderr)}`, 'make the home folder writable'));
  }
  const made = /^ssh-ed25519 .*$/m.exec(result.stdout)?.[0];
  return made === undefined ? undefined : publicKeyOf(host, made);
}

/*
 * As the user, so that a link or an odd owner in the home folder gets nobody further than the user may go. The whole file
 * is written beside its place and renamed: a cut in between leaves the old one, and its mode and owner are the user's.
 */
const appendScript = script`
umask 077
file=$1/.ssh/$2
mkdir -p "$1/.ssh" || exit 1
if [ -L "$file" ]; then echo "$file is a symbolic link" >&2; exit 1; fi
new=$1/.ssh/.$2.kbinit
{
  if [ -s "$file" ]; then
    cat "$file" || exit 1
    [ -z "$(tail -c 1 "$file")" ] || echo
  fi
  printf '%s\n' "$3"
} > "$new" || exit 1
[ ! -e "$file" ] || chmod --reference="$file" "$new" || exit 1
dd if=/dev/null of="$new" conv=notrunc,fsync 2> /dev/null
mv -f -T "$new" "$file" || exit 1
if [ -d /sys/fs/selinux/class ] && command -v restorecon > /dev/null; then restorecon -R "$1/.ssh"; fi
`;

async function append(
  { host, user, home }: Pick<Source, 'host' | 'user' | 'home'>,
  file: 'authorized_keys' | 'known_hosts',
  text: string,
  why: string,
): Promise<void> {
  const words = ['/bin/sh', '-c', appendScript.text, 'kbinit', home, file, text];
  const result = await host.run(sh`runuser -u ${user} -- ${words}`, why);
  if (result.code === 0) return;
  const detail = `${home}/.ssh/${file}: ${shortened(result.stderr)}`;
  throw new KbError(trustProblem(host, detail, `make it a plain file that ${user} can write`));
}

/** Let the key in. */
export async function authorize(to: Destination, publicKey: string, comment: string): Promise<Outcome> {
  const base64 = publicKey.split(' ')[1] ?? '';
  const isThere = to.authorizedKeys
    .split('\n')
    .some((line) => !line.trimStart().startsWith('#') && line.split(/\s+/).includes(base64));
  if (isThere) return 'unchanged';
  await append(to, 'authorized_keys', `${publicKey} ${comment}`, `let ${comment} log in as ${to.user}`);
  return to.authorizedKeys === '' ? 'created' : 'updated';
}

const resolveScript = script`
for name; do
  (
    all=$(timeout 5 getent ahosts "$name" | cut -d' ' -f1 | sort -u)
    echo "$name" $all
  ) &
done
wait
`;

/** Where names lead on the host; names that lead nowhere are left out. */
async function resolve(host: Host, names: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  if (names.length === 0) return new Map();
  const { stdout } = await host.probe(sh`set -- ${names}; ${resolveScript}`);
  const found = stdout.split('\n').map((line) => line.split(' '));
  return new Map(found.map(([name = '', ...addresses]) => [name, new Set(addresses.map(canonical))] as const));
}

function canonical(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** A name that a host may be known by beside the one it was reached by; its own word for it is not enough. */
function nameToAsk({ hostname, address }: Destination): string | undefined {
  const name = hostname.toLowerCase();
  const isName = isDnsSubdomain(name) && parseIp(name) === undefined && !isLoopbackName(name);
  return isName && name !== address.toLowerCase() ? name : undefined;
}

/**
 * The names that the source knows each host by: the address that the user named, and the host's own name where the
 * source's resolver leads it to that very address. A host could call itself anything, `*` or another host's name.
 */
async function ownersOf(
  from: Source,
  destinations: readonly Destination[],
): Promise<ReadonlyMap<Destination, readonly KeyOwner[]>> {
  const names = destinations.flatMap((to) => {
    const name = nameToAsk(to);
    return name === undefined ? [] : [name, ...(parseIp(to.address) === undefined ? [to.address] : [])];
  });
  const found = await resolve(from.host, [...new Set(names)]);
  const owners = destinations.map((to) => {
    const name = nameToAsk(to);
    const own = new Set(parseIp(to.address) === undefined ? found.get(to.address) : [canonical(to.address)]);
    const led = (name === undefined ? undefined : found.get(name)) ?? new Set<string>();
    const isIts = led.size > 0 && [...led].every((address) => own.has(address));
    const hosts = name !== undefined && isIts ? [to.address, name] : [to.address];
    return [to, hosts.map((host) => ({ host, port: to.port }))] as const;
  });
  return new Map(owners);
}

/** Make the hosts' keys known to the source. A key that is known otherwise is never replaced. @throws KbError KB_SSH_HOST_KEY_CHANGED */
export async function makeKnown(from: Source, destinations: readonly Destination[]): Promise<Outcome> {
  const file = `${from.home}/.ssh/known_hosts`;
  const known = [
    ...parseKnownHosts(from.knownHosts, file),
    ...parseKnownHosts(from.systemKnownHosts, '/etc/ssh/ssh_known_hosts'),
  ];
  const added: string[] = [];
  const problems: Problem[] = [];
  for (const [to, owners] of await ownersOf(from, destinations)) {
    for (const owner of owners) {
      for (const { blob, type, state, verdict } of judgeHostKeys(known, owner, to.hostKeys)) {
        if (state === 'new') added.push(`${knownHostsName(owner)} ${type} ${blob.toString('base64')}`);
        if (state !== 'changed' && state !== 'revoked') continue;
        const line = 'by' in verdict ? `${verdict.by.file}:${verdict.by.line}` : file;
        problems.push(otherKey(from, owner, type, line, state));
      }
    }
  }
  if (problems.length > 0) throw new KbError(problems);
  if (added.length === 0) return 'unchanged';
  await append(from, 'known_hosts', added.join('\n'), `make ${added.length} host keys known to ${from.user}`);
  return from.knownHosts === '' ? 'created' : 'updated';
}

function otherKey(from: Source, owner: KeyOwner, type: string, line: string, state: 'changed' | 'revoked'): Problem {
  return {
    code: state === 'revoked' ? 'KB_SSH_HOST_KEY_REVOKED' : 'KB_SSH_HOST_KEY_CHANGED',
    summary: `${from.host.name} knows another host key`,
    host: from.host.name,
    detail: `${line} on ${from.host.name} is about ${knownHostsName(owner)}, whose ${type} key is another one or revoked there`,
    fix: `find out why; where the host was reinstalled, remove that line (ssh-keygen -R '${knownHostsName(owner)}'), then run again`,
  };
}

/** Log in once from the source, as a script would. The problem where it does not work. */
export async function tryLogin(from: Source, to: Destination): Promise<Problem | undefined> {
  const settings = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'ConnectTimeout=10'];
  const flags = settings.flatMap((setting) => ['-o', setting]);
  const { port, address } = to;
  const words = [
    'ssh',
    ...flags,
    '-i',
    `${from.home}/${ownKey}`,
    '-p',
    String(port),
    '-l',
    to.user,
    '--',
    address,
    'true',
  ];
  const command = sh`runuser -u ${from.user} -- env ${`HOME=${from.home}`} ${words} < /dev/null`;
  const result = await from.host.run(command, `log in to ${address} as ${to.user}`, {
    timeoutSeconds: 30,
    idempotent: true,
  });
  if (result.code === 0) return undefined;
  const detail = `ssh from ${from.host.name} to ${to.user}@${address} port ${port}: ${shortened(result.stderr)}`;
  const fix =
    "check the route between the two hosts, and the other one's sshd_config (PubkeyAuthentication, AllowUsers, AuthorizedKeysFile)";
  return trustProblem(from.host, detail, fix);
}
