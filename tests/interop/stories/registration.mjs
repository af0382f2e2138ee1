// 1. Both register on one node and find each other by address.
import assert from "node:assert/strict";
import { DIRECTIONS, story } from "../support/stage.mjs";

story(1, "registration, and each finds the other", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const nobody = `0x${"12".repeat(20)}`;
  const { alice } = await cast({ alice: acting });
  const { bob } = await cast({ bob: following });
  assert.match(alice.inboxId, /^[0-9a-f]{64}$/);
  assert.notEqual(alice.inboxId, bob.inboxId);
  assert.deepEqual(await alice.canMessage([bob, nobody]), { [bob.address]: true, [nobody]: false });
  assert.equal(await alice.inboxOf(bob), bob.inboxId);
  assert.deepEqual(await bob.canMessage([alice]), { [alice.address]: true });
  assert.equal(await bob.inboxOf(alice), alice.inboxId);
  assert.equal(await alice.inboxOf({ address: nobody }), null);
  // Coming back is the same installation, not a new one.
  const { inboxId, installationId } = alice;
  await alice.goAway();
  await alice.comeBack();
  assert.deepEqual([alice.inboxId, alice.installationId], [inboxId, installationId]);
});
