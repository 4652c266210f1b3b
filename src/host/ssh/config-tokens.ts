// The tokens of paths in ssh_config: ~, %h, %d and the like, ${NAME}. Pure but for the environment it is given.
import { join } from 'node:path';

/** What the tokens stand for. */
export interface Tokens {
  readonly homeDirectory: string;
  /** Of this machine. */
  readonly userName: string;
  readonly hostName: string;
  /** What the user typed. */
  readonly alias: string;
  /** What is connected to. */
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  readonly hostKeyAlias: string | undefined;
}

/** A path with its tokens replaced (ssh_config(5), TOKENS). An unknown one stays: the file will not be found. */
export function expandTokens(text: string, tokens: Tokens): string {
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    d: tokens.homeDirectory,
    h: tokens.host,
    i: String(process.getuid?.() ?? ''),
    j: '',
    k: tokens.hostKeyAlias ?? tokens.host,
    L: tokens.hostName.split('.')[0] ?? '',
    l: tokens.hostName,
    n: tokens.alias,
    p: String(tokens.port ?? 22),
    r: tokens.user ?? tokens.userName,
    u: tokens.userName,
  };
  const home = text.startsWith('~/') ? join(tokens.homeDirectory, text.slice(2)) : text;
  return home
    .replaceAll(/%(.)/g, (all, token: string) => values[token] ?? all)
    .replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (all, name: string) => process.env[name] ?? all);
}
