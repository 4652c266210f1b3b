// What `config migrate` writes: every kubeadm document of a file, complete, in the newest API version.
import { KbError, type Problem } from '../errors.ts';
import type { HostFacts } from '../host/host.ts';
import type { RandomSource } from '../util/keygen.ts';
import { completeInit, completeJoin, completeReset, type CompleteOptions } from './complete.ts';
import type { ConfigWarning } from './draft.ts';
import type { WholeFile } from './load-file.ts';
import { validateUpgrade } from './validate.ts';
import {
  clusterConfigurationV1beta4,
  initConfigurationDocument,
  joinConfigurationDocument,
  resetConfigurationDocument,
  upgradeConfigurationDocument,
} from './write.ts';

/** The documents of a file after completion, and what there is to say about them. */
export interface Migrated {
  readonly documents: readonly Record<string, unknown>[];
  readonly warnings: readonly ConfigWarning[];
}

/** Runs every part, so that the problems of all are told at once. */
class Collector {
  readonly documents: Record<string, unknown>[] = [];
  readonly warnings: ConfigWarning[] = [];
  readonly problems: Problem[] = [];

  add<T>(
    complete: () => { readonly spec: T; readonly warnings: readonly ConfigWarning[] },
    write: (spec: T) => readonly Record<string, unknown>[],
  ): void {
    try {
      const { spec, warnings } = complete();
      this.warnings.push(...warnings);
      this.documents.push(...write(spec));
    } catch (error) {
      if (!(error instanceof KbError)) throw error;
      this.problems.push(...error.problems);
    }
  }
}

/**
 * The documents of a file as v1beta4, with every default; component configs are not among them, as with kubeadm.
 * @throws KbError every problem of every kind at once
 */
export function migrate(
  file: WholeFile,
  facts: HostFacts,
  chance: Pick<RandomSource, 'tokenCharacters'>,
  options: CompleteOptions = {},
): Migrated {
  const all = new Collector();
  const { init, join, reset, upgrade } = file;
  if (init !== undefined) {
    all.add(
      () => completeInit(init, facts, chance, options),
      (spec) => [initConfigurationDocument(spec), clusterConfigurationV1beta4(spec.cluster)],
    );
  }
  if (join !== undefined) {
    all.add(
      () => completeJoin(join, facts, options),
      (spec) => [joinConfigurationDocument(spec)],
    );
  }
  if (reset !== undefined) {
    all.add(
      () => completeReset(reset, facts),
      (spec) => [resetConfigurationDocument(spec)],
    );
  }
  if (upgrade !== undefined) {
    const { list, warnings } = validateUpgrade(upgrade);
    all.problems.push(...list);
    all.warnings.push(...warnings);
    all.documents.push(upgradeConfigurationDocument(upgrade));
  }
  if (all.problems.length > 0) throw new KbError(all.problems);
  return all;
}
