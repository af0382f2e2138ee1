import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { readConfig } from "./config.mjs";

const config = readConfig();
const folder = config["build.out-dir"];
// What package.json's "files" ships; declarations never reach a browser but are part of the package.
const shipped = readdirSync(folder, { recursive: true }).filter((name) => /\.(js|d\.ts|wasm|json|md)$/.test(name) || name === "LICENSE").sort();

const rows = shipped.map((name) => {
  const bytes = readFileSync(join(folder, name));
  const brotli = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  return { name, raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli.length };
});

const number = (value) => value.toLocaleString("en-US").padStart(12);
const print = (row) => console.log(`${row.name.padEnd(26)}${number(row.raw)}${number(row.gzip)}${number(row.brotli)}`);
const total = (name, of) => ({
  name,
  ...Object.fromEntries(["raw", "gzip", "brotli"].map((kind) => [kind, of.reduce((sum, row) => sum + row[kind], 0)])),
});

console.log(`${"bytes".padEnd(26)}${"raw".padStart(12)}${"gzip -9".padStart(12)}${"brotli 11".padStart(12)}`);
rows.forEach(print);
print(total("what a page loads", rows.filter((row) => /\.(js|wasm)$/.test(row.name) && !row.name.startsWith("testing/"))));

const wasm = rows.find((row) => row.name === "xmtp_web_bg.wasm");
if (!wasm) throw new Error(`${folder}/xmtp_web_bg.wasm is missing: run npm run build`);
let over = false;
for (const kind of ["raw", "brotli"]) {
  const budget = config[`size-budget.${kind}`] * 1e6;
  const verdict = wasm[kind] <= budget ? "within" : "ABOVE";
  over ||= wasm[kind] > budget;
  console.log(`wasm ${kind}: ${number(wasm[kind]).trim()} bytes, ${verdict} the budget of ${number(budget).trim()}`);
}
process.exitCode = over ? 1 : 0;
