// What `config validate` finds in a file: no host is looked at, so what only a host can tell is taken as it would be.
import type { RandomSource } from '../util/keygen.ts';
import type { ConfigWarning } from './draft.ts';
import { loadFile } from './load-file.ts';
import { migrate } from './migrate.ts';
import { factsOfNoHost } from './no-host.ts';
import type { VersionLabels } from './version.ts';

/**
 * Everything there is to say about a file that could be used.
 * @throws KbError with every problem
 */
export function validateFile(
  text: string | Uint8Array,
  source: string,
  chance: Pick<RandomSource, 'tokenCharacters'>,
  labels: VersionLabels = new Map(),
): readonly ConfigWarning[] {
  const { draft, warnings } = loadFile(text, source, labels);
  const { init, join } = draft;
  const endpoints = [init?.localAPIEndpoint, join?.controlPlane?.localAPIEndpoint];
  const given = endpoints.map((endpoint) => endpoint?.advertiseAddress);
  const facts = factsOfNoHost(init?.cluster.networking.serviceSubnet ?? '', given);
  return [...warnings, ...migrate(draft, facts, chance).warnings];
}
