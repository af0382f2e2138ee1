// That the sample programs use all there is: every name that `@xmtp/browser-sdk` exports, every public member of its classes,
// every field and value of the types it takes and gives. What is missing there must be named in docs/MIGRATING.md.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const read = (path) => readFileSync(join(here, path), "utf8");
const theirs = read("node_modules/@xmtp/browser-sdk/dist/index.d.ts");
const bindings = read("node_modules/@xmtp/wasm-bindings/dist/bindings_wasm.d.ts");
// Without comments, so that a name that is only spoken of does not count.
const samples = ["program.ts", "names.ts", "values.ts", "members.ts"].map(read).join("\n").replaceAll(/(?<!:)\/\/.*|\/\*[^]*?\*\//g, "");
const explained = read("../../docs/MIGRATING.md");

/** Classes of the page; the others in the same file are insides of the original's worker. */
const CLASSES = ["Client", "Conversation", "Conversations", "DebugInformation", "DecodedMessage", "Dm", "Group", "Opfs", "Preferences"];
/** Types of the page whose fields an app writes or reads. */
const OPTIONS = ["AsyncStreamProxy", "ContentOptions", "DeviceSyncOptions", "NetworkOptions", "OtherOptions", "StorageOptions", "StreamOptions"];

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
const isExplained = (name) => new RegExp(`\`[^\`\n]*\\b${name}\\b[^\`\n]*\``).test(explained);
const wanting = [];
let count = 0;
function demand(what, name, pattern) {
  count += 1;
  if (!used(pattern) && !isExplained(name)) wanting.push(what);
}

for (const name of exported) demand(name, name, `\\b${name}\\b`);
for (const owner of CLASSES) {
  for (const name of members(body(theirs, "class", owner) ?? "")) demand(`${owner}.${name}`, name, `[.\\s{,]${name}\\b`);
}
for (const owner of OPTIONS) {
  for (const name of members(body(theirs, "type|interface", owner) ?? "")) demand(`${owner}.${name}`, name, `\\b${name}\\b`);
}
for (const owner of passedOn) {
  // One that is not taken over is explained as a whole.
  if (!used(`\\b${owner}\\b`)) continue;
  for (const name of members(body(bindings, "interface", owner) ?? "")) demand(`${owner}.${name}`, name, `\\b${name}\\b`);
  const values = body(bindings, "enum", owner) ?? "";
  for (const [, name] of values.matchAll(/^ {4}(\w+) =/gm)) demand(`${owner}.${name}`, name, `\\b${owner}\\.${name}\\b`);
}

if (count < 400) throw new Error(`only ${count} names were found: this script does not understand the declarations any more`);
if (wanting.length > 0) {
  console.error(`not used by the samples, nor named in docs/MIGRATING.md:\n  ${wanting.join("\n  ")}`);
  process.exit(1);
}
console.log(`${count} names, members, fields and values are used by the samples, or their absence is explained`);
