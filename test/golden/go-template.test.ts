// Templates beside Go's text/template (go-template/record.go): what kbinit prints is what Go prints, what Go refuses it
// refuses, and it refuses nothing more than this list.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseTemplate } from '../../src/cli/output/go-template.ts';
import { KbError } from '../../src/errors.ts';

const folder = new URL('go-template/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const { object, templates }: { object: unknown; templates: readonly string[] } = JSON.parse(read('templates.json'));
const results: readonly (readonly [string | null, string | null])[] = JSON.parse(read('results.json'));

/** What Go takes and kbinit does not. */
const outside: readonly RegExp[] = [
  // Verbs other than %v, %s, %d, %q and %t with a width, and arguments of another type, too few or too many.
  /printf/,
  /\{\{(?:slice|urlquery|js) /,
  /\{\{(?:break|continue|define|block|else with)\b/,
  // The bytes of a string, and counting.
  /index (?:\.s|\.u|"x") 0/,
  /range (?:\$i := )?(?:\.i|\.z|1|3)\}/,
  // Other forms of numbers, characters, bytes that are no text.
  /\{\{(?:1e3|0x10|1_000|010|3\.0|\.1|1\.|'a'|"\\xff")\}\}/,
  // The object as a variable to set, and a pipe to nowhere.
  /\{\{\$ :?= 1\}\}/,
  /\|\}\}$/,
];

/** null where it is refused. */
function print(template: string, allowsMissing: boolean): string | null {
  try {
    return parseTemplate(template, allowsMissing)(object);
  } catch (error) {
    if (error instanceof KbError && error.has('KB_OUTPUT')) return null;
    throw error;
  }
}

test.each([
  ['with missing keys allowed', 0, true],
  ['without', 1, false],
] as const)('%s, templates print what Go prints, or are refused', (_, column, allowsMissing) => {
  const wrong = templates.flatMap((template, index) => {
    const wanted = results[index]?.[column] ?? null;
    const found = print(template, allowsMissing);
    if (found === wanted || (found === null && outside.some((form) => form.test(template)))) return [];
    return [{ template, wanted, found }];
  });
  expect(wrong).toEqual([]);
});

test('the list of what is refused is no longer than that', () => {
  const isRefused = (form: RegExp): boolean =>
    templates.some((template, index) => form.test(template) && results[index]?.[0] !== null && print(template, true) === null);
  expect(outside.filter((form) => !isRefused(form))).toEqual([]);
});
