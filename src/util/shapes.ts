// The shapes of what a host says of itself, each with its source. Whatever has another shape is not a fact.
import { isOneVisibleLine } from './invisible.ts';
import { parseIp } from './net.ts';

/** What a value must look like. */
export interface Shape {
  /** For the message: `found …, needs WORDS`. */
  readonly words: string;
  readonly fits: (text: string) => boolean;
}

const label = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const subdomain = new RegExp(`^${label}(?:\\.${label})*$`);

/** RFC 1123 subdomain (k8s.io/apimachinery IsDNS1123Subdomain). */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && subdomain.test(text);
}

function shape(words: string, pattern: RegExp): Shape {
  return { words, fits: (text) => pattern.test(text) };
}

/** utsname has 65 bytes for each of its fields (uname(2)). */
const utsLength = 64;

/**
 * sethostname(2) takes any bytes. These are the ones that no file and no command reads as anything but a name; whether
 * Kubernetes takes the name is another question (`hostNameOf`). `(none)` is the kernel's word for a host without one.
 */
export const hostnameShape: Shape = {
  words: 'letters, digits, "-" and "." (RFC 1123)',
  fits: (text) => text === '(none)' || (text.length <= utsLength && /^[A-Za-z0-9._-]*$/.test(text)),
};

/** uname(2): release; what follows CONFIG_LOCALVERSION is free, but a word. */
export const kernelReleaseShape: Shape = shape('the release of a kernel', /^[A-Za-z0-9][\w.+~@:=-]{0,63}$/);

/** uname(2): machine, `x86_64`. */
export const machineShape: Shape = shape('the name of an architecture', /^[A-Za-z0-9_]{1,64}$/);

/** machine-id(5): 32 hexadecimal characters. */
export const machineIdShape: Shape = shape('32 hexadecimal characters (machine-id(5))', /^[0-9a-fA-F]{32}$/);

/** dev_valid_name of the kernel (net/core/dev.c), of the characters that are seen. */
export const interfaceShape: Shape = {
  words: 'the name of a network interface',
  fits: (text) => /^[!-~]{1,15}$/.test(text) && !/[/:]/.test(text) && text !== '.' && text !== '..',
};

export const addressShape: Shape = {
  words: 'an IP address',
  fits: (text) => parseIp(text) !== undefined,
};

/** A count that a number of JavaScript holds exactly. */
export const numberShape: Shape = shape('a whole number', /^\d{1,15}$/);

/** A program's version as semver.org writes it, with the `v` that Kubernetes puts before it. */
export const versionShape: Shape = shape(
  'a version such as v1.36.3',
  /^v\d{1,5}\.\d{1,5}\.\d{1,5}(?:[-+~][0-9A-Za-z.+~-]{1,100})?$/,
);

/** containerd tells its version with or without a `v`, and as the distribution calls it. */
export const programVersionShape: Shape = shape(
  'a version such as 2.1.4',
  /^v?\d{1,5}\.\d{1,5}\.\d{1,5}(?:[-+~.:_][0-9A-Za-z.+~:_-]{1,100})?$/,
);

/** deb-version(7), and version and release of an RPM. */
export const packageVersionShape: Shape = shape('the version of a package', /^[0-9A-Za-z][0-9A-Za-z.+~:_^-]{0,255}$/);

/** deb-control(5) and the names that rpm takes. */
export const packageNameShape: Shape = shape('the name of a package', /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,255}$/);

/** os-release(5): ID and VERSION_ID are one word each; capitals are found although they should not be. */
export const releaseWordShape: Shape = shape('one word (os-release(5))', /^[A-Za-z0-9._+~-]{0,64}$/);

/** Text for people, or a setting: one line, with nothing in it that is not seen. */
export const lineShape: Shape = {
  words: 'one line of text without control characters',
  fits: (text) => text.length <= 8192 && isOneVisibleLine(text),
};

/** A path as a file of the host may have it: absolute, one line. */
export const pathShape: Shape = {
  words: 'an absolute path without control characters',
  fits: (text) => text.startsWith('/') && text.length <= 4096 && isOneVisibleLine(text),
};

/** firewalld's zones (firewalld.zone(5)). */
export const zoneShape: Shape = shape('the name of a zone', /^[A-Za-z0-9_/-]{1,64}$/);

/** One word out of a kernel's or systemd's list: a module, a unit, a state, a chain. */
export const wordShape: Shape = shape('one word', /^[!-~]{1,255}$/);

/** Names of users as useradd(8) and most directories make them. */
export const userNameShape: Shape = shape('the name of a user', /^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,254}\$?$/);

/** `type base64` of a public key of SSH (sshd(8), AUTHORIZED_KEYS FILE FORMAT), nothing before and behind it. */
export const sshPublicKeyShape: Shape = shape(
  'a public key: its type, a blank, base64',
  /^[a-z0-9][a-z0-9@.-]{0,63} [A-Za-z0-9+/]{20,16384}={0,2}$/,
);

/** A reference of an image with what belongs to it (github.com/distribution/reference), as a runtime lists it. */
export const imageNameShape: Shape = shape('the name of an image', /^[A-Za-z0-9[][\w.:/@+[\]-]{0,511}$/);

/** The name of an etcd member: it stands in `name=url,name=url`. */
export const etcdNameShape: Shape = shape('the name of an etcd member', /^[A-Za-z0-9._:-]{1,253}$/);

/** The id of an etcd member or cluster: an unsigned number of 64 bits. */
export const etcdIdShape: Shape = shape('the id of an etcd member', /^\d{1,20}$/);

/** `https://address:port` of an etcd member. */
export const etcdUrlShape: Shape = shape(
  'a URL such as https://192.168.3.29:2380',
  /^(?:https?|unixs?):\/\/(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?\/?$/,
);
