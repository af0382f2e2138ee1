// A member who is no honest one: a native client of this library that publishes, on demand, what none would. See
// tests/interop/forger.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProcessPerson } from "./process.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug", "xmtp-forger");

export class Forger extends ProcessPerson {
  side = "forger";
  #url;

  static async join(name, wallet, url) {
    if (!existsSync(program)) throw new Error("the forger is not built: run cargo build -p xmtp-forger");
    const person = new Forger(name, wallet);
    person.#url = url;
    await person.settle();
    await person.comeBack();
    return person;
  }

  async comeBack() {
    await this.start(program, []);
    this.opened(await this.ask("open", { secret: this.wallet.secret, url: this.#url, dbPath: this.file("forger.db3") }));
  }

  /** Publishes what breaks a rule; see `Forgery` in forge.rs. */
  forge(group, forgery) { return this.ask("forge", group, forgery); }
  /** The same by one who may: everybody follows, the forger too. */
  change(group, forgery) { return this.ask("change", group, forgery); }
  /** Makes the node hand out a key package of so many seconds. Answers { notAfter }, seconds since the Unix epoch. */
  offer(seconds) { return this.ask("offer", seconds); }
  /** Installations that members have and the tree has not. */
  failed(group) { return this.ask("failed", group); }
  /** Key and key packages with their private halves. */
  keys() { return this.ask("keys"); }
  /** What the node has of a group, raw, and the logs of its members. */
  wire(group) { return this.ask("wire", group); }
  createGroup(people) { return this.ask("createGroup", people.map((each) => each.inboxId)); }
}
