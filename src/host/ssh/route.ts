// The way to a host: flags before ~/.ssh/config before what ssh takes by itself, and the jump hosts in between.
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { KeyRules, RefusedAlgorithms } from './algorithms.ts';
import type { HostConfig, LoginMethod } from './config.ts';
import type { SshConfig } from './config-files.ts';
import { configProblem } from './config-lines.ts';
import { readTarget, type Target } from './target.ts';

/** One host on the way, with everything that is its own. */
export interface Hop {
  /** What the user, or a ProxyJump line, calls it: the name in every message. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Named by flags: one that is missing is an error. */
  readonly identityFiles?: readonly string[];
  /** Named by the configuration: one that is missing is passed over, as ssh does. */
  readonly configuredIdentityFiles?: readonly string[];
  /** Of an agent's keys only those that are among the files. */
  readonly identitiesOnly?: boolean;
  /** User certificates that ssh would show; kbinit has none to show. */
  readonly certificateFiles?: readonly string[];
  readonly agentSocket?: string;
  readonly hostKeyAlias?: string;
  readonly userKnownHostsFiles?: readonly string[];
  readonly globalKnownHostsFiles?: readonly string[];
  readonly connectTimeoutSeconds?: number;
  /** RevokedHostKeys. */
  readonly revokedHostKeyFiles?: readonly string[];
  readonly refusedAlgorithms?: RefusedAlgorithms;
  readonly keyRules?: KeyRules;
  readonly refusedMethods?: readonly LoginMethod[];
}

export interface Route extends Hop {
  /** Jump hosts, the nearest to us first. */
  readonly via: readonly Hop[];
}

/** What the command line and the environment say of every host. */
export interface RouteFlags {
  readonly identityFiles?: readonly string[];
  readonly connectTimeoutSeconds?: number;
  /** SSH_AUTH_SOCK. */
  readonly agentSocket?: string;
}

export interface RouteOptions {
  readonly config: SshConfig;
  readonly flags: RouteFlags;
  readonly warn: (text: string) => void;
}

/** The old spelling of a jump: `ssh -W %h:%p bastion`, with a -q at most. */
const jumpCommand = /^(?:exec\s+)?(?:\/usr\/bin\/)?ssh\s+(?:-q\s+)?-W\s+\[?%h\]?:%p\s+(?:-q\s+)?([\w.@-]+)\s*$/;

function jumpOf(name: string, config: HostConfig, warn: (text: string) => void): string | undefined {
  if (config.proxyCommand === undefined) return config.proxyJump;
  const jump = jumpCommand.exec(config.proxyCommand)?.[1];
  if (jump === undefined) {
    warn(`${name}: kbinit runs no ProxyCommand and connects directly; write ProxyJump where a jump host is meant`);
  }
  return jump;
}

function hopOf(name: string, config: HostConfig, { flags, warn }: RouteOptions): Hop {
  for (const text of config.unfollowed ?? []) warn(text);
  const identityFiles = flags.identityFiles ?? [];
  const agentSocket = config.identityAgent === 'none' ? undefined : (config.identityAgent ?? flags.agentSocket);
  const connectTimeoutSeconds = flags.connectTimeoutSeconds ?? config.connectTimeoutSeconds;
  // ssh -G always lists the second names, which hardly anybody has.
  const there = (files: readonly string[]): readonly string[] =>
    files.filter((file) => !file.endsWith('known_hosts2') || existsSync(file));
  return {
    name,
    host: config.hostName,
    port: config.port ?? 22,
    user: config.user ?? userInfo().username,
    identitiesOnly: config.identitiesOnly,
    certificateFiles: config.certificateFiles,
    ...(identityFiles.length > 0 && { identityFiles }),
    ...(config.identityFiles !== undefined &&
      identityFiles.length === 0 && { configuredIdentityFiles: config.identityFiles }),
    ...(agentSocket !== undefined && { agentSocket }),
    ...(config.hostKeyAlias !== undefined && { hostKeyAlias: config.hostKeyAlias }),
    ...(config.userKnownHostsFiles !== undefined && { userKnownHostsFiles: there(config.userKnownHostsFiles) }),
    ...(config.globalKnownHostsFiles !== undefined && { globalKnownHostsFiles: there(config.globalKnownHostsFiles) }),
    ...(connectTimeoutSeconds !== undefined && { connectTimeoutSeconds }),
    ...(config.revokedHostKeyFiles !== undefined && { revokedHostKeyFiles: config.revokedHostKeyFiles }),
    ...(config.refusedAlgorithms !== undefined && { refusedAlgorithms: config.refusedAlgorithms }),
    ...(config.keyRules !== undefined && { keyRules: config.keyRules }),
    ...(config.refusedMethods !== undefined && { refusedMethods: config.refusedMethods }),
  };
}

/** The jump hosts that a ProxyJump value names. @throws KbError KB_SSH_CONFIG */
function jumpTargets(name: string, jump: string): readonly Target[] {
  return jump.split(',').map((text) => {
    const target = readTarget(text.trim().replace(/^ssh:\/\//, ''));
    if (target !== undefined) return target;
    throw configProblem(`ProxyJump of ${name}: ${JSON.stringify(text)} names no host`, 'write [user@]host[:port]');
  });
}

/** The way to a host. @throws KbError KB_SSH_CONFIG */
export async function findRoute(target: Target, options: RouteOptions): Promise<Route> {
  return routeTo(target, options, []);
}

async function routeTo(
  target: Target,
  options: RouteOptions,
  trail: readonly string[],
  isNear = false,
): Promise<Route> {
  const { address, ...asked } = target;
  const config = await options.config.for({ alias: address, ...asked });
  const hop = hopOf(address, config, options);
  const jump = isNear ? undefined : jumpOf(address, config, options.warn);
  if (jump === undefined) return { ...hop, via: [] };
  const place = `${hop.user}@${hop.host}:${hop.port}`;
  if (trail.includes(place)) {
    const circle = [...trail, place].join(' by ');
    throw configProblem(
      `ProxyJump leads in a circle: ${circle}`,
      'give the jump host itself "ProxyJump none", above the block that is for all hosts',
    );
  }
  const via: Hop[] = [];
  for (const [index, next] of jumpTargets(address, jump).entries()) {
    // The first is reached as its own block says; a later one through the one before it.
    const { via: before, ...last } = await routeTo(next, options, [...trail, place], index > 0);
    via.push(...before, last);
  }
  return { ...hop, via };
}
