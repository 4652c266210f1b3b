// Reset, phase preflight: ask, because what follows cannot be undone.
import { KbError } from '../../errors.ts';
import { resetChecks } from '../../preflight/index.ts';
import { runChecks } from '../../preflight/run.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { ResetContext } from './context.ts';

export const resetPreflight: Phase<ResetContext> = {
  name: 'preflight',
  aliases: ['pre-flight'],
  summary: 'Run reset pre-flight checks',
  flags: ['ignore-preflight-errors', 'force', 'dry-run'],
  run: check,
};

async function check(ctx: ResetContext): Promise<void> {
  if (!ctx.spec.isForced && !ctx.spec.isDryRun) {
    const question = `[reset] This undoes what init or join did to ${ctx.host.name}; data of a local etcd is destroyed.\n[reset] Are you sure you want to proceed? [y/N]: `;
    if (!(await ctx.ask(question))) {
      throw new KbError({
        code: 'KB_NOT_CONFIRMED',
        summary: 'nothing was reset',
        host: ctx.host.name,
        detail: 'the question was not answered with y or yes',
        fix: 'answer y, or give --force to skip the confirmation prompt',
      });
    }
  }
  await runChecks({
    host: ctx.host,
    reporter: ctx.reporter,
    batches: resetChecks(),
    ignore: [...ctx.ignorePreflightErrors],
  });
}
