// Makes dist/kbinit.mjs: one file with a shebang that runs with no node_modules beside it.
import { build } from 'esbuild';
import { chmod } from 'node:fs/promises';

const outfile = new URL('../dist/kbinit.mjs', import.meta.url).pathname;

await build({
  entryPoints: [new URL('../src/cli/bin.ts', import.meta.url).pathname],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // ssh2 tries these native helpers and does without them.
  external: ['cpu-features', '*.node'],
  // Bundled CommonJS packages call require() for Node's own modules and ask where they are.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as kbinitRequire } from 'node:module';\nconst require = kbinitRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;",
  },
  logLevel: 'warning',
});
await chmod(outfile, 0o755);
