/** A request of Node's HTTP server that makes no table of its fields only because somebody looks whether two or three are in it. */
import { IncomingMessage } from 'node:http';
import { classifyHeader } from '../headers/classify.ts';

/**
 * What the edge reads is `rawHeaders`. `headers` is for Node, which looks for fields about the framing (`Content-Length`,
 * `Transfer-Encoding`, `Expect`, `TE`), and for the handshake of upgrades: it is empty where none of these is there.
 */
export class EdgeRequest extends IncomingMessage {
  /** What `headers` has said. */
  said: IncomingMessage['headers'] | undefined = undefined;
}

const ofNode = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers')!;
const NONE: IncomingMessage['headers'] = Object.freeze({});

Object.defineProperty(EdgeRequest.prototype, 'headers', {
  ...ofNode,
  get(this: EdgeRequest): IncomingMessage['headers'] {
    return (this.said ??= isPlain(this.rawHeaders) ? NONE : (ofNode.get!.call(this) as IncomingMessage['headers']));
  },
});

function isPlain(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    switch (classifyHeader(rawHeaders[index]!).treatment) {
      case 'content-length':
      case 'transfer-encoding':
      case 'expect':
      case 'hop':
        return false;
      default:
    }
  }
  return true;
}
