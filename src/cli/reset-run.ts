// What `kbinit reset` does: read the configuration, run the phases, say what is left.
import { completeReset } from '../config/complete.ts';
import { assertNotMixed, type ResetFlags } from '../config/flags.ts';
import { loadReset } from '../config/load.ts';
import { factsOfNoHost } from '../config/no-host.ts';
import { paths } from '../kube/paths.ts';
import { resetPhases } from '../phases/index.ts';
import type { ResetContext } from '../phases/reset/context.ts';
import { registeredName } from '../phases/reset/node-name.ts';
import { systemChance, systemClock } from '../util/keygen.ts';
import { selectPhases } from '../workflow/select.ts';
import { ownFlags } from './flags.ts';
import { tellWarnings } from './init-run.ts';
import { readInput } from './prompt.ts';
import { useOf, withSession, type ConnectionOptions } from './session.ts';
import { runWorkflow } from './workflow.ts';

/** What commander parses for reset and its phases. */
export interface ResetOptions extends ResetFlags, ConnectionOptions {
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly forceWipeEtcd?: string;
  readonly hostChanges?: boolean;
}

/** Run reset, or one phase of it. @throws KbError for bad input, Shown for a failed run */
export async function runReset(options: ResetOptions, changed: readonly string[], only?: string): Promise<void> {
  if (options.config !== undefined) assertNotMixed(changed, ownFlags);
  const { draft, warnings } = loadReset(
    options.config === undefined ? undefined : readInput(options.config, 'config'),
    options.config ?? 'the command line',
    options,
  );
  // What no host could make good is refused before one is asked.
  completeReset(draft, factsOfNoHost(''));
  selectPhases(resetPhases, { ...(only === undefined ? {} : { only }), skip: draft.skipPhases });
  const spec = { ...draft, isDryRun: options.dryRun ?? draft.isDryRun, isForced: options.force ?? draft.isForced };
  const command = only === undefined ? 'reset' : `reset phase ${only.replace('/', ' ')}`;
  await withSession(command, { ...options, dryRun: spec.isDryRun }, useOf(only), async (session) => {
    tellWarnings(warnings, session.reporter, session.host.name);
    const ctx: ResetContext = {
      ...session,
      chance: systemChance(),
      clock: systemClock,
      ignorePreflightErrors: new Set(spec.ignorePreflightErrors.map((name) => name.toLowerCase())),
      spec,
      settings: {
        kubeconfig: options.kubeconfig ?? paths.adminConf,
        ...(options.forceWipeEtcd === undefined ? {} : { forceWipeEtcd: options.forceWipeEtcd }),
      },
    };
    const node = await registeredName(session.host);
    await runWorkflow(resetPhases, ctx, only);
    const isWhole = only === undefined && options.hostChanges === true;
    if (isWhole) {
      const { undoHostChanges } = await import('./host-run.ts');
      await undoHostChanges(session, spec.isDryRun, false);
    }
    if (only === undefined && !spec.isDryRun) session.print(isWhole ? nodeLeft(node) : leftovers(node));
  });
}

/** What kubeadm leaves too. */
function leftovers(node: string | undefined): string {
  return `
The reset process does not clean the CNI configuration in /etc/cni/net.d, network links
and filter rules of the Pod network, and kubeconfig files of users ($HOME/.kube/config).
${node === undefined ? '' : nodeStays(node)}
`;
}

function nodeLeft(node: string | undefined): string {
  return node === undefined ? '' : `\n${nodeStays(node)}`;
}

function nodeStays(node: string): string {
  return `The Node object ${node} stays in the cluster, if there is one left. This removes it:
  kbinit node remove ${node} --host CONTROL_PLANE
`;
}
