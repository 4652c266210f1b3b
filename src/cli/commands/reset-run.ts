// What `kbinit reset` does: read the configuration, run the phases, say what is left.
import { completeReset } from '../../config/complete.ts';
import { assertNotMixed, type ResetFlags } from '../../config/flags.ts';
import { loadReset } from '../../config/load.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import { viewOnly } from '../../host/view-only.ts';
import { paths } from '../../kube/paths.ts';
import { resetPhases } from '../../phases/index.ts';
import type { ResetContext } from '../../phases/reset/context.ts';
import { registeredName } from '../../phases/reset/node-name.ts';
import { systemRandomSource, systemClock } from '../../util/keygen.ts';
import { selectPhases } from '../../workflow/select.ts';
import { ownFlags } from '../flags.ts';
import { tellWarnings } from './init-run.ts';
import { readInput } from '../run/prompt.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { runWorkflow } from '../run/workflow.ts';

/** What commander parses for reset and its phases. */
export interface ResetOptions extends ResetFlags, ConnectionOptions {
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly forceWipeEtcd?: string;
  readonly hostChanges?: boolean;
}

/** Run reset, or one phase of it. @throws KbError for bad input, ReportedError for a failed run */
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
  const run = { ...options, dryRun: spec.isDryRun };
  const work = async (session: Session): Promise<void> => {
    tellWarnings(warnings, session.reporter, session.host.name);
    const ctx: ResetContext = {
      ...session,
      chance: systemRandomSource(),
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
    if (only === undefined && !spec.isDryRun) {
      const removal = session.suggestions.command(`kbinit node remove ${node ?? 'NODE'} --host root@CONTROL_PLANE`);
      const stays = node === undefined ? '' : nodeStays(node, removal);
      session.print(isWhole ? nodeLeft(stays) : leftovers(stays));
    }
  };
  // Its first phase asks.
  if (only !== 'preflight') return withSession(command, run, 'write', work, 'name');
  // It asks and looks: a host that another run has can be asked too.
  await withSession(command, run, 'read', (session) => work({ ...session, host: viewOnly(session.host) }));
}

/** What kubeadm leaves too. */
function leftovers(stays: string): string {
  return `
The reset process does not clean the CNI configuration in /etc/cni/net.d, network links
and filter rules of the Pod network, and kubeconfig files of users ($HOME/.kube/config).
${stays}
`;
}

function nodeLeft(stays: string): string {
  return stays === '' ? '' : `\n${stays}`;
}

function nodeStays(node: string, removal: string): string {
  return `The Node object ${node} stays in the cluster, if there is one left. This removes it:
  ${removal}
`;
}
