// The house rules that a reader of one file cannot see: who imports whom, what pure code keeps away from, and where
// each package lives. docs/architecture.md says why.
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

interface Import {
  readonly from: string;
  readonly line: number;
  /** A file of src (`util/net.ts`), or a package or Node module by name. */
  readonly to: string;
  readonly names: readonly string[];
  readonly isType: boolean;
}

// ------------------------------------------------------------------------------------------------------- the rules

/** Rooms by who may import whom; `type` means that nothing of it may be left at run time. */
const arrows: Readonly<Record<string, Readonly<Record<string, 'value' | 'type'>>>> = {
  cli: value(
    'phases workflow preflight prepare bundle manifests certs kubeconfig config kube host cluster report plan util errors.ts',
  ),
  phases: {
    ...value('preflight prepare manifests certs kubeconfig config kube plan util errors.ts'),
    ...type('workflow host cluster report'),
  },
  preflight: { ...value('manifests certs kubeconfig config kube util errors.ts'), ...type('host report') },
  prepare: { ...value('manifests config kube util errors.ts'), ...type('host') },
  bundle: { ...value('prepare manifests config kube util errors.ts'), ...type('host') },
  manifests: { ...value('config kube util errors.ts'), ...type('host') },
  kubeconfig: { ...value('certs config kube util errors.ts'), ...type('host') },
  certs: { ...value('kube util errors.ts'), ...type('config host') },
  config: { ...value('kube util errors.ts'), ...type('host') },
  kube: { ...value('util errors.ts'), ...type('config') },
  host: { ...value('plan util errors.ts'), ...type('report') },
  cluster: { ...value('plan util errors.ts'), ...type('manifests report') },
  report: value('plan util errors.ts'),
  plan: { ...value('util errors.ts'), ...type('report') },
  workflow: value('errors.ts'),
  util: value('errors.ts'),
  'errors.ts': {},
};

const workflows = 'init join reset lb prepare etcd-init node-remove'.split(' ').map((name) => `phases/${name}`);

/** Folders of a room that others of it share, and what they do not know: a workflow, a command. */
const shared: Readonly<Record<string, readonly string[]>> = {
  'phases/cluster': workflows,
  'phases/etcd': workflows,
  'phases/diagnose': workflows,
  'cli/run': ['cli/commands'],
  'cli/output': ['cli/commands', 'cli/run'],
};

/** Values that rooms need although they see the file's room as types only. */
const sharedValues: Readonly<Record<string, readonly string[]>> = {
  // Commands are built where they are needed; a Shell does nothing by itself.
  'host/shell.ts': ['sh', 'script', 'quote'],
  // So are those for a container runtime, which are made in one place.
  'host/runtime.ts': ['listImages', 'pullImage', 'runtimeTools', 'containerdSocket'],
};

/** Rooms whose output depends on their arguments alone. */
const pureRooms: ReadonlySet<string> = new Set([
  'prepare',
  'manifests',
  'certs',
  'kubeconfig',
  'config',
  'kube',
  'plan',
]);

/** Node's modules that pure rooms may use: computing, not looking at the world. */
const pureModules: ReadonlySet<string> = new Set(['node:crypto', 'node:buffer', 'node:path/posix']);

/** What node:crypto has that is not a function of its arguments. */
const chance: ReadonlySet<string> = new Set(
  'randomBytes randomInt randomUUID randomFill randomFillSync generateKeyPair generateKeyPairSync generateKey generateKeySync generatePrime generatePrimeSync'.split(
    ' ',
  ),
);

