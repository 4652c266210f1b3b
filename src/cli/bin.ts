// The program's entry: nothing but the exit code. Modules load when they are needed, so that small commands are quick.
const argv = process.argv.slice(2);

if (argv.length === 1 && argv[0] === 'version') {
  const { version } = await import('./version.ts');
  process.stdout.write(`kbinit version: ${version}\n`);
} else {
  const { main } = await import('./main.ts');
  process.exitCode = await main(argv);
}

export {};
