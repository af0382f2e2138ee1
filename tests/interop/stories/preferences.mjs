// 9. What one installation says of people and conversations reaches the inbox's others, on either kind of client.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** Numbers of `ConsentState`. */
const CONSENT = { unknown: 0, allowed: 1, denied: 2 };

story(9, "consent of what one does and is given", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await syncAll(group, [bob]);
  assert.equal(await alice.consentOf(group), CONSENT.allowed, "who makes it allows it");
  assert.equal(await bob.consentOf(group), CONSENT.unknown, "who is added has not said");
  assert.equal(await alice.consent("group", group), CONSENT.allowed);
  await bob.say(group, "hello");
  assert.equal(await bob.consentOf(group), CONSENT.allowed, "who answers allows it");
  await bob.setConsentOf(group, CONSENT.denied);
  assert.equal(await bob.consent("group", group), CONSENT.denied);
  await bob.setConsent("inbox", alice.inboxId, CONSENT.denied);
  assert.equal(await bob.consent("inbox", alice.inboxId), CONSENT.denied);
  // A private matter: the other side goes on.
  await alice.say(group, "are you there?");
  await syncAll(group, [bob]);
  assert.deepEqual(await bob.texts(group), ["hello", "are you there?"]);
  assert.equal(await bob.consentOf(group), CONSENT.denied);
});

/** Released clients open the way between an inbox's installations in their own time: until a trial has come through. */
async function opens(from, to) {
  let tries = 0;
  await eventually(`the way from ${from.name} (${from.side}) to ${to.name} (${to.side})`, async () => {
    const nobody = (++tries).toString(16).padStart(64, from.name === "phone" ? "a" : "b");
    for (const device of [to, from]) await device.syncAll();
    await from.setConsent("inbox", nobody, CONSENT.denied);
    for (const device of [from, to]) await device.syncPreferences();
    return (await to.consent("inbox", nobody)) === CONSENT.denied;
  });
}

/** Both catch up until what one has said is known to the other. */
async function reaches(from, to, kind, entity, state) {
  await from.setConsent(kind, entity, state);
  await eventually(`${to.name} (${to.side}) hears of ${from.name} (${from.side}) that ${kind} is ${state}`, async () => {
    await from.syncPreferences();
    await to.syncPreferences();
    return (await to.consent(kind, entity)) === state;
  });
}

story(9, "consent across installations of both kinds", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { phone } = await cast({ phone: acting });
  const { laptop } = await cast({ laptop: [following, phone.wallet] });
  await opens(phone, laptop);
  await opens(laptop, phone);
  assert.equal(phone.inboxId, laptop.inboxId);
  const { stranger } = await cast({ stranger: "peer" });
  await reaches(phone, laptop, "inbox", stranger.inboxId, CONSENT.denied);
  await reaches(laptop, phone, "inbox", stranger.inboxId, CONSENT.allowed);
  const group = await stranger.createGroup([phone]);
  await syncAll(group, [phone, laptop]);
  await reaches(phone, laptop, "group", group, CONSENT.allowed);
  await reaches(laptop, phone, "group", group, CONSENT.denied);
  for (const device of [phone, laptop]) assert.equal(await device.consentOf(group), CONSENT.denied, `${device.name} (${device.side})`);
});
