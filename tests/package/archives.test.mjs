// What the page side decides about archives by itself, on the built package: no worker, no node.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { archiveContents, archiveMetadata, availableArchives, checkArchive, checkArchiveKey, checkPin, checkServerUrl } from "../../pkg/archives.js";
import { resolveOptions } from "../../pkg/options.js";

const { BackupElementSelectionOption } = api;
const { Consent, Messages } = BackupElementSelectionOption;
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

describe("an archive", () => {
  it("has the elements of the package this one follows", () => {
    assert.deepEqual([Messages, Consent], [0, 1]);
  });

  it("holds everything unless something else is asked for", () => {
    const all = { elements: 3, startNs: undefined, endNs: undefined, excludeDisappearingMessages: false };
    assert.deepEqual(archiveContents(undefined), all);
    assert.deepEqual(archiveContents({ elements: [Consent, Messages, Consent], excludeDisappearingMessages: false }), all);
    assert.deepEqual(archiveContents({ elements: [Consent], startNs: 5n, endNs: 6n, excludeDisappearingMessages: true }), {
      elements: 2,
      startNs: 5n,
      endNs: 6n,
      excludeDisappearingMessages: true,
    });
  });

  it("refuses what it cannot honour", () => {
    for (const elements of [[], [2], ["Consent"], Consent]) {
      assert.throws(() => archiveContents({ elements, excludeDisappearingMessages: false }), code("argument.invalid"));
    }
    assert.throws(() => archiveContents({ elements: [Consent], event: true }), code("argument.unsupported"));
    assert.throws(() => checkArchive("text"), code("argument.invalid"));
  });

  it("takes a key of 32 bytes, and of a longer one as much", () => {
    assert.throws(() => checkArchiveKey(new Uint8Array(31)), code("argument.invalid"));
    assert.throws(() => checkArchiveKey("k".repeat(32)), code("argument.invalid"));
    assert.deepEqual(checkArchiveKey(new Uint8Array(33).fill(7)), new Uint8Array(32).fill(7));
  });

  it("says what is in it", () => {
    assert.deepEqual(archiveMetadata({ version: 0, elements: 2, exportedAtNs: 9n, endNs: 7n }), {
      backupVersion: 0,
      elements: [Consent],
      exportedAtNs: 9n,
      endNs: 7n,
    });
  });

  it("goes to the server of the network unless another is named", () => {
    assert.deepEqual(api.HistorySyncUrls, {
      local: "http://localhost:5558",
      dev: "https://message-history.dev.ephemera.network",
      production: "https://message-history.production.ephemera.network",
    });
    assert.equal(resolveOptions({ env: "local" }).historySyncUrl, api.HistorySyncUrls.local);
    assert.equal(resolveOptions({ env: "local", historySyncUrl: "https://mine.example" }).historySyncUrl, "https://mine.example");
    assert.equal(resolveOptions({ env: "local", historySyncUrl: null }).historySyncUrl, undefined);
    for (const historySyncUrl of ["", "mine.example", "ftp://mine.example", 7]) {
      assert.throws(() => resolveOptions({ env: "local", historySyncUrl }), code("argument.invalid"));
    }
    assert.equal(checkServerUrl(undefined, "http://one"), "http://one");
    assert.equal(checkServerUrl("http://two", "http://one"), "http://two");
    for (const url of [undefined, "", "here"]) assert.throws(() => checkServerUrl(url, undefined), code("argument.invalid"));
    for (const pin of [undefined, "", 5]) assert.throws(() => checkPin(pin), code("argument.invalid"));
  });

  it("of another installation says who made it", () => {
    const sentByInstallation = new Uint8Array(32).fill(3);
    const metadata = { version: 0, elements: 3, exportedAtNs: 9n };
    assert.deepEqual(availableArchives([{ pin: "ab3de", metadata, sentByInstallation }]), [
      { pin: "ab3de", metadata: { backupVersion: 0, elements: [Messages, Consent], exportedAtNs: 9n }, sentByInstallation },
    ]);
  });
});
