// What `kbinit token …` does: bootstrap tokens made, shown and removed through the API server, from a control plane.
import type { HostView } from '../../host/host.ts';
import { homedir } from 'node:os';
import type { Api, KubeObject } from '../../cluster/types.ts';
import type { BootstrapToken } from '../../config/spec.ts';
import { caPins } from '../../certs/pin.ts';
import { KbError, type Problem } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import { bootstrapTokenSecret, listedToken } from '../../manifests/bootstrap-token.ts';
import { tokenDocument, tokenRow } from '../../manifests/token-list.ts';
import { hostClient } from '../../phases/cluster/host-client.ts';
import { joinCommand } from '../../phases/init/show-join.ts';
import { terminalColumns } from '../../report/columns.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { listed } from '../../util/text.ts';
import { tellWarnings } from './init-run.ts';
import { printerOf, type OutputOptions } from '../output/printer.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { wantedTokens, type CreateFlags, type WantedTokens } from './token-create.ts';

export interface TokenOptions extends ConnectionOptions {
  readonly kubeconfig?: string;
  readonly dryRun?: boolean;
}

/** People wait for the answer: not the minute that phases give an API server that is just starting. */
const patienceSeconds = 10;

const namespace = 'kube-system';

/** Make tokens; print the first one, or the command that joins with it. @throws KbError for bad input, ReportedError */
export async function runTokenCreate(
  options: TokenOptions & CreateFlags,
  argument: string | undefined,
  changed: readonly string[],
): Promise<void> {
  const wanted = wantedTokens(options, argument, changed, systemRandomSource());
  await withSession('token create', options, 'read', async (session) => {
    tellWarnings(wanted.warnings, session.reporter, session.host.name);
    await withCluster(session, options, async ({ api, server, ca }) => {
      await refuseExisting(api, wanted.tokens, session.host.name);
      const { operator } = session;
      const join: Parameters<typeof joinCommand>[0] = {
        endpoint: server.replace(/^https:\/\//, ''),
        token: firstToken(wanted),
        pins: caPins(ca),
        ...(wanted.certificateKey === undefined ? {} : { certificateKey: wanted.certificateKey }),
        ...(operator === undefined ? {} : { operator }),
      };
      const answer = options.printJoinCommand === true ? joinCommand(join) : join.token;
      for (const token of wanted.tokens) await api.apply(bootstrapTokenSecret(token, session.startedAt));
      // Nobody can join with what a dry run has made.
      if (options.dryRun !== true) session.print(`${answer}\n`);
    });
  });
}

/** Show the tokens of the cluster, also those that have expired. @throws ReportedError */
export async function runTokenList(options: TokenOptions & OutputOptions): Promise<void> {
  const print = await printerOf(options);
  // Nothing is changed here, so a dry run is the real one.
  await withSession('token list', { ...options, dryRun: false }, 'read', async (session) => {
    await withCluster(session, options, async ({ api }) => {
      const secrets = await tokenSecrets(api);
      const now = new Date();
      const screen = terminalColumns(process.stdout, process.env);
      let isFirst = true;
      for (const secret of secrets) {
        const token = listedToken(secret);
        if ('problem' in token) {
          session.reporter.emit({ kind: 'warning', host: session.host.name, text: token.problem });
          continue;
        }
        session.print(print({ object: tokenDocument(token), text: tokenRow(token, now, isFirst, screen) }));
        isFirst = false;
      }
    });
  });
}

/** Remove tokens, each given whole or by its id. @throws KbError KB_USAGE for what is no token, ReportedError */
export async function runTokenDelete(options: TokenOptions, given: readonly string[]): Promise<void> {
  const ids = [...new Set(tokenIds(given))];
  await withSession('token delete', options, 'read', async (session) => {
    await withCluster(session, options, async ({ api }) => {
      await deleteTokens(api, ids, (id) => {
        if (options.dryRun !== true) session.print(`bootstrap token "${id}" deleted\n`);
      });
    });
  });
}

/** Those that there are; then fail with those that there are not. @throws KbError KB_TOKEN_UNKNOWN */
export async function deleteTokens(api: Api, ids: readonly string[], deleted: (id: string) => void): Promise<void> {
  const unknown: string[] = [];
  for (const id of ids) {
    const isRemoved = await api.remove({ apiVersion: 'v1', kind: 'Secret', namespace, name: secretName(id) });
    if (isRemoved) deleted(id);
    else unknown.push(id);
  }
  if (unknown.length === 0) return;
  const known = (await tokenSecrets(api)).map(({ metadata: { name } }) => name.slice(secretName('').length));
  throw new KbError(unknown.map((id) => unknownToken(id, known)));
}

/** Those of the cluster, also of tokens that have expired. */
function tokenSecrets(api: Api): Promise<readonly KubeObject[]> {
  return api.list({ apiVersion: 'v1', kind: 'Secret', namespace }, { fields: 'type=bootstrap.kubernetes.io/token' });
}

function secretName(id: string): string {
  return `bootstrap-token-${id}`;
}

/** The ids of tokens that were given whole or by id; text that is neither may hold a secret and is not repeated. */
function tokenIds(given: readonly string[]): readonly string[] {
  const found = given.map((text) => /^([a-z0-9]{6})(?:\.[a-z0-9]{16})?$/.exec(text)?.[1]);
  const problems = found.flatMap((id, index): Problem[] =>
    id === undefined
      ? [
          {
            code: 'KB_USAGE',
            summary: 'not a valid token or token ID',
            detail: `argument ${index + 1} is not of the form [a-z0-9]{6}.[a-z0-9]{16} or [a-z0-9]{6}`,
            fix: 'give tokens or their ids as `kbinit token list` shows them',
          },
        ]
      : [],
  );
  if (problems.length > 0) throw new KbError(problems);
  return found.flatMap((id) => id ?? []);
}

function unknownToken(id: string, known: readonly string[]): Problem {
  return {
    code: 'KB_TOKEN_UNKNOWN',
    summary: 'the cluster does not know this token',
    detail: `no Secret ${namespace}/${secretName(id)}: it has expired, was deleted, or was never created; tokens: ${listed(known)}`,
    fix: 'nothing is left to do for this one; `kbinit token list` shows the others',
  };
}

interface Cluster {
  readonly api: Api;
  readonly server: string;
  readonly ca: string;
}

/** Work with the cluster behind the host's kubeconfig. */
async function withCluster(
  session: Session<HostView>,
  options: TokenOptions,
  body: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  const client = await hostClient(session.host, await kubeconfigPath(session, options));
  const api = session.apis.open(client, { callSeconds: patienceSeconds });
  try {
    await body({ api, ...client });
  } finally {
    api.close();
  }
}

/**
 * The file of --kubeconfig. Else, on this machine, the first that exists of those that kubectl would take and admin.conf
 * (spec 01 §3); on another host, where this environment means nothing, its admin.conf.
 */
async function kubeconfigPath({ host }: Session<HostView>, options: TokenOptions): Promise<string> {
  if (options.kubeconfig !== undefined && options.kubeconfig !== '') return options.kubeconfig;
  if (options.host !== undefined) return paths.adminConf;
  const named = (process.env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  const candidates = named.length > 0 ? named : [`${homedir()}/.kube/config`];
  const existing = await host.readAll(candidates);
  return candidates.find((path) => existing.has(path)) ?? paths.adminConf;
}

/** Two tokens with one id would be one Secret: the token that is there keeps its secret half and its life. */
async function refuseExisting(api: Api, tokens: readonly BootstrapToken[], host: string): Promise<void> {
  const ids = tokens.map(({ token }) => token.slice(0, 6));
  const secrets = await Promise.all(
    ids.map((id) => api.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: secretName(id) })),
  );
  const problems = ids.flatMap((id, index): Problem[] => {
    const isTwice = ids.indexOf(id) < index;
    if (secrets[index] === undefined && !isTwice) return [];
    return [
      {
        code: 'KB_TOKEN_EXISTS',
        summary: 'there is a token with this id already',
        host,
        detail: isTwice ? `token ${id} is asked for twice` : `Secret ${namespace}/${secretName(id)} exists`,
        fix: `leave the token out to get a random one, or remove the other first: \`kbinit token delete ${id}\``,
      },
    ];
  });
  if (problems.length > 0) throw new KbError(problems);
}

function firstToken({ tokens }: WantedTokens): string {
  return tokens[0]?.token ?? '';
}
