// A person whose client is a program of its own, told what to do by JSON lines: { id, verb, args } in, { id, value },
// { id, error } and { event } out.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import readline from "node:readline";
import { Person } from "./person.mjs";

/** How long a process may take to end when asked, milliseconds. */
const STOP_MS = 5_000;

export class ProcessPerson extends Person {
  #process;
  #ended;
  #folder;
  #waiting = new Map();
  #next = 0;
  /** What the program has printed beside its answers. */
  printed = [];

  /** A folder of its own, which lasts until `close`. */
  async settle() {
    this.#folder = await mkdtemp(join(tmpdir(), "xmtp-web-interop-"));
  }

  /** A file in that folder. */
  file(name) {
    return join(this.#folder, name);
  }

  /** Starts the program; ready when it has said that it started. */
  async start(command, args) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#process.stdin.on("error", () => undefined);
    this.#process.stderr.setEncoding("utf8");
    this.#process.stderr.on("data", (text) => this.printed.push(text));
    const started = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      this.#ended = new Promise((end) => this.#process.once("close", (code, signal) => {
        const error = { message: `its process ended (${signal ?? code}): ${this.printed.join("").slice(-600)}` };
        for (const { verb, reject: refuse } of this.#waiting.values()) refuse(this.failure(verb, error));
        this.#waiting.clear();
        reject(this.failure("start", error));
        end();
      }));
      readline.createInterface({ input: this.#process.stdout }).on("line", (line) => this.#read(line, resolve));
    });
    await this.within("start", started);
  }

  #read(line, started) {
    let found;
    try {
      found = JSON.parse(line);
    } catch {
      this.printed.push(`${line}\n`);
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

  /** Ends the process. The folder stays. */
  async goAway() {
    if (!this.#process) return;
    this.#process.stdin.end();
    const late = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(late);
  }

  /** Ends the process and removes the folder. */
  async close() {
    await this.goAway();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
