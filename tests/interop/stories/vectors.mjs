// 0. Not for the table: what a peer puts on the wire, recorded for native tests (tests/recorded.rs).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DIRECTIONS, story, syncAll } from "../support/stage.mjs";

const versions = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).devDependencies;

story(0, "vectors", [DIRECTIONS.peerActs], async ({ cast, peer }) => {
  const { alice, joiner } = await cast({ alice: "peer", joiner: "forger" });
  const keys = await joiner.keys();
  const { tablet } = await cast({ tablet: ["peer", alice.wallet] });
  await alice.revoke(tablet);
  const group = await alice.createGroup([joiner], {
    groupName: "Recorded", groupDescription: "by a run", groupImageUrlSquare: "https://example.org/square.png", appData: "{}",
  });
  await joiner.sync();
  const joined = await joiner.wire(group);
  for (const text of ["first", "zweite 🎉", ""]) await alice.say(group, text);
  await alice.rename(group, "Recorded twice");
  await alice.addAdmin(group, joiner);
  await alice.updatePermission(group, 0, 2);
  await alice.setDisappearing(group, 1_000_000_000n, 1_000n * 86_400n * 1_000_000_000n);
  await alice.say(group, "last");
  await syncAll(group, [joiner]);
  const wire = await joiner.wire(group);
  const said = (await joiner.messages(group)).map(({ id, sender, text, type }) => ({ id, sender, text, type }));
  assert.deepEqual(said, (await alice.said(group)).map(({ id, sender, text, type }) => ({ id, sender, text, type })));
  const hmac = (await alice.hmacKeys(group)).map(({ key, epoch }) => ({ key: key.hex, epoch: Number(epoch.big ?? epoch) }));
  return {
    source: `@xmtp/node-sdk ${versions[peer.alias].split("@").at(-1)}`,
    libxmtp_version: alice.version,
    identity: {
      address: alice.address,
      nonce: 1,
      inbox_id: alice.inboxId,
      // In the order of the log: made, a second installation, that one revoked.
      signature_texts: [...(await alice.signedTexts()).slice(0, 1), ...(await tablet.signedTexts()), ...(await alice.signedTexts()).slice(1)],
    },
    joiner: keys,
    group_id: group,
    welcomes: joined.welcomes,
    joined: { context: joined.context, epoch: joined.epoch, epoch_authenticator: joined.epoch_authenticator },
    messages: wire.messages,
    end: { context: wire.context, epoch: wire.epoch, epoch_authenticator: wire.epoch_authenticator },
    said,
    hmac_keys: hmac,
    identity_updates: wire.identity_updates,
  };
});
