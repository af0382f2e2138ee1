// Two people in one page, as an app would write it. The test signs for them (`addressOf`, `signFor`), reads `heard`, reloads
// the page and reads it again. Databases are where they are by default: encrypted, in the browser's private file system.
import { Client, createEOASigner, ethereumIdentifier, isText } from "xmtp-web";

const options = { env: "local", apiUrl: new URLSearchParams(location.search).get("node") };

async function open(name) {
  const signer = createEOASigner(await window.addressOf(name), (text) => window.signFor(name, text));
  return Client.create(signer, options);
}

async function chat() {
  const [alice, bob] = [await open("alice"), await open("bob")];
  const stream = await bob.conversations.streamAllMessages();
  const group = await alice.conversations.createGroup([bob.inboxId], { groupName: "Lunch" });
  await group.sendText("Soup or noodles?");
  let text;
  for await (const message of stream) {
    if (!isText(message)) continue;
    text = message.content;
    break;
  }
  const found = await bob.conversations.list();
  const { location: kind } = await bob.storageInfo();
  sessionStorage.setItem("installation", bob.installationId);
  await Promise.all([alice.close(), bob.close()]);
  return { text, groups: found.map((each) => each.name), kind };
}

/** What Bob finds in his database after a reload, without a signature and without a sync. */
async function comeBack(installation) {
  const bob = await Client.build(ethereumIdentifier(await window.addressOf("bob")), options);
  const [group] = await bob.conversations.list();
  const text = (await group.messages()).find(isText)?.content;
  const isSame = bob.installationId === installation;
  await bob.close();
  return { text, groups: [group.name], isSame };
}

const installation = sessionStorage.getItem("installation");
(installation === null ? chat() : comeBack(installation)).then(
  (heard) => window.heard(heard),
  (error) => window.heard({ error: `${error.code ?? error.name}: ${error.message}` }),
);
