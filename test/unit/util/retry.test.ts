import { expect, test } from 'vitest';
import { retry, sleep } from '../../../src/util/retry.ts';

test('retry gives the first answer that is no error', async () => {
  const answer = await retry(
    async (attempt) => {
      if (attempt < 3) throw new Error('no');
      return attempt;
    },
    { tries: 3, firstDelaySeconds: 0.001, isWorthRetrying: () => true },
  );
  expect(answer).toBe(3);
});

test('retry gives up with the last error after its tries, and at once when it is not worth it', async () => {
  let calls = 0;
  const failing = async (): Promise<never> => {
    throw new Error(`call ${++calls}`);
  };
  const options = { tries: 3, firstDelaySeconds: 0.001, isWorthRetrying: () => true };
  await expect(retry(failing, options)).rejects.toThrow('call 3');
  await expect(retry(failing, { ...options, isWorthRetrying: () => false })).rejects.toThrow('call 4');
});

test('sleep ends early when it is aborted', async () => {
  const start = performance.now();
  await expect(sleep(10, AbortSignal.timeout(20))).rejects.toThrow();
  expect(performance.now() - start).toBeLessThan(2000);
});
