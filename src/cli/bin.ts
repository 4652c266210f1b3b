// The program's entry: nothing but the exit code.
import { main } from './main.ts';

process.exitCode = await main(process.argv.slice(2));