/** Text that pure rooms may not hold. */
const worldly = /\bprocess\.|\bDate\.now\b|\bMath\.random\b|\bnew Date\(\)|\bperformance\.|\bsetTimeout\b|\bfetch\(/;

/** One home a package. */
const homes: Readonly<Record<string, RegExp>> = {
  commander: /^cli\//,
  ssh2: /^host\/ssh\//,
  'tar-stream': /^bundle\/tar\.ts$/,
  'node-forge': /^certs\/x509\.ts$/,
  zod: /^config\/versions\//,
  'js-yaml': /^util\/yaml\.ts$/,
};

/**
 * Who may open TLS. Everything else goes through util/tls.ts, which trusts as Go does; config-labels.ts asks a public
 * website, client.ts has Node's agent, whose connections come from util/tls.ts.
 */
const tlsHomes: Readonly<Record<string, readonly string[]>> = {
  'node:tls': ['util/tls.ts'],
  'node:https': ['cli/commands/config-labels.ts', 'cluster/client.ts'],
};

/** A comparison of (or arithmetic on) a part of a version. */
const versionComparison =
  /\.(?:major|minor|patch)\s*(?:[<>]=?|[=!]==|[-+*])|(?:[<>]=?|[=!]==)\s*[\w.]+\.(?:major|minor|patch)\b/;

/** A tool of a container runtime that is called: host/runtime.ts alone knows how (an advice to an administrator is no command). */
const runtimeToolCall =
  /^(?!\s*#).*?(?:^|[|&;()!`]|\b(?:if|then|else|do|while|until|exec|beside|set --|timeout \S+))\s*(?:crictl|ctr)\s+(?![>&;|])\S/;
const runtimeToolHome = 'host/runtime.ts';

function value(rooms: string): Record<string, 'value'> {
  return Object.fromEntries(rooms.split(' ').map((room) => [room, 'value']));
}

function type(rooms: string): Record<string, 'type'> {
  return Object.fromEntries(rooms.split(' ').map((room) => [room, 'type']));
}

// -------------------------------------------------------------------------------------------------------- reading

const root = new URL('../src/', import.meta.url).pathname;

/** Comments out, line numbers kept; a `//` inside a string has no blank before it and stays. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/^[ \t]*\/\*[\s\S]*?\*\//gm, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/(^|\s)\/\/(?=\s|$).*$/gm, '$1');
}

/** Every import of a file: static, re-exporting, for its effect, dynamic. */
function readImports(from: string, text: string): readonly Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (index: number, to: string, clause: string, isDynamic: boolean): void => {
    const words = clause.trim();
    const named = /\{([\s\S]*)\}/.exec(words)?.[1] ?? '';
    const items = named.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
    const hasDefault = words.replace(/\{[\s\S]*\}/, '').replaceAll(/[,\s]/g, '') !== '';
    const isType = /^type\b/.test(words) || (!hasDefault && items.length > 0 && items.every((i) => /^type\s/.test(i)));
    const names = items.map((item) => item.replace(/^type\s+/, '').replace(/\s+as\s+.*$/, ''));
    found.push({
      from,
      line: code.slice(0, index).split('\n').length,
      to: to.startsWith('.') ? posix.join(posix.dirname(from), to) : to,
      names: hasDefault && !/^type\b/.test(words) ? [...names, 'default'] : names,
      isType: isType && !isDynamic,
    });
  };
  for (const match of code.matchAll(/^(?:import|export)\s+([^;'"()]*?)\s*\bfrom\s*['"]([^'"]+)['"]/gm)) {
    add(match.index, match[2] ?? '', match[1] ?? '', false);
  }
  for (const match of code.matchAll(/^import\s*['"]([^'"]+)['"]/gm)) add(match.index, match[1] ?? '', '', false);
  for (const match of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) add(match.index, match[1] ?? '', '', true);
  return found;
}

interface Source {
  readonly path: string;
  readonly code: string;
  readonly imports: readonly Import[];
}

const sources: readonly Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .toSorted()
  .map((path) => {
    const text = readFileSync(`${root}${path}`, 'utf8');
    return { path, code: withoutComments(text), imports: readImports(path, text) };
  });

/** The text of the templates of `sh` and `script`, in their lines; all else, and what is shown and not run, is blank. */
function shellOnly(code: string): string {
  const open: ('code' | 'text' | 'shell')[] = [];
  let kept = '';
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? '';
    const inside = open.at(-1) ?? 'code';
    if (inside !== 'code' && char === '\\') {
      kept += inside === 'shell' ? code.slice(at, at + 2) : code.slice(at, at + 2).replaceAll(/[^\n]/g, ' ');
      at++;
      continue;
    }
    if (inside === 'code' && (char === "'" || char === '"')) {
      const literal = /^(['"])(?:\\.|(?!\1)[^\\\n])*\1/.exec(code.slice(at))?.[0] ?? char;
      kept += ' '.repeat(literal.length);
      at += literal.length - 1;
      continue;
    }
    const before = code.slice(Math.max(0, at - 20), at);
    if (char === '`' && inside === 'code') {
      open.push(/\b(?:sh|script)$/.test(before) && !/\bshown: sh$/.test(before) ? 'shell' : 'text');
    } else if (char === '`' || (char === '}' && inside === 'code')) open.pop();
    else if (char === '{' && inside === 'code') open.push('code');
    else if (char === '$' && code[at + 1] === '{' && inside !== 'code') {
      open.push('code');
      kept += ' ';
      at++;
    }
    kept += char === '\n' || inside === 'shell' ? char : ' ';
  }
  return kept;
}

const allImports = sources.flatMap(({ imports }) => imports);
const isInside = ({ to }: Import): boolean => to.endsWith('.ts') && !to.startsWith('..');

function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path;
}

function packageOf(to: string): string {
  return to
    .split('/')
    .slice(0, to.startsWith('@') ? 2 : 1)
    .join('/');
}

// ------------------------------------------------------------------------------------------------------- judging

/** Why an import of another room breaks the directions; undefined when it does not. */
function wrongWay(one: Import): string | undefined {
  const [from, to] = [roomOf(one.from), roomOf(one.to)];
  if (!isInside(one) || from === to) return undefined;
  const allowed = arrows[from]?.[to];
  if (allowed === 'value' || (allowed === 'type' && one.isType)) return undefined;
  const values = sharedValues[one.to];
  if (allowed === 'type' && values !== undefined && one.names.every((name) => isFree(one, name, values))) {
    return undefined;
  }
  return `${where(one)} ${from} may not import ${one.to}${allowed === 'type' ? ' except as types' : ''}`;
}

/** A type's name is capitalised in this house; a type beside an allowed value costs nothing at run time. */
function isFree(one: Import, name: string, values: readonly string[]): boolean {
  return values.includes(name) || (name === 'Shell' && one.to === 'host/shell.ts');
}

/** Why a folder that others share may not import this; undefined where it may. */
function notShared(one: Import): string | undefined {
  const isWrong = shared[posix.dirname(one.from)]?.includes(posix.dirname(one.to)) === true;
  return isWrong ? `${where(one)} is shared by what it imports, ${one.to}` : undefined;
}

function impure(one: Import): string | undefined {
  if (!pureRooms.has(roomOf(one.from)) || one.isType) return undefined;
  const isNode = one.to.startsWith('node:') || builtinModules.includes(one.to);
  if (isNode && !pureModules.has(one.to)) return `${where(one)} is pure and imports ${one.to}`;
  const random = one.to === 'node:crypto' ? one.names.filter((name) => chance.has(name)) : [];
  return random.length > 0 ? `${where(one)} is pure and imports ${random.join(', ')}` : undefined;
}

function secondHome(one: Import): string | undefined {
  if (isInside(one) || one.to.startsWith('.') || one.to.startsWith('node:')) return undefined;
  const home = homes[packageOf(one.to)];
  return home?.test(one.from) === true ? undefined : `${where(one)} is no home of ${packageOf(one.to)}`;
}

function forgetfulTls(one: Import): string | undefined {
  const allowed = tlsHomes[one.to.startsWith('node:') ? one.to : `node:${one.to}`];
  if (allowed === undefined || one.isType || allowed.includes(one.from)) return undefined;
  return `${where(one)} opens TLS beside util/tls.ts (${one.to})`;
}

function where(one: Import): string {
  return `src/${one.from}:${one.line}`;
}

/** Lines of a file that match. */
function linesWith(pattern: RegExp, { path, code }: Pick<Source, 'path' | 'code'>): readonly string[] {
  return code
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`src/${path}:${index + 1} ${line.trim()}`] : []));
}

