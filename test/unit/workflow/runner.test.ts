import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { runPhases, type RunObserver } from '../../../src/workflow/runner.ts';
import type { Phase } from '../../../src/workflow/phase.ts';
import { selectPhases } from '../../../src/workflow/select.ts';

function observed(): { lines: string[]; observer: RunObserver } {
  const lines: string[] = [];
  return {
    lines,
    observer: {
      started: (phase) => lines.push(`${phase} started`),
      ended: (phase, outcome, _seconds, reason) => lines.push([phase, outcome, reason].filter(Boolean).join(' ')),
    },
  };
}

function runAll(phases: readonly Phase<unknown>[], signal = new AbortController().signal): Promise<string[]> {
  const { lines, observer } = observed();
  return runPhases(selectPhases(phases, { skip: [] }), {}, { observer, signal, now: () => 0 }).then(() => lines);
}

test('each phase is told when it starts and how it ended', async () => {
  const lines = await runAll([
    { name: 'a', summary: '', run: () => Promise.resolve('unchanged') },
    { name: 'b', summary: '', skip: () => 'not asked for', run: () => Promise.reject(new Error('must not run')) },
    { name: 'c', summary: '', run: () => Promise.resolve() },
  ]);
  expect(lines).toEqual(['a started', 'a unchanged', 'b started', 'b skipped not asked for', 'c started', 'c done']);
});

test('the first failure ends the run and names its phase', async () => {
  const { lines, observer } = observed();
  const problem = { code: 'KB_TEST', summary: 's', detail: 'd', fix: 'f' } as const;
  const phases: readonly Phase<unknown>[] = [
    { name: 'a', summary: '', run: () => Promise.reject(new KbError(problem)) },
    { name: 'b', summary: '', run: () => Promise.resolve() },
  ];
  const options = { observer, signal: new AbortController().signal, now: () => 0 };
  await expect(runPhases(selectPhases(phases, { skip: [] }), {}, options)).rejects.toMatchObject({
    problems: [{ code: 'KB_TEST', phase: 'a' }],
  });
  expect(lines).toEqual(['a started', 'a failed']);
});

test('a run that is told to stop ends before the next phase with exit code 130', async () => {
  const controller = new AbortController();
  const phases: readonly Phase<unknown>[] = [
    {
      name: 'a',
      summary: '',
      run: () => {
        controller.abort();
        return Promise.resolve();
      },
    },
    { name: 'b', summary: '', run: () => Promise.reject(new Error('must not run')) },
  ];
  await expect(runAll(phases, controller.signal)).rejects.toMatchObject({
    exitCode: 130,
    problems: [{ code: 'KB_INTERRUPTED', detail: 'the run stopped before phase b' }],
  });
});

describe('a phase that failed', () => {
  const lost = { code: 'KB_SSH_LOST', summary: 's', detail: 'd', fix: 'f' } as const;
  const run = async (failures: number, isWorthRepeating: (phase: string, error: unknown, n: number) => boolean) => {
    const { lines, observer } = observed();
    let runs = 0;
    const flaky: Phase<unknown> = {
      name: 'a',
      summary: '',
      run: () => (++runs <= failures ? Promise.reject(new KbError(lost)) : Promise.resolve('unchanged')),
    };
    const options = { observer, signal: new AbortController().signal, now: () => 0, isWorthRepeating };
    const ended = await runPhases(selectPhases([flaky], { skip: [] }), {}, options).then(
      () => 'done',
      (error: unknown) => String(error),
    );
    return { runs, lines, ended };
  };

  test('is run again while the rule says so, and told once', async () => {
    const { runs, lines, ended } = await run(2, (phase, _error, attempt) => phase === 'a' && attempt < 3);
    expect([runs, ended, lines]).toEqual([3, 'done', ['a started', 'a unchanged']]);
  });

  test('fails with its own error when the rule has had enough', async () => {
    const { runs, lines, ended } = await run(9, (_phase, _error, attempt) => attempt < 3);
    expect([runs, lines]).toEqual([3, ['a started', 'a failed']]);
    expect(ended).toContain('KB_SSH_LOST');
  });
});
