// What `kbinit node remove` does: read the flags, run the phases through a control-plane host.
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import type { NodeRemoveContext } from '../../phases/node-remove/context.ts';
import { nodeRemovePhases } from '../../phases/node-remove/index.ts';
import { parseDuration } from '../../util/duration.ts';
import { systemRandomSource, systemClock } from '../../util/keygen.ts';
import { selectPhases } from '../../workflow/select.ts';
import { withSession, type ConnectionOptions } from '../run/session.ts';
import { runWorkflow } from '../run/workflow.ts';

/** What commander parses for `node remove`. */
export interface NodeRemoveOptions extends ConnectionOptions {
  readonly deleteEmptydirData?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly kubeconfig?: string;
  readonly skipPhases?: readonly string[];
  /** A Go duration. */
  readonly timeout?: string;
}

/** kubectl drain waits for ever; five minutes let a Deployment roll. */
const defaultDrainSeconds = 300;

/** Take a node out of its cluster. @throws KbError for bad input, ReportedError for a failed run */
export async function runNodeRemove(name: string, options: NodeRemoveOptions): Promise<void> {
  const drainSeconds = drainTime(options.timeout);
  const skipPhases = options.skipPhases ?? [];
  selectPhases(nodeRemovePhases, { skip: skipPhases });
  const isForced = options.force === true;
  await withSession('node remove', options, 'write', async (session) => {
    const ctx: NodeRemoveContext = {
      ...session,
      chance: systemRandomSource(),
      clock: systemClock,
      ignorePreflightErrors: new Set(),
      spec: {
        name,
        isForced,
        isConfirmed: isForced || options.yes === true,
        deletesEmptyDirData: options.deleteEmptydirData === true,
        drainSeconds,
        kubeconfig: options.kubeconfig ?? paths.adminConf,
        skipPhases,
        isDryRun: options.dryRun === true,
      },
    };
    try {
      await runWorkflow(nodeRemovePhases, ctx, undefined);
    } finally {
      (await ctx.found?.catch(() => undefined))?.api.close();
    }
  });
}

/** @throws KbError KB_CONFIG */
function drainTime(text: string | undefined): number {
  const seconds = text === undefined ? defaultDrainSeconds : parseDuration(text);
  if (seconds !== undefined && seconds > 0) return seconds;
  throw new KbError({
    code: 'KB_CONFIG',
    summary: 'invalid value for --timeout: expected a duration such as 90s',
    detail: `--timeout is ${JSON.stringify(text)}`,
    fix: 'write for example 90s or 10m',
  });
}
