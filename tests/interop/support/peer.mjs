// A person whose client is a released one, in a process of its own.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { Person } from "./person.mjs";

/** alias: as in package.json; label: in tables; ownNode: runs on the Node and C library that setup-interop fetched. */
export const PEERS = [
  { alias: "peer-5.5", label: "node-sdk 5.5.0", ownNode: false },
  { alias: "peer-6.0", label: "node-sdk 6.0.0", ownNode: true },
  { alias: "peer-6.1", label: "node-sdk 6.1.0-nightly.20260726", ownNode: true },
];

const program = fileURLToPath(new URL("peer-program.mjs", import.meta.url));
const launchFile = fileURLToPath(new URL("../../../.cache/interop-launch", import.meta.url));
/** How long a process may take to end when asked, milliseconds. */
const STOP_MS = 5_000;

function launch(peer) {
  if (!peer.ownNode) return [process.execPath];
  if (!existsSync(launchFile)) throw new Error("the peers are not set up: run scripts/setup-interop");
  return readFileSync(launchFile, "utf8").trim().split("\n");
}

export class PeerPerson extends Person {
  #process;
  #ended;
  #folder;
  #waiting = new Map();
  #next = 0;
  #complaints = [];

  static async join(name, wallet, peer) {
    const person = new PeerPerson(name, wallet);
    person.peer = peer;
    person.side = peer.label;
    person.#folder = await mkdtemp(join(tmpdir(), "xmtp-web-interop-"));
    await person.comeBack();
    return person;
  }

  /** Starts the process and opens the database, which is made if it is not there. */
  async comeBack() {
    const [command, ...args] = launch(this.peer);
    this.#process = spawn(command, [...args, program, this.peer.alias], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stdin.on("error", () => undefined);
    this.#process.stderr.setEncoding("utf8");
    this.#process.stderr.on("data", (text) => this.#complaints.push(text));
    const started = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      this.#ended = new Promise((end) => this.#process.once("close", (code, signal) => {
        const error = { message: `its process ended (${signal ?? code}): ${this.#complaints.join("").slice(-600)}` };
        for (const { verb, reject: refuse } of this.#waiting.values()) refuse(this.failure(verb, error));
        this.#waiting.clear();
        reject(this.failure("start", error));
        end();
      }));
      readline.createInterface({ input: this.#process.stdout }).on("line", (line) => this.#read(line, resolve));
    });
    await this.within("start", started);
    this.opened(await this.ask("open", { secret: this.wallet.secret, dbPath: join(this.#folder, "peer.db3") }));
  }

  #read(line, started) {
    let found;
    try {
      found = JSON.parse(line);
    } catch {
      this.#complaints.push(`${line}\n`);
      return;
    }
    if (found.event?.stream === "started") return started();
    if (found.event) return this.takeEvent(found.event);
    const waiting = this.#waiting.get(found.id);
    if (!waiting) return;
    this.#waiting.delete(found.id);
    if (found.error) waiting.reject(this.failure(waiting.verb, found.error));
    else waiting.resolve(found.value);
  }

  ask(verb, ...args) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { verb, resolve, reject }));
    this.#process.stdin.write(`${JSON.stringify({ id, verb, args })}\n`);
    return this.within(verb, answer);
  }

  /** Ends the process. The database stays. */
  async goAway() {
    this.#process.stdin.end();
    const late = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(late);
  }

  /** Ends the process and removes the database. */
  async close() {
    await this.goAway();
    await rm(this.#folder, { recursive: true, force: true });
  }

  sendTyped(group, kind, value) { return this.ask("sendTyped", group, kind, value); }
  decoded(group) { return this.ask("decoded", group); }
  lastReadTimes(group) { return this.ask("lastReadTimes", group); }
}
