// What tabs say to each other, and the number that says so.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { VERSION } from "../../pkg/tabs/protocol.js";

/** Of each number of `VERSION.protocol`, the hash of what is said under it. Until a release has one, it changes with that. */
const KNOWN = { 2: "2b3618d458d88f81", 3: "2b3618d458d88f81" };

const source = (file) => readFileSync(new URL(`../../pkg-template/src/${file}`, import.meta.url), "utf8");
const between = (text, from, to) => text.slice(text.indexOf(from), text.indexOf(to, text.indexOf(from)));

describe("requests and messages of tabs", () => {
  it("change with the number that has an older tab step aside, so that none gets what it does not know", () => {
    const said = [
      between(source("rpc.ts"), "export interface Requests {", "\n}\n"),
      between(source("tabs/protocol.ts"), "export type HallMessage", "\nfunction "),
    ].map((text) => text.replace(/\/\*\*[^]*?\*\/|\/\/.*/g, "").replace(/\s+/g, " "));
    assert.ok(said.every((text) => text.length > 500), "the types are where they were");
    const hash = createHash("sha256").update(said.join("\n")).digest("hex").slice(0, 16);
    const advice =
      "requests (rpc.ts) or messages (tabs/protocol.ts) changed: raise VERSION.protocol if the number is that of a release, and note the hash in KNOWN";
    assert.equal(KNOWN[VERSION.protocol], hash, advice);
  });
});
