// The entry of the sources (`npx tsx src/cli/bin.ts`); the bundle has a launcher of its own (scripts/build.mjs).
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
