// Go templates, the part of text/template that printing an object needs: fields, variables, pipes, range, if, with and
// functions. What is outside of it is refused; what is inside prints what kubectl prints (test/golden/go-template).
import { callFunction, isFunction, isRecord, isTrue, byBytes, printed, refuse } from './go-functions.ts';
import { wrong } from './wrong.ts';

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  | { readonly kind: 'set'; readonly name: string; readonly isNew: boolean; readonly pipe: Pipe }
  | {
      readonly kind: 'range' | 'if' | 'with';
      readonly names: readonly string[];
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

/** Commands, each getting the value of the one before as its last argument. */
type Pipe = readonly (readonly Term[])[];

type Term =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'nil' }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'path'; readonly variable: string | undefined; readonly fields: readonly string[] }
  | { readonly kind: 'group'; readonly pipe: Pipe; readonly fields: readonly string[] };

/** @throws KbError KB_OUTPUT when the template is none, or (unless allowed) a key is missing when it is used */
export function parseTemplate(text: string, allowsMissing: boolean): (root: unknown) => string {
  const nodes = new Parser(text).document();
  return (root) => new Runner(allowsMissing, root).all(nodes, root);
}

function bad(template: string, why: string): never {
  throw wrong(`${JSON.stringify(template)}: ${why}`, 'write it like {{range .images}}{{.}}{{"\\n"}}{{end}}');
}

