import { expect, test } from 'vitest';
import { wantedTools } from '../../../src/prepare/tools.ts';
import { bareState } from './states.ts';

test('tc has a package of its own from release 8 on', () => {
  const distro = { family: 'rhel', id: 'centos', name: 'CentOS', release: 7 } as const;
  expect(wantedTools(bareState, distro).wanted).toContain('iproute');
  expect(wantedTools(bareState, { ...distro, release: 8 }).wanted).toContain('iproute-tc');
});
