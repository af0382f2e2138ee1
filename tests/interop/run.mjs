// Runs the stories and shows what came out: on the last lines a table and a count, and after a whole run docs/INTEROP.md; one
// of a part, or that was cut short, leaves it alone.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { PEERS } from "./support/peer.mjs";
import { document, table, vectors } from "./support/report.mjs";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: chosen } = parseArgs({
  options: { seed: { type: "string" }, peer: { type: "string" }, only: { type: "string" }, record: { type: "boolean" } },
});
if (chosen.seed !== undefined && !/^\d+$/.test(chosen.seed)) throw new Error("--seed takes a whole number");
/** Story 0 is none of the table's: it records vectors. */
const RECORDING = "0";
const only = chosen.record ? RECORDING : chosen.only ?? (chosen.seed === undefined ? undefined : "12");

const state = file("../../.cache/");
const results = `${state}interop-results.jsonl`;
mkdirSync(state, { recursive: true });
rmSync(results, { force: true });

const started = Date.now();
// A client that could not open keeps its process, which would keep the run: the end is when the last story has ended.
const tests = spawn(process.execPath, ["--test", "--test-force-exit", `--test-reporter=${new URL("./support/reporter.mjs", import.meta.url)}`, file("interop.test.mjs")], {
  stdio: "inherit",
  env: {
    ...process.env,
    XMTP_INTEROP_RESULTS: results,
    ...(chosen.seed && { XMTP_INTEROP_SEED: chosen.seed }),
    ...(chosen.peer && { XMTP_INTEROP_PEER: chosen.peer }),
    ...(only && { XMTP_INTEROP_ONLY: only }),
  },
});
const code = await new Promise((resolve) => tests.once("close", (exit) => resolve(exit ?? 1)));

let plan;
let lines = [];
try {
  [plan, ...lines] = readFileSync(results, "utf8").trim().split("\n").map((line) => JSON.parse(line));
} catch {
  // Nothing was told: the tests' own output says why.
}
if (chosen.record) {
  if (code === 0 && lines.length === PEERS.length) writeFileSync(file("../vectors/interop.json"), vectors(lines));
} else if (lines.length > 0) {
  const isCut = lines.length < plan.stories;
  if (plan.isWhole && !isCut) writeFileSync(file("../../docs/INTEROP.md"), document(lines));
  if (isCut) console.log(`\nCut short: ${lines.length} of ${plan.stories} stories were told, docs/INTEROP.md stays as it was.`);
  const passed = lines.filter((line) => line.ok).length;
  console.log(`\n${Math.round((Date.now() - started) / 1000)} s\n\n${table(lines)}\n\n${passed} passed, ${lines.length - passed} failed`);
}
process.exit(code);
