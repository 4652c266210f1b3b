import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { completeInit, completeJoin } from '../../../src/config/complete.ts';
import { loadFile } from '../../../src/config/load-file.ts';
import { loadInit, loadJoin, loadReset } from '../../../src/config/load.ts';
import {
  clusterConfigurationDocument,
  clusterConfigurationV1beta3,
  initConfigurationDocument,
  initConfigurationV1beta3,
  joinConfigurationDocument,
  joinConfigurationV1beta3,
  resetConfigurationDocument,
  upgradeConfigurationDocument,
} from '../../../src/config/write.ts';
import { writeYaml } from '../../../src/util/yaml.ts';
import { init, join, nowhere, reset, upgrade } from './arbitraries.ts';
import { fixedRandomSource } from './facts.ts';

test('any init spec written as v1beta4 reads back as the same spec', () => {
  fc.assert(
    fc.property(init, (spec) => {
      const documents = [initConfigurationDocument(spec), clusterConfigurationDocument(spec.cluster)];
      const { draft, warnings } = loadInit(documents.map(writeYaml).join('---\n'), 'written.yaml', {});
      expect(warnings).toEqual([]);
      const again = completeInit(draft, nowhere, fixedRandomSource).spec;
      const { kubelet, kubeProxy } = again.cluster;
      expect(again).toEqual({ ...spec, cluster: { ...spec.cluster, kubelet, kubeProxy } });
    }),
    { numRuns: 200 },
  );
});

test('any join spec written as v1beta4 reads back as the same spec', () => {
  fc.assert(
    fc.property(join, (spec) => {
      const { draft, warnings } = loadJoin(writeYaml(joinConfigurationDocument(spec)), 'written.yaml', {});
      expect(warnings).toEqual([]);
      expect(completeJoin(draft, nowhere).spec).toEqual(spec);
    }),
    { numRuns: 200 },
  );
});

test('any reset spec written as v1beta4 reads back as the same spec', () => {
  fc.assert(
    fc.property(reset, (spec) => {
      const { draft, warnings } = loadReset(writeYaml(resetConfigurationDocument(spec)), 'written.yaml', {});
      expect(warnings).toEqual([]);
      expect(draft).toEqual(spec);
    }),
    { numRuns: 200 },
  );
});

test('any upgrade spec written as v1beta4 reads back as the same spec', () => {
  fc.assert(
    fc.property(upgrade, (spec) => {
      const { draft, warnings } = loadFile(writeYaml(upgradeConfigurationDocument(spec)), 'written.yaml');
      expect(warnings).toEqual([]);
      expect(draft.upgrade).toEqual(spec);
    }),
    { numRuns: 200 },
  );
});

test('any v1beta3 init file is the same after it went through the hub', () => {
  fc.assert(
    fc.property(init, (spec) => {
      const write = (one: typeof spec): readonly unknown[] => [
        initConfigurationV1beta3(one),
        clusterConfigurationV1beta3(one.cluster, one.timeouts.controlPlaneComponentHealthCheck),
      ];
      const { draft } = loadInit(write(spec).map(writeYaml).join('---\n'), 'written.yaml', {});
      expect(write(completeInit(draft, nowhere, fixedRandomSource).spec)).toEqual(write(spec));
    }),
    { numRuns: 200 },
  );
});

test('any v1beta3 join file is the same after it went through the hub', () => {
  fc.assert(
    fc.property(join, (spec) => {
      const document = joinConfigurationV1beta3(spec);
      const { draft } = loadJoin(writeYaml(document), 'written.yaml', {});
      expect(joinConfigurationV1beta3(completeJoin(draft, nowhere).spec)).toEqual(document);
    }),
    { numRuns: 200 },
  );
});
