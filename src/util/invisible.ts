// Characters that do not show what they do: controls, marks that turn or hide text, spaces that only look like one.
// Written as code points, so that this file has none of them.

/** Control characters of both halves (ECMA-48), without tab and line feed where a text has lines. */
const c0 = String.raw`\u0000-\u0008\u000B-\u001F`;
const c1 = String.raw`\u007F-\u009F`;
/**
 * Marks that turn the order of text around (Unicode TR9) or have no width, line ends that only some programs know, the
 * byte order mark, tags.
 */
const marks = String.raw`\u00AD\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180E\u200B-\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF9-\uFFFB\u{E0000}-\u{E0FFF}`;
/** Whatever looks like a space and is another character. */
const spaces = String.raw`\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000`;

const steering = new RegExp(`[${c0}${c1}${marks}]`, 'u');
const steeringAll = new RegExp(`[${c0}${c1}${marks}]`, 'gu');
const unseen = new RegExp(String.raw`[${c1}${marks}${spaces}]`, 'gu');
const lookalikes = new RegExp(`[${marks}${spaces}]`, 'gu');
const escapes = new RegExp(String.raw`\u001B\[[0-9;?]*[ -/]*[@-~]|[${c0}${c1}]`, 'gu');
const marksAll = new RegExp(`[${marks}]`, 'gu');

/** Whether a text has a character that steers a terminal or hides what it says. Tab and line feed do not count. */
export function hasSteering(text: string): boolean {
  return steering.test(text);
}

/** A control character of any kind, tab and line feed too, or a mark that hides what a text says. */
export function isOneVisibleLine(text: string): boolean {
  return !hasSteering(text) && !/[\t\n]/.test(text);
}

/** Text that others wrote must not steer the terminal: controls but tab and line feed are dropped, marks are escaped. */
export function printable(text: string): string {
  return text.replaceAll(escapes, '').replaceAll(marksAll, escapeOf);
}

/** A value in an error: in quotes, with everything in it that is not seen written as an escape. */
export function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).replaceAll(unseen, escapeOf);
}

/** A text in an error, without quotes: marks, and what only looks like a space, are written as escapes. */
export function visible(text: string): string {
  return text.replaceAll(lookalikes, escapeOf);
}

/** JSON text of any depth in which nothing steers: what JSON.stringify leaves is escaped, which means the same to a reader. */
export function escapedJson(text: string): string {
  return text.replaceAll(steeringAll, escapeOf);
}

/** `\u202e`; two of them for a character beyond the first plane, as JSON has it. */
function escapeOf(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
