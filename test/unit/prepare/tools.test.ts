import { expect, test } from 'vitest';
import { installationEntries } from '../../../src/prepare/recorded.ts';
import { wantedTools } from '../../../src/prepare/tools.ts';
import { bareState } from './states.ts';

test('tc has a package of its own from release 8 on', () => {
  const distro = { family: 'rhel', id: 'centos', name: 'CentOS', release: 7 } as const;
  expect(wantedTools(bareState, distro).wanted).toContain('iproute');
  expect(wantedTools(bareState, { ...distro, release: 8 }).wanted).toContain('iproute-tc');
});

test('a folder that packages leave behind is noted before them, so that it goes after them', () => {
  const missingFolders = new Set(['/etc/containerd']);
  expect(installationEntries({ ...bareState, missingFolders }, 'rpm', []).map(({ kind }) => kind)).toEqual([
    'folder',
    'packages',
  ]);
  expect(installationEntries(bareState, 'rpm', ['kubelet.service']).map(({ kind }) => kind)).toEqual([
    'packages',
    'unit',
  ]);
});
