import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchSignals, type Leaving } from '../../../../src/cli/run/interrupt.ts';
import { recordingReporter } from '../../../fakes/host.ts';

const interrupt = (): boolean => process.emit('SIGINT');
const leaving: Leaving = {
  open: () => ['certs on master1'],
  resumeCommand: 'kbinit init --host master1',
  startedAt: 0,
};

beforeEach(() => {
  // The grace of a run that was asked to stop ends the process; no test waits for it.
  vi.useFakeTimers();
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`the process ended with ${String(code)}`);
  });
});

afterEach(() => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('Ctrl-C', () => {
  test('once, asks the run to stop', () => {
    const { signal } = watchSignals(recordingReporter(), 'master1', leaving);
    interrupt();
    expect(signal.aborted).toBe(true);
  });

  test('twice, ends it', () => {
    watchSignals(recordingReporter(), 'master1', leaving);
    interrupt();
    expect(interrupt).toThrow('ended with 130');
  });

  test.each([
    [['certs on master1'], 'phase certs on master1 was not completed'],
    [['room on n1', 'packages on n2'], 'phases room on n1, packages on n2 were not completed'],
    [[], 'the current step was not completed'],
  ])('twice, says what of %j it left and how to go on', (open, detail) => {
    const reporter = recordingReporter();
    watchSignals(reporter, 'master1', { ...leaving, open: () => open });
    interrupt();
    expect(interrupt).toThrow('ended with 130');
    expect(reporter.events.slice(1)).toMatchObject([
      {
        kind: 'problem',
        problem: { code: 'KB_INTERRUPTED', detail, fix: 'to continue, run: `kbinit init --host master1`' },
      },
      { kind: 'run-end', exitCode: 130 },
    ]);
  });

  test('twice, ends it with the same code also while a stopped run closes its connections', () => {
    const watched = watchSignals(recordingReporter(), 'master1', leaving);
    interrupt();
    watched.stop();
    expect(interrupt).toThrow('ended with 130');
  });

  test('is not listened to after a run that nobody stopped', () => {
    watchSignals(recordingReporter(), 'master1', leaving).stop();
    expect(process.listenerCount('SIGINT')).toBe(0);
  });
});
