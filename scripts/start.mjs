import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { startDevnode } from "./devnode.mjs";

const unknown = process.argv.slice(2).filter((argument) => argument !== "--reset");
if (unknown.length > 0) {
  console.error(`npm start knows only --reset, not ${unknown.join(" ")}`);
  process.exit(2);
}
mkdirSync(new URL("../.data/", import.meta.url), { recursive: true });
const db = fileURLToPath(new URL("../.data/devnode.sqlite3", import.meta.url));

let node;
try {
  node = await startDevnode(["--db", db, "--history-port", "5558", ...process.argv.slice(2)], { onLog: (line) => console.log(`node  ${line}`) });
} catch (error) {
  console.error(`The local node did not come up: ${error.message}`);
  console.error("If another one is running on ports 5556 to 5558, stop it first.");
  process.exit(1);
}

const page = await createServer({ root: fileURLToPath(new URL("../www-example", import.meta.url)) });
await page.listen();
const { port } = page.httpServer.address();

console.log(`
  Chat page   http://localhost:${port}/
  Local node  ${node.url} (gRPC-web), port ${node.grpcPort} (gRPC)

  Two people in one browser: http://localhost:${port}/?user=alice and http://localhost:${port}/?user=bob
  Ctrl-C stops both.
`);

let stopping = false;
async function stop(code) {
  if (stopping) return;
  stopping = true;
  await Promise.allSettled([page.close(), node.stop()]);
  process.exit(code);
}
process.on("SIGINT", () => stop(0));
process.on("SIGTERM", () => stop(0));
node.exited.then(() => {
  if (stopping) return;
  console.error("The local node has stopped; see its last lines above.");
  stop(1);
});
