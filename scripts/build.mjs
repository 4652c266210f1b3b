// Makes dist/kbinit.mjs: one file with a shebang that runs with no node_modules beside it.
import { build } from 'esbuild';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const path = (relative) => new URL(`../${relative}`, import.meta.url).pathname;
const outfile = process.argv[2] ?? path('dist/kbinit.mjs');

/** What is bundled but never used costs time at every start. */
const slim = {
  name: 'slim',
  setup(bundler) {
    // zod's error texts in forty languages; ours are English.
    bundler.onResolve({ filter: /locales\/index\.js$/ }, ({ importer }) =>
      importer.includes('/node_modules/zod/') ? { path: 'locales', namespace: 'empty' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export {};' }));
    // Of node-forge only its ASN.1 is used (certs/x509.ts).
    bundler.onResolve({ filter: /^node-forge$/ }, () => ({ path: 'forge', namespace: 'forge-asn1' }));
    bundler.onLoad({ filter: /.*/, namespace: 'forge-asn1' }, () => ({
      contents: "exports.asn1 = require('node-forge/lib/asn1.js');",
      resolveDir: path('.'),
    }));
    // Node's own modules load when the module that wants them runs, not all at the start.
    bundler.onResolve({ filter: /^node:/ }, ({ path: name, kind }) =>
      kind === 'require-call' ? { path: name, external: true } : { path: name, namespace: 'lazy-node' },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'lazy-node' }, ({ path: name }) => ({
      contents: `module.exports = require(${JSON.stringify(name)});`,
    }));
  },
};

const { metafile } = await build({
  metafile: true,
  entryPoints: [path('src/cli/bin.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'none',
  // ssh2 tries these native helpers and does without them.
  external: ['cpu-features', '*.node'],
  plugins: [slim],
  // Bundled CommonJS packages call require() for Node's own modules and ask where they are.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as kbinitRequire } from 'node:module';\nconst require = kbinitRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
  },
  logLevel: 'warning',
});
await chmod(outfile, 0o755);
await writeFile(join(dirname(outfile), 'LICENSES.txt'), await licences(metafile));

/** The licence of every package in the bundle, as their terms ask. */
async function licences({ inputs }) {
  const packages = new Set(
    Object.keys(inputs).flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  );
  const texts = [];
  for (const folder of [...packages].toSorted()) {
    const { name, version, license, licenses } = JSON.parse(await readFile(path(`${folder}/package.json`), 'utf8'));
    const files = (await readdir(path(folder))).filter((file) => /^licen[cs]e/i.test(file));
    const body = await Promise.all(files.map((file) => readFile(path(`${folder}/${file}`), 'utf8')));
    texts.push(`${name} ${version} (${license ?? licenses?.[0]?.type})\n\n${body.join('\n').trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
