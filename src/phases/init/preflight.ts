// Phase preflight: look at the host before anything is changed, and have its images there.
import { KbError } from '../../errors.ts';
import { podFiles } from '../../preflight/checks/host-files.ts';
import { initChecks } from '../../preflight/index.ts';
import { ensureImages } from '../../preflight/images.ts';
import { runChecks, type PreflightRun } from '../../preflight/run.ts';
import { controlPlaneImages } from '../../kube/images.ts';
import type { Phase } from '../../workflow/phase.ts';
import { warn, type InitContext } from '../context.ts';
import { controlPlaneArtifacts } from './control-plane.ts';
import { explain, judgeEarlier, type EarlierInit } from './previous-run.ts';
import { etcdArtifacts } from './etcd.ts';
import { readExisting } from './existing.ts';
import { journalPath, parseJournal } from '../journal.ts';
import { readJournal } from './serving.ts';
import { planned } from '../../plan/planned.ts';

export const preflight: Phase<InitContext> = {
  name: 'preflight',
  summary: 'Run pre-flight checks and pull images',
  flags: ['config', 'image-repository', 'cri-socket', 'ignore-preflight-errors', 'dry-run', 'output'],
  run: check,
};

async function check(ctx: InitContext): Promise<void> {
  const earlier = await findEarlier(ctx);
  for (const text of earlier.corrections) {
    warn(ctx, 'preflight', `going on with a configuration that was corrected: ${text}`);
  }
  await judge(ctx, (finding) => explain(finding, earlier, ctx));
  const images = controlPlaneImages(ctx.spec.cluster);
  if (ctx.spec.isDryRun) {
    for (const image of images) {
      ctx.reporter.emit(planned(ctx.host.name, { op: 'image', name: image }));
    }
    return;
  }
  await ensureImages({
    host: ctx.host,
    reporter: ctx.reporter,
    images,
    criSocket: ctx.spec.node.criSocket,
    policy: ctx.spec.node.imagePullPolicy,
    isSerial: ctx.spec.node.imagePullSerial,
    ignore: [...ctx.ignorePreflightErrors],
    onResults: ctx.onChecked,
  });
}

/** @throws KbError KB_OTHER_SPEC, and beside it what the checks find: what is in the way has kubeadm's names there */
async function findEarlier(ctx: InitContext): Promise<EarlierInit> {
  const existing = await readExisting(ctx);
  const rendered = [...(await controlPlaneArtifacts(ctx)), ...(await etcdArtifacts(ctx))];
  try {
    return judgeEarlier(ctx, existing, rendered, await readJournal(ctx));
  } catch (cause) {
    // Of a cluster that kbinit made, the differences say it all.
    if (parseJournal(existing.get(journalPath)) !== undefined) throw cause;
    const found = await judge(ctx).catch((failure: unknown) => failure);
    if (!(cause instanceof KbError) || !(found instanceof KbError)) throw cause;
    throw new KbError([...cause.problems, ...found.problems]);
  }
}

async function judge(ctx: InitContext, isExplained?: PreflightRun['isExplained']): Promise<void> {
  await runChecks({
    host: ctx.host,
    reporter: ctx.reporter,
    batches: initChecks(ctx.spec, [podFiles(ctx.spec, await ctx.host.facts(), ctx.settings.patches)]),
    ignore: [...ctx.ignorePreflightErrors],
    isExplained,
    onResults: ctx.onChecked,
  });
}
