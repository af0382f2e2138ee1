// Two people in one page, as an app of React would write it but for JSX. The test signs for them (`addressOf`, `signFor`)
// and reads `heard`.
import { createElement as h, StrictMode, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import { createEOASigner, isText } from "xmtp-web";
import { useClient, useConnection, useConversations, useMembers, useMessages, useSend, XmtpProvider } from "xmtp-web/react";

const options = { env: "local", apiUrl: new URLSearchParams(location.search).get("node"), dbPath: null };

/** Opens a client of one's own, as soon as it is shown. */
function Person({ signer, children }) {
  const { client, create, close, error } = useClient();
  useEffect(() => {
    create(signer, options).catch(() => undefined);
    return () => void close();
  }, [create, close, signer]);
  useEffect(() => void (error && window.heard({ error: `${error.code}: ${error.message}` })), [error]);
  return client && children(client);
}

/** Makes a group with Bob and says something as soon as he is a member. */
function Alice({ client, bob }) {
  const { conversations, isSyncing } = useConversations();
  const { members } = useMembers(conversations[0]);
  const { sendText, error } = useSend(conversations[0]);
  useEffect(() => {
    if (isSyncing || conversations.length > 0) return;
    client.conversations.createGroup([bob], { groupName: "Lunch" }).catch((error) => window.heard({ error: String(error) }));
  }, [client, bob, isSyncing, conversations.length]);
  useEffect(() => {
    if (members.length === 2) sendText("Soup or noodles?").catch(() => undefined);
  }, [sendText, members.length]);
  useEffect(() => void (error && window.heard({ error: `${error.code}: ${error.message}` })), [error]);
  return null;
}

/** Tells what he reads. */
function Bob() {
  const { conversations } = useConversations();
  const { messages } = useMessages(conversations[0]);
  const connection = useConnection();
  const text = messages.find(isText)?.content;
  useEffect(() => {
    if (text !== undefined && connection === "connected") window.heard({ text, groups: conversations.map(({ name }) => name) });
  }, [text, connection, conversations]);
  return null;
}

function App({ signers }) {
  const [bob, setBob] = useState();
  const isReady = useMemo(() => (client) => h(Ready, { client, onReady: setBob }), []);
  return [
    h(XmtpProvider, { key: "bob" }, h(Person, { signer: signers.bob }, isReady)),
    bob && h(XmtpProvider, { key: "alice" }, h(Person, { signer: signers.alice }, (client) => h(Alice, { client, bob }))),
  ];
}

function Ready({ client, onReady }) {
  useEffect(() => onReady(client.inboxId), [client, onReady]);
  return h(Bob);
}

const signerOf = async (name) => createEOASigner(await window.addressOf(name), (text) => window.signFor(name, text));
const signers = { alice: await signerOf("alice"), bob: await signerOf("bob") };
createRoot(document.getElementById("root")).render(h(StrictMode, null, h(App, { signers })));
