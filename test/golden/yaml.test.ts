// Texts beside sigs.k8s.io/yaml (yaml/record.go): what kbinit writes is byte for byte what kubeadm writes.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeYaml } from '../../src/util/yaml.ts';

const folder = new URL('yaml/', import.meta.url);
const texts: readonly string[] = JSON.parse(readFileSync(new URL('texts.json', folder), 'utf8'));
const results: readonly string[] = JSON.parse(readFileSync(new URL('results.json', folder), 'utf8'));

/** What reads back the same and looks different. */
const others: readonly RegExp[] = [
  // Go folds a text with spaces at 80 columns.
  /^(?=.* )[^\n]{80,}$/,
  // YAML 1.2 readers may take these for a merge key and a default value.
  /^(?:<<|=)$/,
  // An indentation that needs no indicator, line breaks of Unicode, what nobody sees, characters beyond 16 bits.
  /^\n|[\u0085\u2028\ufeff\u{10000}-\u{10ffff}]/u,
];

test('a text is quoted as kubeadm quotes it', () => {
  expect(texts.length).toBeGreaterThan(250);
  const differences = texts.flatMap((text, n) => {
    const ours = writeYaml({ items: [text], value: text });
    return ours === results[n] ? [] : [{ text, ours, theirs: results[n] }];
  });
  expect(differences.filter(({ text }) => !others.some((pattern) => pattern.test(text)))).toEqual([]);
});
