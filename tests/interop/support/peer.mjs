// A person whose client is a released one, in a process of its own.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ProcessPerson } from "./process.mjs";

/**
 * alias: as in package.json; label: in tables; ownNode: runs on the Node and C library that setup-interop fetched;
 * countsLeaves: looks for the sender of an earlier epoch's message by its place among the leaves that were taken.
 */
export const PEERS = [
  { alias: "peer-5.5", label: "node-sdk 5.5.0", ownNode: false, countsLeaves: true },
  { alias: "peer-6.0", label: "node-sdk 6.0.0", ownNode: true, countsLeaves: true },
  { alias: "peer-6.1", label: "node-sdk 6.1.0-nightly.20260726", ownNode: true },
];

const program = fileURLToPath(new URL("peer-program.mjs", import.meta.url));
const launchFile = fileURLToPath(new URL("../../../.cache/interop-launch", import.meta.url));

function launch(peer) {
  if (!peer.ownNode) return [process.execPath];
  if (!existsSync(launchFile)) throw new Error("the peers are not set up: run scripts/setup-interop");
  return readFileSync(launchFile, "utf8").trim().split("\n");
}

export class PeerPerson extends ProcessPerson {
  #url;

  static async join(name, wallet, peer, url) {
    const person = new PeerPerson(name, wallet);
    person.peer = peer;
    person.side = peer.label;
    person.#url = url;
    await person.settle();
    await person.comeBack();
    return person;
  }

  /** Starts the process, of another release if one is given, and opens the database, which is made if it is not there. */
  async comeBack(release) {
    if (release) {
      this.peer = PEERS.find((peer) => peer.alias === release);
      this.side = this.peer.label;
    }
    const [command, ...args] = launch(this.peer);
    await this.start(command, [...args, program, this.peer.alias]);
    this.opened(await this.ask("open", { secret: this.wallet.secret, dbPath: this.file("peer.db3"), url: this.#url }));
  }

  enableProposals(group) { return this.ask("enableProposals", group); }
  signedTexts() { return this.ask("signedTexts"); }
  hmacKeys(group) { return this.ask("hmacKeys", group); }
}
