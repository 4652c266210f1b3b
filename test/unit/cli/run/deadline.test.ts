import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  deadlineGrace,
  readLimit,
  startDeadline,
  unlessOverdue,
  type Deadline,
} from '../../../../src/cli/run/deadline.ts';
import { interrupted, KbError } from '../../../../src/errors.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { recordingReporter } from '../../../fakes/host.ts';

describe('--deadline', () => {
  test('is a Go duration', () => {
    expect(readLimit(undefined)).toBeUndefined();
    expect(readLimit('2m30s')).toEqual({ text: '2m30s', seconds: 150 });
    expect(readLimit('500ms')?.seconds).toBe(0.5);
  });

  // 600h is more than a timer can count: it would fire at once.
  test.each(['', '0', '0s', '-5m', '10', 'soon', '600h'])('%j is refused', (text) => {
    expect(() => readLimit(text)).toThrow('KB_CONFIG');
  });
});

describe('a run with a limit (R31)', () => {
  let stopped: boolean;
  let deadline: Deadline;
  const reporter = recordingReporter();

  beforeEach(() => {
    vi.useFakeTimers();
    stopped = false;
    deadline = startDeadline(readLimit('60s'), {
      abort: () => (stopped = true),
      reporter,
      host: 'master1',
      resumeCommand: 'kbinit init --deadline 60s',
    });
  });

  afterEach(() => {
    deadline.clear();
    vi.useRealTimers();
  });

  test('is told to stop when it has passed, and not before', async () => {
    await vi.advanceTimersByTimeAsync(59_999);
    expect([stopped, deadline.hasPassed()]).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect([stopped, deadline.hasPassed()]).toEqual([true, true]);
    expect(reporter.events).toContainEqual(expect.objectContaining({ kind: 'warning', host: 'master1' }));
  });

  test('may finish the step that runs then', async () => {
    const work = unlessOverdue(new Promise<string>((resolve) => setTimeout(() => resolve('done'), 62_000)), deadline);
    await vi.advanceTimersByTimeAsync(62_000);
    await expect(work).resolves.toBe('done');
  });

  test('is left within five seconds where its host hangs, closing included', async () => {
    const failed = failureOf(unlessOverdue(new Promise<never>(() => undefined), deadline));
    await vi.advanceTimersByTimeAsync(60_000 + deadlineGrace.step * 1000 + 300);
    const error = await failed;
    expect(error.exitCode).toBe(1);
    expect(error.problems).toMatchObject([{ code: 'KB_DEADLINE', fix: expect.stringContaining('kbinit init --dead') }]);
    expect(deadlineGrace.step + 0.3 + deadlineGrace.close).toBeLessThan(5);
  });

  test('each host of many that hangs says so before the run is left', async () => {
    const order: string[] = [];
    const ofHost = deadline.overdue.catch(() => order.push('host'));
    const ofRun = unlessOverdue(new Promise<never>(() => undefined), deadline).catch(() => order.push('run'));
    await vi.advanceTimersByTimeAsync(65_000);
    await Promise.all([ofHost, ofRun]);
    expect(order).toEqual(['host', 'run']);
  });

  test('ends with exit code 1 and the interruption in words of the limit', async () => {
    const stop = interrupted('the run stopped before phase etcd', { host: 'master1' });
    expect(deadline.explain(stop)).toBe(stop);
    await vi.advanceTimersByTimeAsync(60_000);
    const { problems, exitCode } = deadline.explain(stop);
    expect(exitCode).toBe(1);
    expect(problems).toMatchObject([{ code: 'KB_DEADLINE', host: 'master1' }]);
    expect(problems[0]?.detail).toMatch(/60s of --deadline.*before phase etcd/);
  });

  test('keeps a failure that came while it was stopped, but ends as what it is', async () => {
    await vi.advanceTimersByTimeAsync(60_000);
    const lost = new KbError({ code: 'KB_SSH_LOST', summary: '', detail: '', fix: '' });
    const { problems, exitCode } = deadline.explain(lost);
    expect(problems.map(({ code }) => code)).toEqual(['KB_SSH_LOST', 'KB_DEADLINE']);
    expect(exitCode).toBe(1);
  });

  test('that has ended is not stopped any more', async () => {
    deadline.clear();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(stopped).toBe(false);
  });
});
