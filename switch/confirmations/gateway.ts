/**
 * The gateways that carry messages, as a port, with an adapter for SMS by HTTP and one for e-mail by SMTP. A gateway
 * that is down delays a message and nothing else.
 */
import type { Caller } from '../outbound/index.ts';

/** A message as a gateway gets it. The id is the same at every attempt. */
export interface OutgoingMessage {
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

/** `refused`: this message will never go, whatever is tried; `failed`: another attempt may. */
export type SendResult =
  { readonly kind: 'sent' } | { readonly kind: 'failed' | 'refused'; readonly reason: string };

export interface MessageGateway {
  /** Never throws for what the other side does. */
  send(message: OutgoingMessage): Promise<SendResult>;
}

export interface SmsGatewayOptions {
  readonly url: string;
  readonly token: string;
  /** The sender's name or short code. */
  readonly sender: string;
  readonly call: Caller;
  readonly timeoutMs?: number;
}

/** `03001234567` as the networks write it: `923001234567`. */
function international(mobile: string): string {
  return mobile.replace(/^0/, '92');
}

/**
 * An SMS gateway: `POST url` with a bearer token and `{"id", "from", "to", "text"}`; 2xx is taken, 400 and 422 are
 * final, all else is tried again. [A: the networks' gateways differ in names; this is the common shape.]
 */
export function makeSmsGateway(options: SmsGatewayOptions): MessageGateway {
  const { url, token, sender, call, timeoutMs = 10_000 } = options;
  return {
    async send({ id, recipient, body }) {
      const result = await call({
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${token}`,
          'idempotency-key': id,
        },
        body: JSON.stringify({ id, from: sender, to: international(recipient), text: body }),
        timeoutMs,
      });
      if (result.kind !== 'answered')
        return { kind: 'failed', reason: `${result.kind}: ${result.reason}` };
      const { status } = result;
      if (status >= 200 && status < 300) return { kind: 'sent' };
      const final = status === 400 || status === 422;
      return { kind: final ? 'refused' : 'failed', reason: `status ${String(status)}` };
    },
  };
}

/** What sends a mail; a transport of nodemailer is one. */
export interface MailTransport {
  sendMail(mail: {
    readonly from: string;
    readonly to: string;
    readonly subject: string;
    readonly text: string;
    readonly messageId: string;
  }): Promise<unknown>;
}

function smtpCode(error: unknown): number | undefined {
  return typeof error === 'object' &&
    error !== null &&
    'responseCode' in error &&
    typeof error.responseCode === 'number'
    ? error.responseCode
    : undefined;
}

/**
 * E-mail by SMTP. Codes 550 to 554 say that this message will never go (RFC 5321, 4.2.3); everything else is tried
 * again. `from` is an address; the message id is made of the message's own id and the sender's domain.
 */
export function makeMailGateway(transport: MailTransport, from: string): MessageGateway {
  const domain = from.slice(from.lastIndexOf('@') + 1).replace(/>$/, '');
  return {
    async send({ id, recipient, subject, body }) {
      try {
        await transport.sendMail({
          from,
          to: recipient,
          subject,
          text: body,
          messageId: `<${id}@${domain}>`,
        });
        return { kind: 'sent' };
      } catch (error) {
        const code = smtpCode(error);
        const final = code !== undefined && code >= 550 && code <= 554;
        const reason = code === undefined ? 'no connection' : `SMTP ${String(code)}`;
        return { kind: final ? 'refused' : 'failed', reason };
      }
    },
  };
}
