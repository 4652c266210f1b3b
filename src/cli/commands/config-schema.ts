// What `config schema` does.
import { configProblem } from '../../config/report.ts';
import { jsonSchema, schemaOfAll, schemaKinds } from '../../config/schema.ts';
import { KbError } from '../../errors.ts';

/** Print one kind's JSON schema, or all kinds' as one. @throws KbError KB_CONFIG */
export function runSchema(kind: string | undefined, options: { readonly apiVersion?: string }): void {
  const schema = kind === undefined ? schemaOfAll() : oneOf(kind, options.apiVersion);
  process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
}

function oneOf(kind: string, version: string | undefined): Record<string, unknown> {
  const matches = schemaKinds().filter(
    (known) => known.kind === kind && (version === undefined || known.apiVersion.endsWith(version)),
  );
  // The last one is the newest.
  const found = matches.at(-1);
  if (found !== undefined) return jsonSchema(found);
  const known = schemaKinds()
    .map(({ apiVersion, kind: name }) => `${name} (${apiVersion})`)
    .join(', ');
  throw new KbError(configProblem(`no schema for ${[version, kind].join(' ').trim()}`, `name one of ${known}`));
}
