"use client";
/** Hooks for React 18 and newer. Nothing of this is in the main entry, which knows no React. */
export { XmtpProvider, useClient, type XmtpProviderProps } from "./provider.js";
export { useConversation, useConversations, type ConversationState, type ConversationsState } from "./conversations.js";
export { useMessages, type MessagesState, type UseMessagesOptions } from "./messages.js";
export { useMembers, type MembersState } from "./members.js";
export { useConsent, type ConsentHandle } from "./consent.js";
export { useConnection } from "./connection.js";
export { useSend, type SendHandle, type SendMethods } from "./send.js";
export type { ClientHandle } from "./session.js";
export type { Loading } from "./live.js";
