import { expect, test } from 'vitest';
import { deleteTokens } from '../../../../src/cli/commands/token-run.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { failureOf } from '../../../fakes/failure.ts';

const token = (id: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
});

test('an unknown token fails with the ids there are, after those that exist were deleted', async () => {
  const api = new FakeApi(['aaaaaa', 'bbbbbb', 'cccccc'].map(token));
  const deleted: string[] = [];
  const run = deleteTokens(api.open({ server: '' }), ['nosuch', 'bbbbbb'], (id) => void deleted.push(id));
  const { exitCode, problems } = await failureOf(run);
  expect(exitCode).toBe(1);
  expect(problems).toMatchObject([{ code: 'KB_TOKEN_UNKNOWN' }]);
  expect(problems[0]?.detail).toMatch(/tokens: aaaaaa, cccccc$/);
  expect(deleted).toEqual(['bbbbbb']);
});