/** The first ring of imports found, as the files in it. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const ring = visit(next, [...trail, file]);
      if (ring !== undefined) return ring;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const ring = visit(file, []);
    if (ring !== undefined) return ring;
  }
  return undefined;
}

const defined = <T>(items: readonly (T | undefined)[]): readonly T[] => items.filter((item) => item !== undefined);

// --------------------------------------------------------------------------------------------------------- tests

describe('src', () => {
  test('has no room that the rules do not know', () => {
    expect([...new Set(sources.map(({ path }) => roomOf(path)))].filter((room) => arrows[room] === undefined)).toEqual(
      [],
    );
  });

  test('imports only in the allowed directions', () => {
    expect(defined(allImports.map(wrongWay))).toEqual([]);
  });

  test('keeps workflows and commands out of what they share', () => {
    expect(defined(allImports.map(notShared))).toEqual([]);
  });

  // Of types too: files that name each other's types can only be read and changed together.
  test('has no import cycle', () => {
    const graph = new Map(
      sources.map(({ path, imports }) => [path, imports.filter(isInside).map(({ to }) => to)] as const),
    );
    expect(findCycle(graph)).toBeUndefined();
  });

  test('keeps the world out of the pure rooms', () => {
    const pure = sources.filter(({ path }) => pureRooms.has(roomOf(path)));
    expect([...defined(allImports.map(impure)), ...pure.flatMap((source) => linesWith(worldly, source))]).toEqual([]);
  });

  test('asks whether a run is a dry run only where docs/architecture.md says why', () => {
    const page = readFileSync(new URL('../docs/architecture.md', import.meta.url), 'utf8');
    const [, section = ''] = page.split('## Where phases check for a dry run');
    const listed = [...(section.split('\n## ')[0] ?? '').matchAll(/`([\w/-]+\.ts)`/g)].map(
      ([, name]) => `phases/${name}`,
    );
    const asking = sources.filter(
      ({ path, code }) => path.startsWith('phases/') && /^(?!.*readonly).*\bisDryRun\b/m.test(code),
    );
    expect(asking.map(({ path }) => path).toSorted()).toEqual(listed.toSorted());
  });

  test('reads the command line in one place', () => {
    const reading = sources.filter(({ code }) => code.includes('process.argv')).map(({ path }) => path);
    expect(reading).toEqual(['cli/bin.ts']);
  });

  test('has one home for each package', () => {
    expect(defined(allImports.map(secondHome))).toEqual([]);
  });

  test('opens TLS in one place, which trusts as Go does', () => {
    expect(defined(allImports.map(forgetfulTls))).toEqual([]);
  });

  test('asks about versions only in src/kube', () => {
    const others = sources.filter(({ path }) => roomOf(path) !== 'kube');
    const compares = allImports.filter(
      ({ from, names }) => roomOf(from) !== 'kube' && names.includes('compareVersions'),
    );
    expect([
      ...others.flatMap((source) => linesWith(versionComparison, source)),
      ...compares.map((one) => `${where(one)} imports compareVersions`),
    ]).toEqual([]);
  });

  test('has one maker of commands for the tools of container runtimes', () => {
    const shells = sources.map(({ path, code }) => ({ path, code: shellOnly(code) }));
    const [home, others] = [true, false].map((isHome) =>
      shells
        .filter(({ path }) => (path === runtimeToolHome) === isHome)
        .flatMap((source) => linesWith(runtimeToolCall, source)),
    );
    expect(others).toEqual([]);
    expect(home).toHaveLength(2);
  });

  test('opens every file with a sentence that says what it owns', () => {
    const silent = sources.filter(
      ({ path }) => !/^(?:#!.*\n)?(?:\/\/ |\/\*\*? )\S/.test(readFileSync(root + path, 'utf8')),
    );
    expect(silent.map(({ path }) => `src/${path}`)).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const only = (from: string, text: string): Import => {
    const [one] = readImports(from, text);
    if (one === undefined) throw new Error('no import was read');
    return one;
  };

  test('an import is read in each of its forms', () => {
    const text = `import ssh2, {\n  Client,\n  type Key,\n} from 'ssh2';
import type { Host } from './host.ts';
import { type A, type B } from '../util/net.ts';
export type { C } from '../util/text.ts';
export * from './shell.ts';
import './effect.ts';
// import { no } from './comment.ts';
const later = await import('./later.ts');`;
    expect(
      readImports('host/x.ts', text).map(({ to, isType, names, line }) => [to, isType, names.join(), line]),
    ).toEqual([
      ['ssh2', false, 'Client,Key,default', 1],
      ['host/host.ts', true, 'Host', 5],
      ['util/net.ts', true, 'A,B', 6],
      ['util/text.ts', true, 'C', 7],
      ['host/shell.ts', false, 'default', 8],
      ['host/effect.ts', false, '', 9],
      ['host/later.ts', false, '', 11],
    ]);
  });

  test.each([
    ['manifests/a.ts', "import { openHost } from '../host/remote.ts';"],
    ['phases/a.ts', "import { openApi } from '../cluster/client.ts';"],
    ['phases/a.ts', "import { sh, secretThing } from '../host/shell.ts';"],
    ['util/a.ts', "import type { Host } from '../host/host.ts';"],
    ['workflow/a.ts', "import { count } from '../util/text.ts';"],
    ['cluster/a.ts', "const m = await import('../phases/index.ts');"],
  ])('%s may not say %s', (from, text) => {
    expect(wrongWay(only(from, text))).toContain(`src/${from}:1`);
  });

  test('a shared folder may not import a workflow', () => {
    expect(notShared(only('phases/etcd/a.ts', "import { certs } from '../init/certs.ts';"))).toContain(
      'src/phases/etcd/a.ts:1',
    );
    expect(notShared(only('phases/join/a.ts', "import { certs } from '../init/certs.ts';"))).toBeUndefined();
  });

  test.each([
    ['phases/a.ts', "import { sh, type Shell } from '../host/shell.ts';"],
    ['phases/join/a.ts', "import type { Api } from '../../cluster/types.ts';"],
    ['cli/a.ts', "import { openApi } from '../cluster/client.ts';"],
  ])('%s may say %s', (from, text) => {
    expect(wrongWay(only(from, text))).toBeUndefined();
  });

  test.each(["import { readFile } from 'node:fs/promises';", "import { randomBytes } from 'node:crypto';"])(
    'a pure room may not say %s',
    (text) => {
      expect(impure(only('certs/a.ts', text))).toBeDefined();
      expect(impure(only('util/a.ts', text))).toBeUndefined();
    },
  );

  test.each([
    'const now = new Date();',
    "if (process.env['X']) f();",
    'const id = Math.random();',
    'const start = Date.now();',
  ])('a pure room may not hold %s', (code) => {
    expect(linesWith(worldly, { path: 'kube/a.ts', code })).toHaveLength(1);
  });

  test.each(['if (v.minor >= 28) f();', 'return 28 < spec.version.minor;', 'a.patch - b.patch', 'v.minor === 36'])(
    '%s is a version comparison',
    (code) => {
      expect(linesWith(versionComparison, { path: 'phases/a.ts', code })).toHaveLength(1);
    },
  );

  test.each([
    'const a = sh`crictl ps -a`;',
    'const a = sh`${tools}\nfor id in $(ctr -n k8s.io tasks ls); do :; done`;',
    'const a = script`\nif has crictl; then\n  timeout 6 crictl info\nfi`;',
    "const a = sh`${isOld ? sh`! ctr version` : ''}`;",
  ])('%s calls a tool of a runtime', (code) => {
    expect(linesWith(runtimeToolCall, { path: 'phases/a.ts', code: shellOnly(code) })).toHaveLength(1);
  });

  test.each([
    "const fix = 'check etcd: `crictl ps -a --name etcd`';",
    'const fix = `\\`crictl ps -a\\` on ${host.name}`;',
    'const io = { shown: sh`ctr -n k8s.io images import ${path}`.text };',
    'const a = sh`command -v crictl >/dev/null && cri pods -q`;',
  ])('%s calls none', (code) => {
    expect(linesWith(runtimeToolCall, { path: 'phases/a.ts', code: shellOnly(code) })).toEqual([]);
  });

  test('`api.patch(ref)` and a printed version are no comparison', () => {
    const code = 'await api.patch(ref, patch);\nreturn `${v.major}.${v.minor}`;';
    expect(linesWith(versionComparison, { path: 'phases/a.ts', code })).toEqual([]);
  });

  test.each(["import { connect } from 'node:tls';", "import { request } from 'https';"])(
    'a second place that opens TLS with %s is seen',
    (text) => {
      expect(forgetfulTls(only('cluster/etcd.ts', text))).toContain('src/cluster/etcd.ts:1');
    },
  );

  test('a second home of a package is seen', () => {
    expect(secondHome(only('phases/a.ts', "import yaml from 'js-yaml';"))).toContain('js-yaml');
    expect(secondHome(only('util/yaml.ts', "import yaml from 'js-yaml';"))).toBeUndefined();
  });

  test('a ring of imports is seen', () => {
    const ring = new Map([
      ['a.ts', ['b.ts']],
      ['b.ts', ['c.ts']],
      ['c.ts', ['b.ts']],
    ]);
    expect(findCycle(ring)).toEqual(['b.ts', 'c.ts', 'b.ts']);
  });
});
