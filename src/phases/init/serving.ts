// Whether the cluster of an earlier init on this host serves, although its journal does not say so: the run was ended
// before it could, or it was of a kbinit that wrote that only at its very end.
import type { Api } from '../../cluster/types.ts';
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import { healthEndpoints } from '../../manifests/health.ts';
import type { InitContext } from '../context.ts';
import { readExisting } from './existing.ts';
import { journalPath, parseJournal, type Journal } from '../journal.ts';

const askSeconds = 5;

/** The journal of an earlier init, or of this one; finished also where its cluster is found to serve. */
export async function readJournal(ctx: InitContext): Promise<Journal | undefined> {
  const journal = parseJournal((await readExisting(ctx)).get(journalPath));
  if (journal === undefined || journal.finishedAt !== undefined) return journal;
  // What this run began serves nobody yet.
  if (journal.startedAt === ctx.startedAt.toISOString()) return journal;
  ctx.isServing ??= isServing(ctx, journal);
  return (await ctx.isServing) ? { ...journal, finishedAt: journal.startedAt } : journal;
}

async function isServing(ctx: InitContext, journal: Journal): Promise<boolean> {
  const { localAPIEndpoint } = ctx.spec;
  const address = journal.spec['localAPIEndpoint.advertiseAddress'];
  const port = journal.spec['localAPIEndpoint.bindPort'];
  const endpoint = {
    advertiseAddress: typeof address === 'string' ? address : localAPIEndpoint.advertiseAddress,
    bindPort: typeof port === 'number' ? port : localAPIEndpoint.bindPort,
  };
  const { controllerManager, scheduler } = healthEndpoints(ctx.spec);
  const others = [controllerManager, scheduler].filter((url) => url !== undefined);
  if (ctx.spec.isDryRun) {
    const listens = [isListening(ctx, endpoint.advertiseAddress, endpoint.bindPort)];
    if (journal.finishes === 'serving') {
      listens.push(...others.map(({ hostname, port: number }) => isListening(ctx, hostname, Number(number))));
    }
    return (await Promise.all(listens)).every(Boolean);
  }
  const text = (await readExisting(ctx)).get(paths.adminConf) ?? (await ctx.host.read(paths.adminConf));
  if (text === undefined) return false;
  const server = localEndpoint(endpoint);
  const status = await statusAt(() => ctx.apis.open({ ...clientOf(text, paths.adminConf), server }), '/livez');
  // An older run wrote that it had finished only behind its last phase: its API server that answers at all is a cluster's.
  if (journal.finishes !== 'serving') return status !== undefined;
  if (status !== 200) return false;
  const answers = await Promise.all(
    others.map(({ origin, pathname }) => statusAt(() => ctx.apis.open({ server: origin }), pathname)),
  );
  return answers.every((answer) => answer === 200);
}

/** The status that a path answers with; undefined where nothing answers. */
export async function statusOf(api: Api, path: string): Promise<number | undefined> {
  try {
    return (await api.raw(path, askSeconds)).status;
  } catch {
    return undefined;
  }
}

async function statusAt(open: () => Api, path: string): Promise<number | undefined> {
  let api: Api;
  try {
    api = open();
  } catch {
    return undefined;
  }
  return statusOf(api, path).finally(() => api.close());
}

/** In a dry run nothing but the host is asked. */
async function isListening({ host }: InitContext, address: string, port: number): Promise<boolean> {
  try {
    (await host.dial(address, port)).destroy();
    return true;
  } catch {
    return false;
  }
}
