// 13. A backup file that one kind of client has made is read by the other.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { DIRECTIONS, assertSameTalk, story, syncAll } from "../support/stage.mjs";

/** Numbers of `ConsentState`. */
const CONSENT = { unknown: 0, allowed: 1, denied: 2 };
/** 5.5 has no calls for it. */
const WITH_ARCHIVES = ["peer-6.0", "peer-6.1"];
const KEY = "5a".repeat(32);
const OTHER_KEY = "a5".repeat(32);
/** Longer than what is read of a file at once, and no longer than a block: released clients lose their place in one that is. */
const LONG = "All work and no play makes Jack a dull boy. ".repeat(1000);

story(13, "a backup file of the other kind of client", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { phone, bob } = await cast({ phone: acting, bob: following });
  const { stranger } = await cast({ stranger: "peer" });
  const group = await phone.createGroup([bob], { groupName: "Lunch" });
  await syncAll(group, [bob]);
  await phone.sayMany(group, Array.from({ length: 30 }, (_, number) => `soup ${number}`));
  await phone.say(group, LONG);
  await bob.say(group, "noodles");
  const dm = await phone.createDm(bob);
  await phone.say(dm, "between us");
  await phone.setConsent("inbox", stranger.inboxId, CONSENT.denied);
  await syncAll(group, [phone]);
  const file = await phone.createArchive(KEY);

  const { laptop } = await cast({ laptop: [following, phone.wallet] });
  assert.equal(laptop.inboxId, phone.inboxId);
  const { elements, ...metadata } = await laptop.archiveMetadata(file, KEY);
  assert.deepEqual(elements, ["Consent", "Messages"]);
  assert.equal(metadata.backupVersion, 0);
  await assert.rejects(laptop.importArchive(file, OTHER_KEY), "with another key");
  await laptop.importArchive(file, KEY);
  await assertSameTalk(group, [phone, laptop]);
  assert.equal((await laptop.said(group)).length, 32);
  assert.deepEqual(await laptop.texts(dm), ["between us"]);
  assert.equal(await laptop.consent("inbox", stranger.inboxId), CONSENT.denied);
  const { name, creator } = await laptop.describe(group);
  assert.deepEqual([name, creator], ["Lunch", phone.inboxId]);
  await laptop.importArchive(file, KEY);
  assert.equal((await laptop.said(group)).length, 32, "nothing twice");

  // It comes alive when somebody adds the installation, which clients do in their own time.
  let said = 0;
  await eventually("the laptop is in the group", async () => {
    await bob.say(group, `still there? ${++said}`);
    await syncAll(group, [phone]);
    // Not the group itself: released clients refuse to sync one that they are not in.
    await laptop.syncAll();
    return (await laptop.describe(group)).active && (await laptop.said(group)).length > 32;
  });
  await laptop.say(group, "here I am");
  await syncAll(group, [bob, phone]);
  assert.ok((await bob.texts(group)).includes("here I am"));
  assert.equal((await laptop.texts(group))[0], "soup 0", "what the file brought is still there");

  // The other way round: what one kind writes of what it has read of the other's.
  const { tablet } = await cast({ tablet: [acting, phone.wallet] });
  await tablet.importArchive(await laptop.createArchive(KEY), KEY);
  assert.deepEqual((await tablet.texts(group)).slice(0, 32), (await phone.texts(group)).slice(0, 32));
}, { peers: WITH_ARCHIVES });
