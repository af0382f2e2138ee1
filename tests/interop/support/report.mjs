// The table scenario × direction × peer, for people and for docs/INTEROP.md.
import { PEERS } from "./peer.mjs";

/** What of the protocol the stories do not tell yet. */
const MISSING = [
  "direct messages, and two of them made at once",
  "revocation of an installation",
  "disappearing messages, permission options beyond the default, commits that break the rules (forged by a changed build)",
  "consent across installations, removal of messages, leave requests",
  "minimum versions that pause a conversation",
  "key package rotation and expiry, failed installations",
];

const cell = (line) => (line === undefined ? "·" : line.ok ? "passes" : "FAILS");

/** Lines of results → a Markdown table, which reads as plain text too. */
export function table(lines) {
  const peers = PEERS.map((peer) => peer.label).filter((label) => lines.some((line) => line.peer === label));
  const rows = [["scenario", "direction", ...peers]];
  const seen = new Set();
  for (const { number, title, direction } of lines.toSorted((one, other) => one.number - other.number)) {
    const key = `${number} ${title} ${direction}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const of = (peer) => lines.find((line) => line.peer === peer && line.title === title && line.direction === direction);
    rows.push([`${number}. ${title}`, direction, ...peers.map((peer) => cell(of(peer)))]);
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const text = (row) => `| ${row.map((each, column) => each.padEnd(widths[column])).join(" | ")} |`;
  return [text(rows[0]), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.slice(1).map(text)].join("\n");
}

/** docs/INTEROP.md. */
export function document(lines) {
  const failed = lines.filter((line) => !line.ok);
  return `# Interoperation with released clients

Written by \`npm run test:interop\`; do not edit. The peers are unmodified packages from npm, each in a process of its own;
our side is the built package in headless Chromium; both talk to the local node on ports 5556 and 5557.

${table(lines)}
${failed.length > 0 ? `\nWhat fails:\n${failed.map((line) => `- ${line.number}, ${line.direction}, ${line.peer}: ${line.error.replace(/\s+/g, " ").slice(0, 200)}`).join("\n")}\n` : ""}
Not covered yet:
${MISSING.map((each) => `- ${each}`).join("\n")}
`;
}

/** tests/vectors/interop.json. */
export function vectors(lines) {
  const origin =
    "Written by `npm run test:interop -- --record`: what released clients put on the wire of a local node, with the keys of a joiner that read it. Hex in lower case; all keys are throw-away.";
  return `${JSON.stringify({ origin, peers: lines.map((line) => line.recorded) }, null, 1)}\n`;
}
