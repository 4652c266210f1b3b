import { expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { TimedOut, until } from '../../../src/util/until.ts';

const options = { timeoutSeconds: 0.05, intervalMs: 5, signal: new AbortController().signal };

test('the first good answer ends the wait', async () => {
  let tries = 0;
  const value = await until('three', { ...options, timeoutSeconds: 5 }, () =>
    Promise.resolve(++tries < 3 ? { notYet: `try ${tries}` } : { value: tries }),
  );
  expect(value).toBe(3);
});

test('when time is up the last answer is told', async () => {
  const waiting = until('never', options, () => Promise.resolve({ notYet: 'HTTP 503' }));
  await expect(waiting).rejects.toMatchObject({ what: 'never', last: 'HTTP 503' });
  await expect(waiting).rejects.toBeInstanceOf(TimedOut);
});

test('a failed try is an answer, a KbError ends the wait at once', async () => {
  await expect(until('x', options, () => Promise.reject(new Error('ECONNREFUSED')))).rejects.toMatchObject({
    last: 'ECONNREFUSED',
  });
  const problem = { code: 'KB_TEST', summary: '', detail: '', fix: '' } as const;
  await expect(until('x', options, () => Promise.reject(new KbError(problem)))).rejects.toBeInstanceOf(KbError);
});

test('a wait that is of no use ends before its time', async () => {
  const waiting = until('x', { ...options, timeoutSeconds: 60 }, async () => ({ hopeless: 'it ended twice' }));
  await expect(waiting).rejects.toMatchObject({ last: 'it ended twice', seconds: 0 });
});

test('a run that is told to stop does not wait on', async () => {
  const controller = new AbortController();
  const waiting = until('x', { ...options, timeoutSeconds: 60, signal: controller.signal }, () =>
    Promise.resolve({ notYet: 'no' }),
  );
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ problems: [{ code: 'KB_INTERRUPTED' }] });
});
