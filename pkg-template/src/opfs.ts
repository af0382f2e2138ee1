import { Channel } from "./channel.js";
import { invalidArgument } from "./errors.js";
import { Log } from "./logging.js";
import { forgetMarks } from "./marker.js";
import { toolsPlace } from "./tools.js";
import { LogLevel } from "./types.js";

/**
 * The files of this origin's databases, for tools: what there is, deleting, and copies. A database that is open, here or in
 * another tab, is refused with `storage.locked_by_other_tab`. Apps delete their own with `client.deleteLocalDatabase()`.
 *
 * A database is named by its path, as in the option `dbPath` (`xmtp-<env>-<inboxId>.db3` where none was given), or as
 * {@link listFiles} shows it. A copy is encrypted as the database is. **Never go on with an older copy**: keys that were used since
 * would be used again, and others' clients drop what they have seen.
 */
export class Opfs {
  readonly #channel: Channel;

  private constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Starts a worker, which {@link close} ends. With `enableLogging` each call is told on the console, at level `Debug`. */
  static async create(enableLogging = false): Promise<Opfs> {
    if (typeof enableLogging !== "boolean") throw invalidArgument("enableLogging must be true or false");
    const log = enableLogging ? new Log({ level: LogLevel.Debug, isStructured: false, isTiming: false }) : undefined;
    return new Opfs(new Channel(toolsPlace(), undefined, log));
  }

  /** The databases there are, each by the SHA-256 of its name in hex: names hold inbox ids, and are not written down. */
  listFiles(): Promise<string[]> {
    return this.#channel.call("opfs.list");
  }

  /** How many databases there are. */
  async fileCount(): Promise<number> {
    return (await this.listFiles()).length;
  }

  /** How many files there is room for before more has to be made, journals included. */
  poolCapacity(): Promise<number> {
    return this.#channel.call("opfs.capacity");
  }

  fileExists(path: string): Promise<boolean> {
    return this.#channel.call("opfs.exists", { path });
  }

  /**
   * Deletes a database, and the key that was kept for it; answers whether it was there. The next client of this account makes a new
   * installation; the network still has the old one.
   */
  async deleteFile(path: string): Promise<boolean> {
    const installationId = await this.#channel.call("opfs.installation", { path });
    // First: who dies in between is not told of a database that the browser has cleared.
    const remark = await forgetMarks({ path, installationId });
    try {
      return await this.#channel.call("opfs.delete", { path });
    } catch (error) {
      remark();
      throw error;
    }
  }

  /** The bytes of a database, encrypted. They can be read with its key alone: one of the app's own, or in this browser. */
  exportDb(path: string): Promise<Uint8Array> {
    return this.#channel.call("opfs.export", { path });
  }

  /** Puts the bytes of {@link exportDb} where there is no database; the next client of this path opens it. */
  async importDb(path: string, data: Uint8Array): Promise<void> {
    if (!(data instanceof Uint8Array)) throw invalidArgument("the bytes of a database must be a Uint8Array");
    await this.#channel.call("opfs.import", { path, data });
  }

  /** Deletes all databases and their keys, one after the other; the first one that is open ends it. */
  async clearAll(): Promise<void> {
    for (const name of await this.listFiles()) await this.deleteFile(name);
    // What is kept and noted of databases whose files are gone.
    const remark = await forgetMarks();
    try {
      await this.#channel.call("opfs.clear");
    } catch (error) {
      remark();
      throw error;
    }
  }

  /** Ends the worker. */
  close(): void {
    this.#channel.terminate();
  }
}
