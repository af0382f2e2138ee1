// Type-checks every sample of the README files and of docs/ against the package's own types, as an app would compile it. A
// sample is a fenced block of language `ts`, `tsx` or `js`; it may use the names of scripts/samples/names.d.ts. Of a `diff`,
// what comes out of it is compiled.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, ".cache", "samples");

function markdownIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return markdownIn(join(folder, entry.name));
    return entry.name.endsWith(".md") ? [join(folder, entry.name)] : [];
  });
}

/** By the language of a block, the end of its file's name and what of a line is compiled. */
const COMPILED = {
  ts: ["ts", (line) => line],
  tsx: ["tsx", (line) => line],
  js: ["js", (line) => line],
  diff: ["ts", (line) => (line.startsWith("-") ? "" : line.slice(1))],
};

/** The blocks of one file, each with the number of its first line. */
function samplesOf(text, file) {
  const found = [];
  let open;
  text.split("\n").forEach((line, index) => {
    const fence = /^ {0,3}```\s*(\S*)/.exec(line);
    if (open !== undefined && /^ {0,3}```\s*$/.test(line)) {
      if (Object.hasOwn(COMPILED, open.language)) found.push(open);
      open = undefined;
    } else if (open !== undefined) open.lines.push(line);
    else if (fence) open = { language: fence[1], first: index + 2, lines: [] };
  });
  if (open !== undefined) throw new Error(`${file}:${open.first - 1}: a block is not closed`);
  return found;
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

let count = 0;
const READMES = ["README.md", "pkg-template/README.md", "devnode/npm/README.md", "www-example/README.md"];
const files = [...READMES.map((name) => join(root, name)), ...markdownIn(join(root, "docs"))];
for (const file of files) {
  const name = relative(root, file).split(sep).join("/");
  for (const { first, lines, language } of samplesOf(readFileSync(file, "utf8"), name)) {
    // In the sample's file its lines have the numbers they have in the document; `export {}` makes it a module.
    const [end, compiled] = COMPILED[language];
    const text = `${"\n".repeat(first - 1)}${lines.map(compiled).join("\n")}\nexport {};\n`;
    writeFileSync(join(out, `${name.replaceAll("/", "__")}.${first}.${end}`), text);
    count += 1;
  }
}
if (count === 0) {
  console.error("no sample was found: README.md alone has some, so this script is wrong");
  process.exit(1);
}

const config = {
  extends: "../../pkg-template/tsconfig.json",
  compilerOptions: {
    noEmit: true,
    allowJs: true,
    checkJs: true,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: "../..",
    jsx: "react-jsx",
    paths: {
      "xmtp-web": ["../../pkg-template/src/index.ts"],
      "xmtp-web/*": ["../../pkg-template/src/*/index.ts"],
      "xmtp-devnode": ["../../devnode/npm/server.d.ts"],
    },
  },
  include: ["*.ts", "*.tsx", "*.js", "../../scripts/samples/*.d.ts"],
};
writeFileSync(join(out, "tsconfig.json"), JSON.stringify(config, undefined, 2));

const tsc = join(root, "node_modules", ".bin", "tsc");
const { status, stdout, stderr, error } = spawnSync(tsc, ["-p", out, "--pretty", "false"], { cwd: root, encoding: "utf8" });
if (error) throw error;
const toDocument = /^\.cache\/samples\/(.+\.md)\.\d+\.[jt]sx?\((\d+),(\d+)\)/gm;
const report = `${stdout}${stderr}`.replace(toDocument, (_, name, line, column) => `${name.replaceAll("__", "/")}:${line}:${column}`);
if (status !== 0) {
  process.stderr.write(report);
  process.exit(1);
}
console.error(`${count} samples compile`);
