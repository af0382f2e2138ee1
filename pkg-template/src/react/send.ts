import { useEffect, useMemo, useRef, useState } from "react";
import { asXmtpError } from "../callbacks.js";
import type { Client } from "../client.js";
import type { Dm } from "../dm.js";
import { XmtpError } from "../errors.js";
import type { Group } from "../group.js";
import { refreshMessages } from "./messages.js";
import { useClient } from "./provider.js";

/** The methods of a conversation that say something, with their own arguments and answers. */
export type SendMethods = Pick<
  Group | Dm,
  | "send" | "sendText" | "sendMarkdown" | "sendReaction" | "sendReply" | "sendAttachment" | "sendRemoteAttachment"
  | "sendMultiRemoteAttachment" | "sendTransactionReference" | "sendWalletSendCalls" | "sendActions" | "sendIntent"
  | "sendReadReceipt" | "removeMessage"
>;

/** How many arguments each has before its options. */
const BEFORE_OPTIONS: Record<keyof SendMethods, 0 | 1> = {
  send: 1, sendText: 1, sendMarkdown: 1, sendReaction: 1, sendReply: 1, sendAttachment: 1, sendRemoteAttachment: 1,
  sendMultiRemoteAttachment: 1, sendTransactionReference: 1, sendWalletSendCalls: 1, sendActions: 1, sendIntent: 1,
  sendReadReceipt: 0, removeMessage: 1,
};

export interface SendHandle extends SendMethods {
  /** Sends a message that has failed again. */
  resendMessage: (messageId: string) => Promise<void>;
  /** Deletes a message that has failed. */
  discardMessage: (messageId: string) => Promise<void>;
  /** Whether something is on its way. */
  isSending: boolean;
  /** Why the last one was not sent; undefined once another one was. */
  error: XmtpError | undefined;
}

type Method = (...args: unknown[]) => Promise<unknown>;

/**
 * Says something in a conversation. The message is stored and shown by {@link useMessages} at once, then sent; the call
 * ends when it was. One that could not be sent stays, with its delivery status, and is sent when the network is back.
 * The functions stay the same for the same conversation.
 */
export function useSend(conversation: Group | Dm | undefined): SendHandle {
  const { client } = useClient();
  const [state, setState] = useState<{ under: number; error: XmtpError | undefined }>({ under: 0, error: undefined });
  const isMounted = useRef(false);
  useEffect(() => {
    isMounted.current = true;
    return () => void (isMounted.current = false);
  }, []);

  const methods = useMemo(() => {
    const tracked = async <T>(run: (client: Client, conversation: Group | Dm) => Promise<T>): Promise<T> => {
      if (client === undefined || conversation === undefined) {
        throw new XmtpError("argument.invalid", "there is no conversation to send to: useSend was given none, or no client is open");
      }
      if (isMounted.current) setState(({ under, error }) => ({ under: under + 1, error }));
      let error: XmtpError | undefined;
      try {
        return await run(client, conversation);
      } catch (cause) {
        throw (error = asXmtpError(cause));
      } finally {
        await refreshMessages(client, conversation);
        if (isMounted.current) setState(({ under }) => ({ under: under - 1, error }));
      }
    };
    const send = ([name, at]: [string, number]): [string, Method] => [name, (...args) => {
      const given = (args[at] ?? {}) as { optimistic?: boolean; signal?: AbortSignal };
      const options = { ...given, optimistic: true };
      return tracked(async (client, conversation) => {
        const stored = await (conversation[name as keyof SendMethods] as Method)(...args.slice(0, at), options);
        if (given.optimistic === true) return stored;
        await refreshMessages(client, conversation);
        await conversation.publishMessages({ signal: given.signal });
        return stored;
      });
    }];
    return {
      ...(Object.fromEntries(Object.entries(BEFORE_OPTIONS).map(send)) as unknown as SendMethods),
      resendMessage: (messageId: string) => tracked((_, conversation) => conversation.resendMessage(messageId)),
      discardMessage: (messageId: string) => tracked((_, conversation) => conversation.discardMessage(messageId)),
    };
  }, [client, conversation]);

  const { under, error } = state;
  return useMemo(() => ({ ...methods, isSending: under > 0, error }), [methods, under > 0, error]);
}
