/** What the page can know and ask of the browser's storage. */

/** Where a client's database lies, and whether the browser keeps it. */
export interface StorageInfo {
  location: "opfs" | "memory";
  /**
   * `granted`: the browser clears it on the person's word alone. `denied`: it may clear it when space gets scarce; it
   * was asked. `unknown`: it does not say, or nothing is stored.
   */
  persistence: "granted" | "denied" | "unknown";
  /** Bytes that the origin uses and may use, as the browser estimates them. */
  usage: number | undefined;
  quota: number | undefined;
}

/** Asks the browser to keep what this origin stores. @internal */
export async function askToKeep(): Promise<StorageInfo["persistence"]> {
  try {
    const { storage } = globalThis.navigator;
    if ((await storage.persisted()) || (await storage.persist())) return "granted";
    return "denied";
  } catch {
    return "unknown";
  }
}

/** What the browser says of the origin's storage. @internal */
export async function storageInfo(
  location: StorageInfo["location"],
  persistence: Promise<StorageInfo["persistence"]>,
): Promise<StorageInfo> {
  if (location === "memory") return { location, persistence: "unknown", usage: undefined, quota: undefined };
  // Asked a second time: a person may have answered, or changed the browser's settings, in the meantime.
  const isKept = await globalThis.navigator.storage.persisted().catch(() => false);
  const { usage, quota } = await globalThis.navigator.storage.estimate().catch((): StorageEstimate => ({}));
  return { location, persistence: isKept ? "granted" : await persistence, usage, quota };
}