const blank = /[ \t\r\n]+/y;
const tokenPattern =
  /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`|:=|=|,|\||\(|\)(?:\.[A-Za-z_]\w*)*|-?\d[\w.]*|\$\w*(?:\.[A-Za-z_]\w*)*|(?:\.[A-Za-z_]\w*)+|\.|[A-Za-z_]\w*/y;

/** The words of one action. Two terms have a blank between them. */
function tokensOf(action: string, template: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  let isApart = true;
  while (at < action.length) {
    blank.lastIndex = at;
    if (blank.test(action)) {
      isApart = true;
      at = blank.lastIndex;
      continue;
    }
    tokenPattern.lastIndex = at;
    const [token] = tokenPattern.exec(action) ?? [];
    if (token === undefined) return bad(template, `{{${action}}} cannot be read`);
    const isMark = /^(?::=|=|,|\||\()$/.test(token);
    if (!isApart && !isMark && !token.startsWith(')')) {
      bad(template, `{{${action}}}: a blank is missing before ${token}`);
    }
    if (!isApart && token === '(') bad(template, `{{${action}}}: a blank is missing before (`);
    tokens.push(token);
    isApart = isMark;
    at += token.length;
  }
  return tokens;
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** A quoted string as Go reads it. */
function unquoted(token: string, template: string): string {
  return token
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{3})|(.))/gisu,
      (whole: string, ...found: readonly (string | undefined)[]) => {
        const [hex, short, long, octal, name = ''] = found;
        const code = octal === undefined ? Number.parseInt(hex ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8);
        const isByte = hex !== undefined || octal !== undefined;
        const char = Number.isNaN(code) ? escapes[name] : undefined;
        if (char !== undefined) return char;
        // A byte that is no character by itself, half of a pair, or no code point at all.
        if (Number.isNaN(code) || (isByte && code > 0x7f) || (code > 0xd7ff && code < 0xe000) || code > 0x10_ff_ff) {
          return bad(template, `${whole} is not a character`);
        }
        return String.fromCodePoint(code);
      },
    );
}

class Parser {
  readonly #template: string;
  readonly #pieces: readonly string[];
  /** Names of the variables of each block around this place; that without a name is the object. */
  readonly #known: Set<string>[] = [new Set([''])];
  #next = 0;

  constructor(template: string) {
    this.#template = template;
    // Text and actions in turn; braces in quotes do not end an action.
    const pieces = template.split(/(\{\{(?:"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`|\/\*[\s\S]*?\*\/|[^"`}]|\}(?!\}))*\}\})/);
    // Dashes at the braces eat the white space on their side.
    this.#pieces = pieces.map((piece, index) => {
      if (index % 2 === 1) return piece.replace(/^\{\{-[ \t\r\n]/, '{{').replace(/[ \t\r\n]-\}\}$/, '}}');
      const left = /[ \t\r\n]-\}\}$/.test(pieces[index - 1] ?? '') ? piece.replace(/^[ \t\r\n]+/, '') : piece;
      return /^\{\{-[ \t\r\n]/.test(pieces[index + 1] ?? '') ? left.replace(/[ \t\r\n]+$/, '') : left;
    });
  }

  document(): readonly Node[] {
    const { nodes, end } = this.#block();
    if (end !== undefined) bad(this.#template, `{{${end}}} has no beginning`);
    return nodes;
  }

  /** Nodes up to an `end` or `else`, which is returned too. */
  #block(): { readonly nodes: readonly Node[]; readonly end: string | undefined } {
    const nodes: Node[] = [];
    this.#known.push(new Set());
    let end: string | undefined;
    while (end === undefined && this.#next < this.#pieces.length) {
      const isAction = this.#next % 2 === 1;
      const piece = this.#pieces[this.#next++] ?? '';
      if (!isAction) {
        if (piece.includes('{{')) bad(this.#template, 'an action is not closed');
        if (piece !== '') nodes.push({ kind: 'text', text: piece });
        continue;
      }
      const action = piece.slice(2, -2);
      const words = action.trim();
      if (/^(?:end|else)(?!\w)/.test(words)) end = words;
      else if (!this.#isComment(action)) nodes.push(this.#action(words));
    }
    this.#known.pop();
    return { nodes, end };
  }

  #isComment(action: string): boolean {
    if (!action.trim().startsWith('/*')) return false;
    // Go wants it right at the braces.
    if (!/^\/\*[\s\S]*\*\/$/.test(action)) bad(this.#template, `{{${action}}} is not a comment`);
    return true;
  }

  #action(action: string): Node {
    const keyword = /^(range|if|with)(?!\w)(.*)$/s.exec(action);
    if (keyword === null) return this.#plain(action);
    const [, word, rest = ''] = keyword;
    const kind = word === 'range' ? 'range' : word === 'if' ? 'if' : 'with';
    this.#known.push(new Set());
    const { names, mark, pipe } = this.#pipeline(rest);
    const isFit = mark === '' || (mark === ':=' && names.length <= (kind === 'range' ? 2 : 1));
    if (!isFit) bad(this.#template, `{{${action}}} is not supported`);
    for (const name of names) this.#known.at(-1)?.add(name);
    const branches = this.#branches(kind);
    this.#known.pop();
    return { kind, names, pipe, ...branches };
  }

  #plain(action: string): Node {
    const { names, mark, pipe } = this.#pipeline(action);
    const [name] = names;
    if (name === undefined) return { kind: 'pipe', pipe };
    if (names.length > 1 || name === '') bad(this.#template, `{{${action}}} is not supported`);
    if (mark === ':=') this.#known.at(-1)?.add(name);
    else this.#assertKnown(name);
    return { kind: 'set', name, isNew: mark === ':=', pipe };
  }

  #branches(kind: 'range' | 'if' | 'with'): { readonly body: readonly Node[]; readonly otherwise: readonly Node[] } {
    const { nodes: body, end } = this.#block();
    if (end === undefined) return bad(this.#template, 'an {{end}} is missing');
    if (end === 'end') return { body, otherwise: [] };
    const chained = /^else[ \t\r\n]+(if(?!\w).*)$/s.exec(end)?.[1];
    if (chained !== undefined && kind === 'if') return { body, otherwise: [this.#action(chained)] };
    if (end !== 'else') bad(this.#template, `{{${end}}} is not supported here`);
    const { nodes: otherwise, end: last } = this.#block();
    if (last !== 'end') bad(this.#template, 'an {{end}} is missing');
    return { body, otherwise };
  }

  #pipeline(action: string): { readonly names: readonly string[]; readonly mark: string; readonly pipe: Pipe } {
    const tokens = tokensOf(action, this.#template);
    const assign = tokens.findIndex((token) => token === ':=' || token === '=');
    const before = tokens.slice(0, Math.max(0, assign));
    if (!/^(?:\$\w*(?:,\$\w*)*)?$/.test(before.join(''))) bad(this.#template, `{{${action}}} cannot be read`);
    if (assign === 0) bad(this.#template, `{{${action}}} has no variable`);
    const rest = tokens.slice(assign + 1);
    const pipe = this.#pipe(rest);
    if (rest.length > 0) bad(this.#template, `{{${action}}} cannot be read`);
    const names = before.filter((token) => token !== ',').map((token) => token.slice(1));
    return { names, mark: tokens[assign] ?? '', pipe };
  }

  /** Takes the tokens of a pipeline off the front. */
  #pipe(tokens: string[]): Pipe {
    const commands: Term[][] = [[]];
    while (tokens.length > 0 && tokens[0]?.startsWith(')') !== true) {
      const token = tokens.shift() ?? '';
      if (token === '|') commands.push([]);
      else commands.at(-1)?.push(this.#term(token, tokens));
    }
    if (commands.some((command) => command.length === 0)) bad(this.#template, 'a command is missing');
    for (const [index, [first]] of commands.entries()) {
      if (first?.kind === 'nil') bad(this.#template, 'nil is not a command');
      // Only a function takes the value of the command before.
      if (index > 0 && first?.kind !== 'function') bad(this.#template, 'what is behind | is not a function');
    }
    return commands;
  }

  #term(token: string, rest: string[]): Term {
    if (token === '(') {
      const pipe = this.#pipe(rest);
      const close = rest.shift();
      if (close === undefined) return bad(this.#template, 'a parenthesis is not closed');
      return { kind: 'group', pipe, fields: close.split('.').slice(1) };
    }
    if (token.startsWith('"')) return { kind: 'literal', value: unquoted(token, this.#template) };
    if (token.startsWith('`')) return { kind: 'literal', value: token.slice(1, -1).replaceAll('\r', '') };
    if (/^-?\d/.test(token)) return { kind: 'literal', value: this.#number(token) };
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' };
    if (token === 'nil') return { kind: 'nil' };
    const [first = '', ...fields] = token.split('.');
    if (first.startsWith('$')) {
      this.#assertKnown(first.slice(1));
      return { kind: 'path', variable: first.slice(1), fields };
    }
    if (token.startsWith('.')) {
      return { kind: 'path', variable: undefined, fields: fields.filter((name) => name !== '') };
    }
    if (isFunction(token)) return { kind: 'function', name: token };
    return bad(this.#template, `unknown function ${token}`);
  }

  /** Decimal integers, and decimals that are none: the others have forms that Go reads in its own way. */
  #number(token: string): number {
    const isInteger = /^-?(?:0|[1-9]\d{0,15})$/.test(token);
    const isDecimal = /^-?(?:0|[1-9]\d{0,8})\.\d{1,6}$/.test(token) && !Number.isInteger(Number(token));
    if ((isInteger && Number.isSafeInteger(Number(token))) || isDecimal) return Number(token);
    return bad(this.#template, `the number ${token} is not supported`);
  }

  #assertKnown(name: string): void {
    if (!this.#known.some((names) => names.has(name))) bad(this.#template, `unknown variable $${name}`);
  }
}

/** Variables of a block, and of those around it. */
class Variables {
  readonly #own = new Map<string, unknown>();
  readonly #outer: Variables | undefined;

  constructor(outer?: Variables) {
    this.#outer = outer;
  }

  declare(name: string, value: unknown): void {
    this.#own.set(name, value);
  }

  assign(name: string, value: unknown): void {
    if (this.#own.has(name)) this.#own.set(name, value);
    else this.#outer?.assign(name, value);
  }

  get(name: string): unknown {
    return this.#own.has(name) ? this.#own.get(name) : this.#outer?.get(name);
  }
}

interface Scope {
  readonly dot: unknown;
  readonly variables: Variables;
}

class Runner {
  readonly #allowsMissing: boolean;
  readonly #root = new Variables();

  constructor(allowsMissing: boolean, root: unknown) {
    this.#allowsMissing = allowsMissing;
    this.#root.declare('', root);
  }

  all(nodes: readonly Node[], dot: unknown, outer: Variables = this.#root): string {
    const scope = { dot, variables: new Variables(outer) };
    return nodes.map((node) => this.#one(node, scope)).join('');
  }

  #one(node: Node, scope: Scope): string {
    switch (node.kind) {
      case 'text':
        return node.text;
      case 'pipe':
        return printed(this.#value(node.pipe, scope));
      case 'set': {
        const value = this.#value(node.pipe, scope);
        if (node.isNew) scope.variables.declare(node.name, value);
        else scope.variables.assign(node.name, value);
        return '';
      }
      case 'range':
        return this.#range(node, scope);
      case 'if':
      case 'with': {
        const value = this.#value(node.pipe, scope);
        const variables = new Variables(scope.variables);
        if (node.names[0] !== undefined) variables.declare(node.names[0], value);
        if (!isTrue(value)) return this.all(node.otherwise, scope.dot, variables);
        return this.all(node.body, node.kind === 'with' ? value : scope.dot, variables);
      }
      default:
        node satisfies never;
        return '';
    }
  }

  #range(node: Extract<Node, { kind: 'range' | 'if' | 'with' }>, scope: Scope): string {
    const entries = entriesOf(this.#value(node.pipe, scope));
    if (entries.length === 0) return this.all(node.otherwise, scope.dot, scope.variables);
    const bodies = entries.map(([key, item]) => {
      const variables = new Variables(scope.variables);
      const [first, second] = node.names;
      if (second !== undefined) variables.declare(second, item);
      if (first !== undefined) variables.declare(first, second === undefined ? item : key);
      return this.all(node.body, item, variables);
    });
    return bodies.join('');
  }

  #value(pipe: Pipe, scope: Scope): unknown {
    let last: readonly (() => unknown)[] = [];
    for (const command of pipe) {
      const value = this.#command(command, last, scope);
      last = [() => value];
    }
    return last[0]?.();
  }

  #command([first, ...others]: readonly Term[], piped: readonly (() => unknown)[], scope: Scope): unknown {
    if (first === undefined) return undefined;
    if (first.kind === 'function') {
      return callFunction(first.name, [...others.map((term) => () => this.#term(term, scope)), ...piped]);
    }
    if (others.length > 0) return refuse('arguments are given to something that is not a function');
    return this.#term(first, scope);
  }

  #term(term: Term, scope: Scope): unknown {
    switch (term.kind) {
      case 'literal':
        return term.value;
      case 'nil':
        return undefined;
      case 'function':
        return callFunction(term.name, []);
      case 'group':
        return this.#fields(this.#value(term.pipe, scope), term.fields);
      case 'path':
        return this.#fields(term.variable === undefined ? scope.dot : scope.variables.get(term.variable), term.fields);
      default:
        term satisfies never;
        return undefined;
    }
  }

  #fields(start: unknown, fields: readonly string[]): unknown {
    return fields.reduce<unknown>((value, field) => {
      if (isRecord(value) && Object.hasOwn(value, field)) return value[field];
      if (value === null) return refuse(`there is nothing at the field before ${JSON.stringify(field)}`);
      if (value !== undefined && !isRecord(value)) return refuse(`unknown field ${JSON.stringify(field)} here`);
      if (this.#allowsMissing) return undefined;
      return refuse(`map has no entry for key ${JSON.stringify(field)}`, 'correct the template, or allow missing keys');
    }, start);
  }
}

/** What a range goes over: a list in its order, a map in the order of its keys. */
function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return Array.from<unknown>(value).map((item, index) => [index, item] as const);
  if (!isRecord(value)) return refuse('a range goes over a list or a map');
  return Object.keys(value)
    .toSorted(byBytes)
    .map((key) => [key, value[key]] as const);
}
