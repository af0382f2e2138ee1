// That the sample programs use all there is: every name that `@xmtp/browser-sdk` exports, every public member of its classes,
// every field and value of the types it takes and gives. What is missing there must be named in docs/MIGRATING.md.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const read = (path) => readFileSync(join(here, path), "utf8");
const theirs = read("node_modules/@xmtp/browser-sdk/dist/index.d.ts");
const bindings = read("node_modules/@xmtp/wasm-bindings/dist/bindings_wasm.d.ts");
// Without comments, so that a name that is only spoken of does not count.
const samples = ["program.ts", "names.ts", "values.ts", "members.ts"].map(read).join("\n").replaceAll(/(?<!:)\/\/.*|\/\*[^]*?\*\//g, "");

/**
 * What docs/MIGRATING.md explains: the names in backticks in the first cells of its tables. An export is named alone, a member with
 * its class (`Client.init`), an option alone in a cell that speaks of options.
 */
const explained = new Set();
const explainedOptions = new Set();
for (const [, cell] of read("../../docs/MIGRATING.md").matchAll(/^\| ((?:[^|\\]|\\.)*) \|/gm)) {
  for (const [, name] of cell.matchAll(/`([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)(?:\([^`]*\))?`/g)) {
    (/^the (?:options?|argument)\b/.test(cell) ? explainedOptions : explained).add(name);
  }
}

/** Classes of the page; the others in the same file are insides of the original's worker. */
const CLASSES = ["Client", "Conversation", "Conversations", "DebugInformation", "DecodedMessage", "Dm", "Group", "Opfs", "Preferences"];
/** Types of the page whose fields an app writes or reads. */
const OPTIONS = ["AsyncStreamProxy", "ContentOptions", "DeviceSyncOptions", "NetworkOptions", "OtherOptions", "StorageOptions", "StreamOptions"];
/** Those that make up the options of a client. */
const OF_CLIENT = ["ContentOptions", "DeviceSyncOptions", "NetworkOptions", "OtherOptions", "StorageOptions"];
const TYPES = { AsyncStreamProxy: "AsyncStreamProxy<unknown>", ...Object.fromEntries(OF_CLIENT.map((name) => [name, "ClientOptions"])) };

const exported = new Set();
/** Those that come from the wasm module as they are. */
const passedOn = new Set();
for (const [, names, from] of theirs.matchAll(/^export (?:type )?\{([^}]*)\}(.*)/gm)) {
  for (const name of names.split(",").map((part) => part.trim().split(/\s+/).at(-1)).filter(Boolean)) {
    exported.add(name);
    if (from.includes("wasm-bindings")) passedOn.add(name);
  }
}

/** The text between the braces of a declaration; undefined when there is none of that name. */
function body(text, keyword, name) {
  const start = new RegExp(`^(?:export )?(?:declare )?(?:${keyword}) ${name}\\b[^{;]*\\{\n([^]*?)^\\}`, "m").exec(text);
  return start?.[1].replaceAll(/\/\*[^]*?\*\//g, "");
}

/** Names of members that are indented once. */
function members(text) {
  const found = [...text.matchAll(/^ {4}(?:readonly |static |get |set |async )*([A-Za-z_]\w*)\??(?=[(<:?])/gm)].map(([, name]) => name);
  return [...new Set(found)].filter((name) => name !== "constructor" && name !== "private");
}

const used = (pattern) => new RegExp(pattern).test(samples);
const wanting = [];
let count = 0;
/** Of which our own declarations are asked: the samples show that a name is used, not of which class. */
const ours = [];
function demand(what, pattern, isExplained = explained.has(what)) {
  count += 1;
  if (!isExplained && !used(pattern)) wanting.push(what);
  return !isExplained;
}

for (const name of exported) demand(name, `\\b${name}\\b`);
for (const owner of CLASSES) {
  const text = body(theirs, "class", owner) ?? "";
  const onClass = new Set([...text.matchAll(/^ {4}static (?:readonly |async )*([A-Za-z_]\w*)/gm)].map(([, name]) => name));
  for (const name of members(text)) {
    if (!demand(`${owner}.${name}`, `[.\\s{,]${name}\\b`)) continue;
    // A static of the name of a method is both.
    if (onClass.has(name)) ours.push(`(typeof sdk.${owner})["${name}"]`);
    if (new RegExp(`^ {4}(?!static )(?:[a-z]+ )*${name}\\b`, "m").test(text)) ours.push(`sdk.${owner}["${name}"]`);
  }
}
for (const owner of OPTIONS) {
  for (const name of members(body(theirs, "type|interface", owner) ?? "")) {
    if (demand(`${owner}.${name}`, `\\b${name}\\b`, explainedOptions.has(name))) ours.push(`sdk.${TYPES[owner] ?? owner}["${name}"]`);
  }
}
for (const owner of passedOn) {
  // One that is not taken over is explained as a whole.
  if (!used(`\\b${owner}\\b`)) continue;
  for (const name of members(body(bindings, "interface", owner) ?? "")) {
    if (demand(`${owner}.${name}`, `\\b${name}\\b`)) ours.push(`sdk.${owner}["${name}"]`);
  }
  const values = body(bindings, "enum", owner) ?? "";
  for (const [, name] of values.matchAll(/^ {4}(\w+) =/gm)) demand(`${owner}.${name}`, `\\b${owner}\\.${name}\\b`);
}

if (count < 400) throw new Error(`only ${count} names were found: this script does not understand the declarations any more`);
if (wanting.length > 0) {
  console.error(`not used by the samples, nor named in docs/MIGRATING.md:\n  ${wanting.join("\n  ")}`);
  process.exit(1);
}

const root = join(here, "..", "..");
const out = join(root, ".cache", "types");
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "ours.ts"), `import type * as sdk from "sdk";\nexport type All = [\n${ours.map((type) => `  ${type},`).join("\n")}\n];\n`);
const config = { extends: "../../pkg-tests/types/tsconfig.ours.json", files: ["ours.ts"] };
writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config));
const { status, stdout } = spawnSync(join(root, "node_modules", ".bin", "tsc"), ["-p", out, "--pretty", "false"], { encoding: "utf8" });
if (status !== 0) {
  console.error(`of another class here, or of none, and not named in docs/MIGRATING.md:\n${stdout}`);
  process.exit(1);
}
console.log(`${count} names, members, fields and values are used by the samples, or their absence is explained`);
