// KYAML: YAML that is written with braces and quotes only, so that nothing depends on indentation (KEP-5295).

/** A document, with the line of dashes before it that KYAML begins with. */
export function writeKyaml(value: unknown): string {
  return `---\n${write(value, '')}\n`;
}

const key = /^[A-Za-z_][A-Za-z0-9_-]*$/;
/** Words that another reader might take for something else than text. */
const ambiguous = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i;

function write(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    const items = value.map((item) => write(item, `${indent}  `));
    return block('[', items, ']', indent);
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, child]) => {
    const label = key.test(name) && !ambiguous.test(name) ? name : JSON.stringify(name);
    return `${label}: ${write(child, `${indent}  `)}`;
  });
  return block('{', entries, '}', indent);
}

function block(open: string, items: readonly string[], close: string, indent: string): string {
  if (items.length === 0) return open + close;
  return `${open}\n${items.map((item) => `${indent}  ${item},\n`).join('')}${indent}${close}`;
}
