// Reads wasm-pack.toml, as far as this project uses the language: sections, strings, numbers, booleans, comments.
// As a program: `node scripts/config.mjs build.target` prints one value.
import { readFileSync } from "node:fs";

export function readConfig(file = new URL("../wasm-pack.toml", import.meta.url)) {
  const config = {};
  let section = "";
  readFileSync(file, "utf8").split("\n").forEach((line, index) => {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return;
    const header = /^\[([\w-]+)\]$/.exec(text);
    if (header) {
      section = header[1];
      return;
    }
    const pair = /^([\w-]+)\s*=\s*("[^"]*"|true|false|[\d.]+)$/.exec(text);
    if (!pair) throw new Error(`wasm-pack.toml line ${index + 1} is not understood: ${text}`);
    config[`${section}.${pair[1]}`] = JSON.parse(pair[2]);
  });
  return config;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const name = process.argv[2];
  const value = readConfig()[name];
  if (value === undefined) throw new Error(`wasm-pack.toml has no ${name}`);
  console.log(String(value));
}
