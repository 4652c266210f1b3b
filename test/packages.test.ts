// What comes with a clone and with the published package: npm's lock, the files that npm packs, Debian's packages.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { debianPackages, packagesFor, packageUsers } from './lab/debian-packages.ts';

const lockShape = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');
const { packages } = lockShape.parse(JSON.parse(text));

/** Where a dependency of a package may lie: beside it, or in a node_modules folder further up. */
function candidates(owner: string, name: string): readonly string[] {
  const folders = owner.split('/node_modules/');
  const above = folders.map((_, index) => folders.slice(0, index + 1).join('/node_modules/'));
  return [...above.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
}

// npm ci refuses a lock that leaves out what other platforms would install.
test('the lock has every optional package of every platform', () => {
  const missing = Object.entries(packages).flatMap(([owner, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !candidates(owner, name).some((path) => packages[path] !== undefined))
      .map((name) => `${owner} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

test('the lock names the bytes of every package', () => {
  const loose = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined);
  expect(loose.map(([path]) => path)).toEqual([]);
});

describe('the package that npm publishes', () => {
  const root = new URL('..', import.meta.url).pathname;
  const manifestShape = z.looseObject({
    scripts: z.record(z.string(), z.string()),
    bin: z.record(z.string(), z.string()),
  });
  const manifest = manifestShape.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

  test('brings one program: no dependencies, no install scripts', () => {
    const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'];
    expect(Object.keys(manifest).filter((key) => kinds.includes(key))).toEqual([]);
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'];
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([]);
    expect(manifest.bin).toEqual({ kbinit: 'dist/kbinit.mjs' });
    // npm would compile what has this file.
    expect(existsSync(join(root, 'binding.gyp'))).toBe(false);
  });

  test('has the program, its licences, the schemas and the pages for users, and nothing for those who work on it', () => {
    const files = packed();
    const pages = files.filter((path) => path.startsWith('docs/'));
    const forDevelopers = ['architecture', 'lab', 'performance', 'testing'].map((name) => `docs/${name}.md`);
    const all = readdirSync(join(root, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : []));
    expect(pages).toEqual(all.filter((path) => !forDevelopers.includes(path)).toSorted());
    expect(files.filter((path) => !path.startsWith('docs/') && !path.startsWith('schemas/'))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist/LICENSES.txt',
      'dist/kbinit.mjs',
      'package.json',
    ]);
    expect(files.filter((path) => path.startsWith('schemas/'))).toHaveLength(readdirSync(join(root, 'schemas')).length);
  });

  /** What npm would pack of this tree after a build. */
  function packed(): readonly string[] {
    const folder = mkdtempSync(join(tmpdir(), 'kbinit-pack-'));
    try {
      for (const name of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'docs', 'schemas']) {
        cpSync(join(root, name), join(folder, name), { recursive: true });
      }
      // The build need not have run; what lies beside its result is not packed.
      for (const name of [
        'dist/kbinit.mjs',
        'dist/LICENSES.txt',
        'dist/other.mjs',
        'src/a.ts',
        'test/a.ts',
        '.ci/run',
      ]) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), '');
      }
      const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [pack] = z.array(z.object({ files: z.array(z.object({ path: z.string() })) })).parse(JSON.parse(said));
      return (pack?.files ?? []).map(({ path }) => path).toSorted();
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

describe('a program of the machine that is started by its name', () => {
  // Of packages with priority required, or what CONTRIBUTING.md asks people for.
  const everywhere = new Set(
    (
      'sh dash bash env cat cp rm mv tar chown mkfifo sha256sum test mount umount unshare nsenter setpriv flock script chroot ' +
      'dpkg dpkg-query dpkg-deb apt-get apt-mark node npm go git'
    ).split(' '),
  );
  const listed = new Set(
    Object.values(debianPackages).flatMap(({ programs }) => programs.map((path) => basename(path))),
  );
  const folders = ['test', 'scripts'].map((name) => new URL(`../${name}/`, import.meta.url).pathname);
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs)$/.test(name) && !/^(golden|lab\/go)\//.test(name))
      .map((name) => join(folder, name)),
  );

  test('is everywhere, or in the list of Debian packages', () => {
    // `run` starts programs in the lab; elsewhere it is another function, whose first word is a command of kbinit.
    const start = /\b(?:spawn|spawnSync|execFile|execFileSync|mustRun)\(\s*'([^']+)'/g;
    const startInLab = /\brun\(\s*'([^']+)'/g;
    const started = sources.flatMap((path) => {
      const source = readFileSync(path, 'utf8');
      const patterns = path.includes('/test/lab/') ? [start, startInLab] : [start];
      return patterns.flatMap((pattern) => [...source.matchAll(pattern)].map(([, name = '']) => ({ path, name })));
    });
    expect(started.length).toBeGreaterThan(50);
    const unknown = started.filter(({ name }) => !everywhere.has(basename(name)) && !listed.has(basename(name)));
    expect(unknown).toEqual([]);
  });

  test('is asked for through the list where a test may do without it', () => {
    const asked = sources.filter(
      (path) => path.endsWith('.test.ts') && /existsSync\(\s*['`]\/(usr\/)?s?bin\//.test(readFileSync(path, 'utf8')),
    );
    expect(asked).toEqual([]);
  });
});

describe('the list of Debian packages', () => {
  test.each(packageUsers)('has what %s needs', (user) => {
    expect(packagesFor([user])).not.toEqual([]);
  });

  test('names each package once for those who share it', () => {
    const both = packagesFor(['lab', 'unit']);
    expect(both.filter((name) => name === 'openssh-client')).toHaveLength(1);
    expect(both).toEqual(expect.arrayContaining(['podman', 'openssh-server']));
    expect(packagesFor(['unit'])).not.toContain('podman');
  });
});
