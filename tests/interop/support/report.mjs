// The table scenario × direction × peer, for people and for docs/INTEROP.md.
import { PEERS } from "./peer.mjs";

/** Where a peer does otherwise than ours, as the stories found it. */
const OTHERWISE = [
  "6.1.0-nightly follows a commit that brings its committer a leaf under another inbox's name; 5.5.0, 6.0.0 and ours refuse it. Ours goes on refusing: who follows shows one person's words under another's name.",
  "A message that has been sent twice, because the group had moved on, is listed by all once and under one id; its time is that of the first copy for those who could read it and of the last for its sender.",
  "Released clients take `Allow` for adding and removing admins as `SuperAdmin`; ours refuses the option with `argument.unsupported`.",
  "`removeMessage` of ours sends the form of XIP-45, `delete:0.1`, and libxmtp's, `deleteMessage:1.0`. Released clients follow the second and list the first as a message of a type that they do not know, without fallback.",
  "Released clients have no call that takes a message back: their stories send the content by hand, and a sender does not apply its own.",
  "A message of an earlier epoch whose sender's leaf comes after an empty one is lost to 5.5.0 and 6.0.0: they look for the sender by its place among the leaves that were taken. 6.1.0-nightly and ours read it. In the random walk with the two, people fetch what is new before they speak while a leaf is empty.",
  "Released clients hang on an archive above some 8 KiB when they have to wait for more of it in the middle of an element, also on their own. Ours are written so that they wait between elements alone; an element above 128 KiB may still stop them. 5.5.0 has no archives.",
  "A message that disappears ends so long after it was processed by each client, so the times of two clients differ.",
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
A dot: that release has nothing of the kind to act with.

Where they differ, and how the stories take it:
${OTHERWISE.map((each) => `- ${each}`).join("\n")}
`;
}

/** tests/vectors/interop.json. */
export function vectors(lines) {
  const origin =
    "Written by `npm run test:interop -- --record`: what released clients put on the wire of a local node, with the keys of a joiner that read it. Hex in lower case; all keys are throw-away.";
  return `${JSON.stringify({ origin, peers: lines.map((line) => line.recorded) }, null, 1)}\n`;
}
