// What every workflow has, for a test of phases: a host, a recording reporter, and neither API server nor etcd.
import type { Host } from '../../src/host/host.ts';
import type { RunContext } from '../../src/phases/context.ts';
import { systemRandomSource, systemClock } from '../../src/util/keygen.ts';
import type { Phase } from '../../src/workflow/phase.ts';
import { runPhases } from '../../src/workflow/runner.ts';
import { selectPhases } from '../../src/workflow/select.ts';
import { recordingReporter } from './host.ts';

/** For what a test does not expect to be asked. @throws Error */
export function unused(): never {
  throw new Error('these phases were not to ask for it');
}

/** A test replaces what it has something to say about. */
export function runContext(host: Host, resumeCommand: string): RunContext {
  return {
    host,
    reporter: recordingReporter(),
    signal: new AbortController().signal,
    chance: systemRandomSource(),
    clock: systemClock,
    startedAt: new Date('2026-11-21T02:12:19.345Z'),
    apis: { open: unused },
    etcds: { open: unused },
    ignorePreflightErrors: new Set(),
    resumeCommand,
    print: unused,
  };
}

/** Run all phases of a workflow, unobserved. */
export async function runAll<C extends RunContext>(phases: readonly Phase<C>[], ctx: C): Promise<void> {
  await runPhases(selectPhases(phases, { skip: [] }), ctx, {
    signal: ctx.signal,
    now: () => 0,
    observer: { started: () => undefined, ended: () => undefined },
  });
}
