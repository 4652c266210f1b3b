// Rules for a node, its API endpoint and the secrets it joins with (spec 02 §6).
import { isGlobalUnicast, isLoopback, parseIp } from '../util/net.ts';
import type { Problems } from './problems.ts';
import type { ApiEndpoint, BootstrapToken, NodeRegistration, Taint } from './spec.ts';
import {
  hasControlCharacter,
  isBootstrapGroup,
  isBootstrapToken,
  isPort,
  isQualifiedName,
  urlScheme,
} from './syntax.ts';
import { validateArgs } from './validate-cluster.ts';
import { isDnsSubdomain } from '../util/shapes.ts';

const tokenFix = 'write 6 and 16 of a-z and 0-9 with a dot between; init makes one where none is given';

/** A token, without ever showing it. */
export function validateToken(problems: Problems, path: string, token: string): void {
  if (token === '') problems.say(path, 'the token is missing', tokenFix);
  else if (!isBootstrapToken(token)) problems.say(path, 'the value is not a bootstrap token', tokenFix);
}

/** 32 bytes in hex, without ever showing them. */
export function validateCertificateKey(problems: Problems, path: string, key: string | undefined): void {
  if (key === undefined || /^[0-9a-f]{64}$/i.test(key)) return;
  const found = /^[0-9a-f]*$/i.test(key)
    ? `the key has ${key.length} characters, not 64`
    : 'the key is not hexadecimal';
  problems.say(path, found, 'write 64 hexadecimal characters, as `openssl rand -hex 32` makes them');
}

/** The container runtime's socket. */
export function validateCriSocket(problems: Problems, path: string, socket: string): void {
  if (socket === '') {
    problems.say(path, 'the CRI socket is empty', 'name it, for example unix:///run/containerd/containerd.sock');
  } else if (urlScheme(socket) !== 'unix' || hasControlCharacter(socket)) {
    problems.add(path, socket, 'is not a unix:// URL', 'write unix:// and the path of the socket');
  }
}

function validateTaints(problems: Problems, path: string, taints: readonly Taint[]): void {
  for (const [index, taint] of taints.entries()) {
    const here = `${path}[${index}]`;
    if (!isQualifiedName(taint.key)) {
      problems.add(`${here}.key`, taint.key, 'is not a key', 'write name or domain/name');
    }
    if (!['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(taint.effect)) {
      problems.add(`${here}.effect`, taint.effect, 'is not an effect', 'use NoSchedule, PreferNoSchedule or NoExecute');
    }
  }
}

/** `nodeRegistration` of init and join. */
export function validateNode(problems: Problems, node: NodeRegistration): void {
  const path = 'nodeRegistration';
  if (node.name === '') problems.say(`${path}.name`, 'the node has no name', 'give --node-name, or name the host');
  else if (!isDnsSubdomain(node.name)) {
    const fix = 'use lower case letters, digits, - and ., beginning and ending with a letter or digit';
    problems.add(`${path}.name`, node.name, 'is not a node name (RFC 1123)', fix);
  }
  validateCriSocket(problems, `${path}.criSocket`, node.criSocket);
  validateArgs(problems, `${path}.kubeletExtraArgs`, node.kubeletExtraArgs);
  validateTaints(problems, `${path}.taints`, node.taints ?? []);
  validateIgnored(problems, node.ignorePreflightErrors);
}

/** `all` stands alone. */
export function validateIgnored(problems: Problems, names: readonly string[]): void {
  const distinct = new Set(names.map((name) => name.toLowerCase()));
  if (!distinct.has('all') || distinct.size === 1) return;
  problems.add(
    'ignore-preflight-errors',
    [...distinct].toSorted().join(','),
    'names other checks as well as all',
    'give all alone',
  );
}

/** `localAPIEndpoint`: an address others can reach (or loopback), and a port. */
export function validateEndpoint(problems: Problems, path: string, endpoint: ApiEndpoint): void {
  const address = parseIp(endpoint.advertiseAddress);
  const addressPath = `${path}.advertiseAddress`;
  if (address === undefined) {
    problems.add(addressPath, endpoint.advertiseAddress, 'is not an IP address', 'give an address of the host');
  } else if (!isLoopback(address) && !isGlobalUnicast(address)) {
    const message = 'is not an address other hosts can reach';
    problems.add(addressPath, endpoint.advertiseAddress, message, 'give a unicast address of the host');
  }
  if (!isPort(endpoint.bindPort)) {
    problems.add(`${path}.bindPort`, endpoint.bindPort, 'is not a port', 'use 1 to 65535');
  }
}

/** `bootstrapTokens` of init. */
export function validateBootstrapTokens(problems: Problems, tokens: readonly BootstrapToken[]): void {
  for (const [index, token] of tokens.entries()) {
    const path = `bootstrapTokens[${index}]`;
    validateToken(problems, `${path}.token`, token.token);
    for (const usage of token.usages.filter((name) => name !== 'signing' && name !== 'authentication')) {
      problems.add(`${path}.usages`, usage, 'is not a usage', 'use signing and authentication');
    }
    if (token.groups.length > 0 && !token.usages.includes('authentication')) {
      problems.say(`${path}.groups`, 'groups need the usage authentication', 'add authentication to usages');
    }
    for (const group of token.groups.filter((name) => !isBootstrapGroup(name))) {
      problems.add(`${path}.groups`, group, 'is not a bootstrap group', 'begin it with system:bootstrappers:');
    }
    if (token.ttlSeconds < 0) problems.say(`${path}.ttl`, 'the time is negative', 'give 0 or more');
  }
}
