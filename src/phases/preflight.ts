// Phase preflight: look at the host before anything is changed, and have its images there.
import { initChecks } from '../preflight/index.ts';
import { ensureImages } from '../preflight/images.ts';
import { runChecks } from '../preflight/run.ts';
import { controlPlaneImages } from '../kube/images.ts';
import type { Phase } from '../workflow/phase.ts';
import { warn, type InitContext } from './context.ts';
import { controlPlaneArtifacts } from './control-plane.ts';
import { explain, judgeEarlier } from './earlier.ts';
import { etcdArtifacts } from './etcd.ts';
import { readExisting } from './existing.ts';

export const preflight: Phase<InitContext> = {
  name: 'preflight',
  summary: 'Check the host and its images',
  flags: ['config', 'image-repository', 'cri-socket', 'ignore-preflight-errors', 'dry-run', 'output'],
  run: check,
};

async function check(ctx: InitContext): Promise<void> {
  const existing = await readExisting(ctx);
  const earlier = judgeEarlier(ctx, existing, [...(await controlPlaneArtifacts(ctx)), ...(await etcdArtifacts(ctx))]);
  for (const text of earlier.corrections) {
    warn(ctx, 'preflight', `going on with a configuration that was corrected: ${text}`);
  }
  await runChecks({
    host: ctx.host,
    reporter: ctx.reporter,
    batches: initChecks(ctx.spec),
    ignore: [...ctx.ignorePreflightErrors],
    isExplained: (finding) => explain(finding, earlier, ctx),
    onResults: ctx.onChecked,
  });
  const images = controlPlaneImages(ctx.spec.cluster);
  if (ctx.spec.isDryRun) {
    for (const image of images) {
      ctx.reporter.emit({ kind: 'plan', host: ctx.host.name, text: `pull image ${image} where it is missing` });
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
