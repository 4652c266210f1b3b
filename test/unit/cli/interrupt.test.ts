import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchSignals } from '../../../src/cli/interrupt.ts';
import { recordingReporter } from '../../fakes/host.ts';

const interrupt = (): boolean => process.emit('SIGINT');

beforeEach(() => {
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`the process ended with ${String(code)}`);
  });
});

afterEach(() => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  vi.restoreAllMocks();
});

describe('Ctrl-C', () => {
  test('once, asks the run to stop', () => {
    const { signal } = watchSignals(recordingReporter(), 'master1');
    interrupt();
    expect(signal.aborted).toBe(true);
  });

  test('twice, ends it', () => {
    watchSignals(recordingReporter(), 'master1');
    interrupt();
    expect(interrupt).toThrow('ended with 130');
  });

  test('twice, ends it with the same code also while a stopped run closes its connections', () => {
    const watched = watchSignals(recordingReporter(), 'master1');
    interrupt();
    watched.stop();
    expect(interrupt).toThrow('ended with 130');
  });

  test('is not listened to after a run that nobody stopped', () => {
    watchSignals(recordingReporter(), 'master1').stop();
    expect(process.listenerCount('SIGINT')).toBe(0);
  });
});
