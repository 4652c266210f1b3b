// Makes dist/kbinit.mjs: one file with a shebang that runs with no node_modules beside it.
//
// It is a short launcher and, as a text, the program. V8 reads over a text a hundred times faster than over code, so
// `kbinit version` and shell completion do not pay for the 1.8 MB that `kbinit init` needs (docs/decisions/0004).
import { build } from 'esbuild';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const path = (relative) => new URL(`../${relative}`, import.meta.url).pathname;
const outfile = process.argv[2] ?? path('dist/kbinit.mjs');

/** What is bundled but never used costs time at every start. */
const slim = {
  name: 'slim',
  setup(building) {
    // zod's error texts in forty languages; ours are English.
    building.onResolve({ filter: /locales\/index\.js$/ }, ({ importer }) =>
      importer.includes('/node_modules/zod/') ? { path: 'locales', namespace: 'empty' } : undefined,
    );
    building.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export {};' }));
    // Of node-forge only its ASN.1 is used (certs/x509.ts).
    building.onResolve({ filter: /^node-forge$/ }, () => ({ path: 'forge', namespace: 'forge-asn1' }));
    building.onLoad({ filter: /.*/, namespace: 'forge-asn1' }, () => ({
      contents: "exports.asn1 = require('node-forge/lib/asn1.js');",
      resolveDir: path('.'),
    }));
  },
};

const { version } = JSON.parse(await readFile(path('package.json'), 'utf8'));
const { outputFiles, metafile } = await build({
  entryPoints: [path('src/cli/main.ts')],
  bundle: true,
  write: false,
  metafile: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'none',
  // ssh2 tries these native helpers and does without them.
  external: ['cpu-features', '*.node'],
  plugins: [slim],
  logLevel: 'warning',
});
const program = outputFiles[0].text;

// What the launcher does itself.
const small = await build({
  entryPoints: [path('src/cli/commands/version-line.ts')],
  bundle: true,
  write: false,
  platform: 'node',
  format: 'iife',
  globalName: 'small',
  target: 'node20',
  minify: true,
  logLevel: 'warning',
});

const launcher = `#!/usr/bin/env node
// kbinit ${version}: https://kubernetes.io set up the way kubeadm does it. Source and licences: see package.json and LICENSES.txt.
const argv = process.argv.slice(2);
if (argv.length === 1 && argv[0] === 'version') {
  ${small.outputFiles[0].text.trim()}
  process.stdout.write(small.versionLine());
} else {
  const { createRequire } = await import('node:module');
  const { Script } = await import('node:vm');
  const parameters = 'exports, require, module, __filename, __dirname';
  const text = '(function (' + parameters + ') {' + program() + '\\n})';
  const module = { exports: {} };
  const run = new Script(text, { filename: 'kbinit' }).runInThisContext();
  run(module.exports, createRequire(import.meta.url), module, import.meta.filename, import.meta.dirname);
  process.exitCode = await module.exports.main(argv);
}

function program() {
  return ${asciiLiteral(program)};
}
`;
await mkdir(dirname(outfile), { recursive: true });
await writeFile(outfile, launcher);
await chmod(outfile, 0o755);
await writeFile(join(dirname(outfile), 'LICENSES.txt'), await licences(metafile));

/** A literal in ASCII: one character beyond Latin-1 makes V8 keep the whole file in two bytes a character. */
function asciiLiteral(text) {
  return JSON.stringify(text).replaceAll(
    /[^\0-\u007F]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The licence of every package in the bundle, as their terms ask. */
async function licences({ inputs }) {
  const packages = new Set(
    Object.keys(inputs).flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1] ?? []),
  );
  const texts = [];
  for (const folder of [...packages].toSorted()) {
    const manifest = JSON.parse(await readFile(path(`${folder}/package.json`), 'utf8'));
    const files = (await readdir(path(folder))).filter((file) => /^licen[cs]e/i.test(file));
    const body = await Promise.all(files.map((file) => readFile(path(`${folder}/${file}`), 'utf8')));
    const licence = manifest.license ?? manifest.licenses?.[0]?.type;
    texts.push(`${manifest.name} ${manifest.version} (${licence})\n\n${body.join('\n').trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
