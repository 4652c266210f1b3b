// What `kbinit join` does: read the configuration, complete it with what the host tells, run the phases.
import { assertNotMixed, type JoinFlags } from '../config/flags.ts';
import { completeJoin } from '../config/complete.ts';
import { factsOfNoHost } from '../config/no-host.ts';
import { loadJoin } from '../config/load.ts';
import { KbError } from '../errors.ts';
import type { JoinContext } from '../phases/context.ts';
import { joinPhases } from '../phases/index.ts';
import { systemChance, systemClock } from '../util/keygen.ts';
import { selectPhases } from '../workflow/select.ts';
import { ownFlags } from './flags.ts';
import { readPatches, tellWarnings } from './init-run.ts';
import { readInput, readSecretFile } from './prompt.ts';
import { withSession, type ConnectionOptions } from './session.ts';
import { runWorkflow } from './workflow.ts';

/** What commander parses for join and its phases. */
export interface JoinOptions extends JoinFlags, ConnectionOptions {
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly tokenFile?: string;
}

/** Run join, or one phase of it. @throws KbError for bad input, Shown for a failed run */
export async function runJoin(
  options: JoinOptions,
  endpoint: string | undefined,
  changed: readonly string[],
  only?: string,
): Promise<void> {
  if (options.config !== undefined) assertNotMixed(changed, ownFlags);
  const { draft, warnings } = loadJoin(
    options.config === undefined ? undefined : readInput(options.config, 'config'),
    options.config ?? 'the command line',
    {
      ...options,
      apiServerEndpoint: endpoint,
      ...(options.tokenFile === undefined ? {} : { token: readSecretFile(options.tokenFile, 'token-file') }),
    },
  );
  // What no host could make good is refused before one is asked.
  completeJoin(draft, factsOfNoHost('', [draft.controlPlane?.localAPIEndpoint.advertiseAddress]));
  selectPhases(joinPhases, { ...(only === undefined ? {} : { only }), skip: draft.skipPhases });
  if (draft.controlPlane !== undefined) throw controlPlaneLater();
  const isDryRun = options.dryRun ?? draft.isDryRun;
  const command = only === undefined ? 'join' : `join phase ${only.replace('/', ' ')}`;
  await withSession(command, { ...options, dryRun: isDryRun }, async (session) => {
    const [facts, patches] = await Promise.all([
      session.host.facts(),
      readPatches(session.host, draft.patchesDirectory),
    ]);
    const completed = completeJoin({ ...draft, isDryRun }, facts, { reachedAddress: session.reachedAddress });
    tellWarnings([...warnings, ...completed.warnings], session.reporter, session.host.name);
    const { spec } = completed;
    const ctx: JoinContext = {
      ...session,
      chance: systemChance(),
      clock: systemClock,
      ignorePreflightErrors: new Set(spec.node.ignorePreflightErrors.map((name) => name.toLowerCase())),
      spec,
      settings: { patches },
    };
    await runWorkflow(joinPhases, ctx, only);
    if (only === undefined) session.print(joined(spec.node.name, isDryRun));
  });
}

function joined(node: string, isDryRun: boolean): string {
  if (isDryRun) return '';
  return `
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.
* Node ${node} is registered.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.

`;
}

function controlPlaneLater(): KbError {
  return new KbError({
    code: 'KB_NOT_YET',
    summary: 'joining a control plane is not there yet',
    detail: 'this version of kbinit joins workers',
    fix: 'join this host as a worker (without --control-plane), or use `kubeadm join --control-plane` with the same arguments',
  });
}
